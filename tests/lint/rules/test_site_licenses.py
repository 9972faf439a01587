"""AU111 to AU115: the license documents that a site names."""

from __future__ import annotations

import pytest

from optout.lint.rules.site import Answer, SiteSource
from optout.lint.rules.site_licenses import SITE_LICENSES, license_urls
from optout.lint.runner import lint
from optout.messages import Fields
from optout.signals.preference import Preference, Usage

URL = "https://site.example/license.xml"
DOCUMENT = (
    b'<rsl xmlns="https://rslstandard.org/rsl"><content url="https://site.example/"><license>'
    b'<prohibits type="usage">ai-all</prohibits></license></content></rsl>'
)
NAMED = f"License: {URL}\nUser-agent: *\nAllow: /\n".encode()
LINK = '; rel="license"; type="application/rsl+xml"'


def _fields(media_type: str, *more: tuple[str, str]) -> Fields:
    return Fields((("content-type", media_type), *more))


def _license(status: int = 200, media_type: str = "application/rsl+xml", body: bytes = DOCUMENT) -> Answer:
    return Answer(url=URL, status=status, fields=_fields(media_type), body=body)


def _source(
    robots: bytes = NAMED, page: bytes = b"<p>", link: str = "", licenses: tuple[Answer, ...] = (_license(),)
) -> SiteSource:
    fields = _fields("text/html", *([("link", link)] if link else []))
    return SiteSource(
        robots=Answer(url="https://site.example/robots.txt", status=200, fields=_fields("text/plain"), body=robots),
        tdmrep=Answer(url="https://site.example/t", status=404),
        ai_txt=Answer(url="https://site.example/ai.txt", status=404),
        page=Answer(url="https://site.example/", status=200, fields=fields, body=page),
        target="/",
        licenses=licenses,
    )


def _codes(source: SiteSource) -> list[str]:
    return [finding.code for finding in lint(SITE_LICENSES, source)]


def test_a_sound_site_has_nothing() -> None:
    assert _codes(_source()) == []


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (_source(licenses=(_license(404),)), "AU111"),
        (_source(licenses=(Answer(url=URL, fault="it leads to 10.0.0.1, which is not public"),)), "AU111"),
        (_source(licenses=(_license(media_type="text/html"),)), "AU111"),
        (_source(licenses=(_license(body=b"\n<!doctype html><p>"),)), "AU111"),
        (_source(licenses=(_license(media_type="text/xml"),)), "AU112"),
        (_source(link=f"</license.xml>{LINK}"), "AU113"),
        (_source(link=f"<{URL}>; rel=license"), "AU113"),
        (_source(page=b'<head>\n<link rel="license" type="application/rsl+xml" href="/l.xml">'), "AU113"),
        (_source(page=b'<head></head><script type="application/rsl+xml">x</script>'), "AU114"),
        (_source(page=f'<body>\n<link rel=license type=application/rsl+xml href="{URL}">'.encode()), "AU114"),
        (_source(robots=NAMED.replace(b"Allow", b"Disallow")), "AU115"),
    ],
)
def test_each_mistake_has_its_code(source: SiteSource, code: str) -> None:
    assert _codes(source) == [code]


def test_a_license_on_another_site_is_not_judged_by_this_robots_txt() -> None:
    robots = NAMED.replace(b"Allow", b"Disallow").replace(b"site.example", b"other.example")
    assert "AU115" not in _codes(_source(robots=robots))


def test_documents_are_named_by_every_group_by_the_response_and_by_the_page_once() -> None:
    robots = NAMED + f"\nUser-agent: GPTBot\nLicense: {URL}?gpt\nAllow: /\n".encode()
    page = f'<link rel="license" type="application/rsl+xml" href="{URL}">'.encode()
    assert license_urls(_source(robots=robots, page=page, link=f"<{URL}?link>{LINK}")) == (
        URL,
        f"{URL}?gpt",
        f"{URL}?link",
    )


def test_what_the_document_says_is_heard() -> None:
    assert _source().verdict("*").preference(Usage.TRAIN) is Preference.DISALLOWED
    assert _source(licenses=(_license(404),)).verdict("*").preference(Usage.TRAIN) is Preference.UNKNOWN


def test_hostile_bytes_are_told_as_printable_ascii() -> None:
    evil = _license(media_type="\x1b[31m\u202e")
    for finding in lint(SITE_LICENSES, _source(licenses=(evil,), link="<\u202e>" + LINK)):
        assert finding.text.isascii()
        assert finding.text.isprintable()
