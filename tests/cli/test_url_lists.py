"""Lists of URLs."""

from __future__ import annotations

from pathlib import Path

from optout.cli.url_lists import listed


def test_lines_and_sitemaps(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b" /a \r\n\n/\xff\n")
    (tmp_path / "map").write_bytes(b"<urlset><url><loc>\n https://s.example/b?x&amp;y </loc></url></urlset>")
    assert list(listed(tmp_path / "lines", tmp_path / "map")) == ["/a", "/\udcff", "https://s.example/b?x&y"]
    assert list(listed(None, None)) == []
