"""Lists of URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.cli import url_lists
from optout.cli.url_lists import listed
from optout.errors import UsageError


def test_lines_and_sitemaps(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b" /a \r\n\n/\xff\n")
    (tmp_path / "map").write_bytes(b"<x:loc>\n https://s.example/b?x&amp;y </x:loc><loc></loc><loc>/c")
    assert list(listed(tmp_path / "lines", tmp_path / "map")) == ["/a", "/\udcff", "https://s.example/b?x&y"]
    assert list(listed(None, None)) == []


def test_a_sitemap_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url_lists, "_LARGEST", 3)
    (tmp_path / "map").write_bytes(b"<loc>")
    with pytest.raises(UsageError, match="larger"):
        list(listed(None, tmp_path / "map"))
