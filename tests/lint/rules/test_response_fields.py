"""HD1xx: the fields of a response."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.lint.rules.response_fields import RESPONSE_FIELDS, FieldSource, license_links
from optout.lint.runner import lint
from optout.messages import Fields
from tests.calls import calls_of

RSL = 'rel="license"; type="application/rsl+xml"'
GOOD = (
    ("Content-Usage", "train-ai=n"),
    ("tdm-reservation", "1"),
    ("tdm-policy", "https://photos.example/policy.json"),
    ("X-Robots-Tag", "noai, noimageai"),
    ("X-Robots-Tag", "GPTBot: noindex"),
    ("Link", f"<https://photos.example/license.xml>; {RSL}, </style.css>; rel=preload"),
)


def _codes(*fields: tuple[str, str], status: int = 200, page: bytes = b"") -> list[str]:
    return [each.code for each in lint(RESPONSE_FIELDS, FieldSource(status=status, fields=Fields(fields), page=page))]


def test_a_sound_response_has_nothing() -> None:
    assert _codes(*GOOD) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([("Content-Usage", "train-ai: n")], "HD101"),
        ([("Content-Usage", "")], "HD101"),
        ([("Content-Usage", "ai-train=n")], "HD102"),
        ([("Content-Usage", "train-ai=maybe")], "HD102"),
        ([("Content-Usage", "train-ai=n"), ("Content-Usage", "train-ai=y")], "HD102"),
        ([("tdm-reservation", "true")], "HD103"),
        ([("tdm-reservation", "1"), ("tdm-reservation", "0")], "HD104"),
        ([("tdm-reservation", "1")], "HD105"),
        ([("tdm-reservation", "1"), ("tdm-policy", "/policy.json")], "HD106"),
        ([("tdm-policy", "https://photos.example/policy.json")], "HD107"),
        ([("X-Robots-Tag", "no-ai")], "HD108"),
        ([("X-Robots-Tag", "noia")], "HD108"),
        ([("X-Robots-Tag", "index"), ("X-Robots-Tag", "noindex")], "HD109"),
        ([("X-Robots-Tag", "all, none")], "HD109"),
        ([("Link", '<https://photos.example/license.xml>; rel="license"; type="text/xml"')], "HD110"),
        ([("Link", '<https://photos.example/license.xml>; rel="license"')], "HD110"),
        ([("Link", f"</license.xml>; {RSL}")], "HD111"),
    ],
)
def test_each_mistake_has_its_code(fields: list[tuple[str, str]], code: str) -> None:
    assert code in _codes(*fields)


def test_a_license_of_another_kind_is_none_of_ours() -> None:
    assert _codes(("Link", '<https://creativecommons.org/licenses/by/4.0/>; rel="license"')) == []


def test_a_refusal_needs_its_fields() -> None:
    assert _codes(status=401) == ["HD112"]
    assert _codes(status=403) == ["HD112"]
    assert _codes(("Cache-Control", "no-store"), status=402) == []
    assert _codes(("WWW-Authenticate", "License"), status=401) == []


def test_a_word_of_the_page_that_says_nothing_is_found_at_its_line() -> None:
    page = b'<head>\n<meta name="robots" content="no-ai">\n</head>'
    (found,) = lint(RESPONSE_FIELDS, FieldSource(fields=Fields(), page=page))
    assert (found.code, found.line) == ("HD113", 2)


NAMES = st.sampled_from(("Content-Usage", "tdm-reservation", "tdm-policy", "X-Robots-Tag", "Link", "Cache-Control"))


@given(st.lists(st.tuples(NAMES, st.text(max_size=60)), max_size=5), st.integers(0, 999))
def test_no_field_raises_and_what_is_told_is_printable_ascii(fields: list[tuple[str, str]], status: int) -> None:
    for each in lint(RESPONSE_FIELDS, FieldSource(status=status, fields=Fields(tuple(fields)))):
        assert each.text.isascii()
        assert each.text.isprintable()


@pytest.mark.parametrize("piece", ["<a>; ", '<a>; rel="', "<a>;;;;", "<a>; rel=license,", "<", ";a"])
def test_work_grows_no_faster_than_a_link(piece: str) -> None:
    def work(times: int) -> int:
        value = Fields((("Link", piece * times),))
        return calls_of(lambda: license_links(value))

    assert work(4000) <= 4 * work(1000) + 200
