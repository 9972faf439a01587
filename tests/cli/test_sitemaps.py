"""Sitemaps from files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.cli import sitemaps
from optout.cli.sitemaps import sitemap_pages
from optout.errors import UsageError

_NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def _urlset(*pages: str) -> bytes:
    urls = "".join(f"<url><loc>{page}</loc><lastmod>2026-01-01</lastmod></url>" for page in pages)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {_NAMESPACE}>{urls}</urlset>'.encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sitemap.xml"


def test_pages_of_a_urlset_come_without_the_pictures_on_them(file: Path) -> None:
    pictured = b"<url><loc>/a&amp;b</loc><image:image><image:loc>/a.jpg</image:loc></image:image></url></urlset>"
    file.write_bytes(_urlset("/1").replace(b"</urlset>", pictured))
    assert list(sitemap_pages(file)) == ["/1", "/a&b"]


def test_a_compressed_file_is_read_whatever_it_is_called(file: Path) -> None:
    file.write_bytes(gzip.compress(_urlset("/1", "/2")))
    assert list(sitemap_pages(file)) == ["/1", "/2"]


def test_a_text_sitemap_is_a_page_a_line(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfhttps://s.example/1\r\n\r\nhttps://s.example/2\n")
    assert list(sitemap_pages(file)) == ["https://s.example/1", "https://s.example/2"]


def _index(*names: str) -> bytes:
    return _urlset(*names).replace(b"urlset", b"sitemapindex").replace(b"url>", b"sitemap>")


def test_what_an_index_names_is_looked_for_beside_it(file: Path) -> None:
    file.write_bytes(_index("https://s.example/maps/one.xml.gz?v=2", "https://s.example/two.xml"))
    (file.parent / "one.xml.gz").write_bytes(gzip.compress(_urlset("/1")))
    (file.parent / "two.xml").write_bytes(_urlset("/2"))
    assert list(sitemap_pages(file)) == ["/1", "/2"]


@pytest.mark.parametrize("name", ["https://s.example/three.xml", "https://s.example/", "..", "https://s.example/.."])
def test_a_part_that_is_not_there_is_named(file: Path, name: str) -> None:
    file.write_bytes(_index(name))
    with pytest.raises(UsageError, match="is not beside it"):
        list(sitemap_pages(file))


def test_an_index_that_names_itself_ends(file: Path) -> None:
    file.write_bytes(_index("https://s.example/sitemap.xml"))
    with pytest.raises(UsageError, match="index within an index"):
        list(sitemap_pages(file))


def test_entities_are_refused_before_one_is_expanded(file: Path) -> None:
    file.write_bytes(b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>')
    with pytest.raises(UsageError, match="document type"):
        list(sitemap_pages(file))


def test_broken_xml_is_told_with_its_line(file: Path) -> None:
    file.write_bytes(b"<urlset>\n<url><loc>/a</url>")
    with pytest.raises(UsageError, match=r"sitemap\.xml:2: no XML: mismatched tag"):
        list(sitemap_pages(file))


def test_what_is_too_large_is_not_read_and_what_is_packed_is_measured_unpacked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "_LARGEST", 1000)
    for data in (b"x" * 1001, gzip.compress(b"x" * 1001)):
        file.write_bytes(data)
        with pytest.raises(UsageError, match="larger"):
            list(sitemap_pages(file))


def test_an_index_of_too_many_pages_or_files_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "a.xml").write_bytes(_urlset("/1", "/2"))
    file.write_bytes(_index("a.xml", "a.xml"))
    monkeypatch.setattr(sitemaps, "_MOST_PAGES", 3)
    with pytest.raises(UsageError, match="more than 3 pages"):
        list(sitemap_pages(file))
    monkeypatch.setattr(sitemaps, "_MOST_FILES", 1)
    with pytest.raises(UsageError, match="2 sitemaps"):
        list(sitemap_pages(file))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda tail: _urlset("/1")[:90] + tail)))
def test_any_bytes_are_pages_or_a_fault_for_the_owner(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        pages = list(sitemap_pages(file))
    except UsageError:
        return
    assert all(page and page == page.strip() for page in pages)
