"""What an application's `documents` argument means."""

from __future__ import annotations

from pathlib import Path

from optout.adapters.document_setting import source_of
from optout.adapters.documents import CallableSource
from optout.signals.declaration import DocumentState


async def test_a_directory_is_laid_out_like_the_site_s_root(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_bytes(b"User-agent: *\nDisallow: /\n")
    for given in (tmp_path, str(tmp_path)):
        robots, tdmrep = await source_of(given).fetch("site.example")
        assert robots.data == b"User-agent: *\nDisallow: /\n"
        assert tdmrep.state is DocumentState.ABSENT


async def test_a_function_is_asked_for_each_document() -> None:
    def read(authority: str, path: str) -> bytes | None:
        return f"# {authority}{path}".encode() if path == "/robots.txt" else None

    robots, tdmrep = await source_of(read).fetch("site.example")
    assert robots.data == b"# site.example/robots.txt"
    assert tdmrep.state is DocumentState.ABSENT


def test_a_source_is_taken_as_it_is() -> None:
    class Source:
        fetch = CallableSource(lambda _authority, _path: None).fetch

    source = Source()
    assert source_of(source) is source
