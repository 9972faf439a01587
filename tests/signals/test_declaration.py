"""What an answer says of a document, and what two documents say together."""

from __future__ import annotations

import hashlib

import pytest

from optout.signals.declaration import (
    HTML_PAGE,
    MOST_LICENSES,
    NOTHING_KNOWN,
    ROBOTS_NAME,
    TDMREP_NAME,
    Document,
    DocumentState,
    absent,
    known,
    license_name,
    license_path,
    parse_answer,
    parse_published,
    unknown,
)

ROBOTS = b"User-agent: GPTBot\nDisallow: /\n"
TDMREP = b'[{"location": "/", "tdm-reservation": 1}]'


@pytest.mark.parametrize("status", [200, 203])
def test_a_success_is_the_document(status: int) -> None:
    document = parse_answer(ROBOTS_NAME, status, ROBOTS)
    assert (document.state, document.data) == (DocumentState.KNOWN, ROBOTS)
    assert document.sha256 == hashlib.sha256(ROBOTS).hexdigest()


@pytest.mark.parametrize("status", [404, 410])
def test_not_found_and_gone_say_that_there_is_none(status: int) -> None:
    assert parse_answer(ROBOTS_NAME, status, b"<html>").state is DocumentState.ABSENT


@pytest.mark.parametrize("status", [0, 100, 206, 301, 304, 400, 401, 402, 403, 429, 451, 500, 502, 503, 504])
def test_any_other_status_says_nothing(status: int) -> None:
    document = parse_answer(ROBOTS_NAME, status, ROBOTS)
    assert document.state is DocumentState.UNKNOWN
    assert str(status) in document.why


@pytest.mark.parametrize("body", [b"<!doctype html>", b"\n\t <html>", b"\xef\xbb\xbf<HTML>", b"<?xml?>", b"<"])
@pytest.mark.parametrize("name", [ROBOTS_NAME, TDMREP_NAME])
def test_a_page_in_place_of_a_document_says_nothing(name: str, body: bytes) -> None:
    document = parse_answer(name, 200, body)
    assert document.state is DocumentState.UNKNOWN
    assert "HTML" in document.why


@pytest.mark.parametrize("body", [b"<rsl/>", b"\xef\xbb\xbf <?xml version='1.0'?>", b"<!DOCTYPE rsl>", b""])
def test_a_license_document_begins_as_xml_does(body: bytes) -> None:
    assert parse_answer(license_name("/l.xml"), 200, body).state is DocumentState.KNOWN


@pytest.mark.parametrize("body", [b"<!doctype html><p>", b"\n<HTML>"])
def test_a_page_in_place_of_a_license_document_says_nothing(body: bytes) -> None:
    assert parse_answer(license_name("/l.xml"), 200, body).why == HTML_PAGE


def test_license_documents_on_the_site_itself_are_named_and_not_asked_yet() -> None:
    text = b"""License: https://site.example/a.xml
License: https://other.example/b.xml
License: https://site.example/
License: https://site.example/c?d
License: https://site.example:8443/e.xml
User-agent: x
License: http://site.example/dir/f.xml
Allow: /
"""
    published = parse_published(known(ROBOTS_NAME, text), absent(TDMREP_NAME), authority="site.example")
    assert [(url, document.state) for url, document in published.licenses] == [
        ("https://site.example/a.xml", DocumentState.UNKNOWN),
        ("http://site.example/dir/f.xml", DocumentState.UNKNOWN),
    ]
    assert [license_path(document) for _, document in published.licenses] == ["/a.xml", "/dir/f.xml"]
    assert parse_published(known(ROBOTS_NAME, text), absent(TDMREP_NAME)).licenses == ()


def test_the_number_of_license_documents_is_limited() -> None:
    text = b"".join(b"License: https://site.example/%d.xml\n" % number for number in range(99))
    published = parse_published(known(ROBOTS_NAME, text), absent(TDMREP_NAME), authority="site.example")
    assert len(published.licenses) == MOST_LICENSES


def test_an_empty_document_is_known() -> None:
    assert parse_answer(ROBOTS_NAME, 200, b"").state is DocumentState.KNOWN


def test_both_documents_are_ready_to_be_matched() -> None:
    published = parse_published(known(ROBOTS_NAME, ROBOTS), known(TDMREP_NAME, TDMREP))
    assert published.robots is not None
    assert published.robots.match(("GPTBot",), "/a").allowed is False
    assert published.tdm is not None
    assert published.tdm.match("/a") is not None


@pytest.mark.parametrize("document", [absent, lambda name: unknown(name, "timeout")])
def test_a_document_that_is_not_known_has_no_matcher(document: object) -> None:
    published = parse_published(document(ROBOTS_NAME), document(TDMREP_NAME))  # type: ignore[operator]
    assert (published.robots, published.tdm, published.sitemaps) == (None, None, frozenset())


def test_each_document_is_judged_for_itself() -> None:
    published = parse_published(unknown(ROBOTS_NAME, "timeout"), known(TDMREP_NAME, TDMREP))
    assert published.robots is None
    assert published.tdm is not None


def test_where_nothing_is_known_nobody_is_refused() -> None:
    states = (NOTHING_KNOWN.robots_document.state, NOTHING_KNOWN.tdmrep_document.state)
    assert states == (DocumentState.UNKNOWN, DocumentState.UNKNOWN)
    assert (NOTHING_KNOWN.robots, NOTHING_KNOWN.tdm) == (None, None)


def sitemaps(*values: str, authority: str = "site.example") -> frozenset[str]:
    text = "".join(f"Sitemap: {value}\n" for value in values)
    return parse_published(known(ROBOTS_NAME, text.encode()), absent(TDMREP_NAME), authority=authority).sitemaps


@pytest.mark.parametrize(
    "value",
    [
        "https://site.example/map.xml",
        "http://site.example/map.xml",
        "HTTPS://SITE.example:443/map.xml",
        "https://site.example./map.xml",
        "https://site.example/map.xml#top",
    ],
)
def test_a_sitemap_on_the_site_itself_answers_everybody(value: str) -> None:
    assert sitemaps(value) == {"/map.xml"}


@pytest.mark.parametrize(
    "value",
    [
        "https://other.example/map.xml",
        "https://site.example.other.example/map.xml",
        "https://user@site.example/map.xml",
        "https://site.example:8443/map.xml",
        "/map.xml",
        "map.xml",
        "ftp://site.example/map.xml",
        "https://site.example/index.php?map=1",
        "https://site.example/?",
        "",
    ],
)
def test_a_sitemap_elsewhere_or_with_a_query_opens_nothing(value: str) -> None:
    assert sitemaps(value) == frozenset()


def test_without_an_authority_no_sitemap_is_the_site_s_own() -> None:
    assert sitemaps("https://site.example/map.xml", "https:///map.xml", authority="") == frozenset()


def test_the_bytes_of_a_document_stay_out_of_its_repr() -> None:
    assert "GPTBot" not in repr(known(ROBOTS_NAME, ROBOTS))


def test_equal_versions_are_equal_documents() -> None:
    assert known(ROBOTS_NAME, ROBOTS) == known(ROBOTS_NAME, bytes(ROBOTS))
    assert known(ROBOTS_NAME, ROBOTS) != Document(state=DocumentState.KNOWN, name=ROBOTS_NAME)
