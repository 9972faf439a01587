"""AU1xx: what a site serves."""

from __future__ import annotations

from typing import Any

import pytest

from optout.lint.rules.site import SITE, Answer, SiteSource
from optout.lint.runner import lint
from optout.messages import Fields

TEXT = Fields((("content-type", "text/plain"),))
JSON = Fields((("content-type", "application/json"),))
HTML = Fields((("content-type", "text/html"),))
RESERVED = b'[{"location": "/", "tdm-reservation": 1}]'
GOOD = {
    "robots": Answer(url="/robots.txt", status=200, fields=TEXT, body=b"User-agent: *\nAllow: /\n"),
    "tdmrep": Answer(url="/t", status=200, fields=JSON, body=RESERVED),
    "ai_txt": Answer(url="/ai.txt", status=404),
    "page": Answer(url="/", status=200, fields=HTML, body=b"<p>hello"),
}


IMAGE = Answer(url="/one.jpg", status=200)
RESERVED_PAGE = Answer(url="/", status=200, fields=HTML, body=b'<head><meta name="tdm-reservation" content="1"></head>')


def _codes(**changed: Any) -> list[str]:
    return [
        finding.code for finding in lint(SITE, SiteSource(**{**GOOD, **changed}, target="/", image_target="/one.jpg"))
    ]


def _robots(status: int = 200, body: bytes = b"User-agent: *\nAllow: /\n", fields: Fields = TEXT) -> Answer:
    return Answer(url="/robots.txt", status=status, fields=fields, body=body)


def test_a_sound_site_has_nothing() -> None:
    assert _codes() == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"robots": _robots(403)}, "AU101"),
        ({"robots": _robots(503)}, "AU101"),
        ({"robots": Answer(url="/", fault="no whole answer")}, "AU101"),
        ({"robots": _robots(body=b"<!DOCTYPE html>", fields=HTML)}, "AU102"),
        ({"robots": _robots(fields=HTML)}, "AU103"),
        ({"robots": _robots(301, b"", Fields((("location", "/x"),)))}, "AU104"),
        ({"tdmrep": Answer(url="/t", status=200, fields=JSON, body=b"<html>")}, "AU105"),
        ({"tdmrep": Answer(url="/t", status=403)}, "AU106"),
        ({"page": Answer(url="/", status=200, fields=Fields((("tdm-reservation", "0"),)))}, "AU107"),
        ({"robots": _robots(body=b"User-agent: *\nAllow: /\nContent-Signal: ai-train=yes\n")}, "AU108"),
        ({"tdmrep": Answer(url="/t", status=404)}, "AU109"),
        (
            {"robots": Answer(url="/r", status=200, fields=TEXT, body=b"User-agent: *\nAllow: /\n", hops=("/r",))},
            "AU104",
        ),
        ({"page": RESERVED_PAGE, "tdmrep": Answer(url="/t", status=404), "image": IMAGE}, "AU116"),
        ({"named": (Answer(url="/policy.json", status=404),)}, "AU117"),
        ({"page": Answer(url="/", status=301, fields=Fields((("location", "/x"),)))}, "AU118"),
        ({"page": Answer(url="/", status=404)}, "AU118"),
        ({"robots": _robots(body=b"# BEGIN Cloudflare Managed content\nUser-agent: *\nAllow: /\n")}, "AU110"),
    ],
)
def test_each_mistake_has_its_code(changed: dict[str, Any], code: str) -> None:
    assert code in _codes(**changed)


def test_a_missing_file_is_no_mistake() -> None:
    assert "AU101" not in _codes(robots=_robots(404, b""))
    assert "AU106" not in _codes(tdmrep=Answer(url="/t", status=404))


def test_hostile_bytes_are_told_as_printable_ascii() -> None:
    location = Fields((("location", "/\x1b[31m\u202e"),))
    hostile = {"robots": _robots(302, b"", location)}
    for finding in lint(SITE, SiteSource(**{**GOOD, **hostile}, target="/")):
        assert finding.text.isascii()
        assert finding.text.isprintable()
