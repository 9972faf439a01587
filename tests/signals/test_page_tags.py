"""X-Robots-Tag and meta elements: whom they address, what they forbid to whom, and TDMRep's in the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from optout.messages import Fields
from optout.signals.html_head import LARGEST_HEAD, LONGEST_CONTENT
from optout.signals.page_tags import (
    MEANINGS,
    PageTags,
    parse_page_tags,
    parse_robots_tag_fields,
    resolve_page,
)
from optout.signals.path_records import LONGEST_VALUE
from optout.signals.preference import Preference, Usage, combine
from optout.signals.tdmrep import NOTHING_SAID, Reserved, TdmStatement
from tests.calls import calls_of

TRAIN, INPUT, SEARCH, MINE = Usage.TRAIN, Usage.INPUT, Usage.SEARCH, Usage.MINE


def field(*values: str) -> PageTags:
    return parse_robots_tag_fields(Fields(tuple(("X-Robots-Tag", value) for value in values)))


def meta(content: str, name: str = "robots") -> PageTags:
    return parse_page_tags(f'<head>\n<meta name="{name}" content="{content}">'.encode())


def forbidden(tags: PageTags, token: str) -> set[Usage]:
    statements = combine(tags.statements((token,)))
    assert {statement.preference for statement in statements} <= {Preference.DISALLOWED}
    return {statement.usage for statement in statements}


@pytest.mark.parametrize("read", [field, meta])
@pytest.mark.parametrize(
    ("value", "gptbot", "googlebot", "bingbot"),
    [
        ("noai", {TRAIN}, {TRAIN}, {TRAIN}),
        ("noimageai", {TRAIN}, {TRAIN}, {TRAIN}),
        (" NoAI ,, NoImageAI", {TRAIN}, {TRAIN}, {TRAIN}),
        ("noarchive", set(), set(), {TRAIN, INPUT}),
        ("nocache", set(), set(), {TRAIN, INPUT}),
        ("nosnippet", set(), {INPUT}, set()),
        ("max-snippet: 0", set(), {INPUT}, set()),
        ("max-snippet:50", set(), set(), set()),
        ("noindex, nofollow", {SEARCH}, {SEARCH}, {SEARCH}),
        ("none", {SEARCH}, {SEARCH}, {SEARCH}),
        ("all, index, follow, max-image-preview:large", set(), set(), set()),
        ("unavailable_after: Friday, 25-Jun-10 15:00:00 UTC, noai", {TRAIN}, {TRAIN}, {TRAIN}),
        ("unavailable_after: 2010-06-25T15:00:00Z, noai", {TRAIN}, {TRAIN}, {TRAIN}),
        ("", set(), set(), set()),
    ],
)
def test_a_directive_forbids_what_it_means_to_whom_it_means_it(
    read: Callable[[str], PageTags], value: str, gptbot: set[Usage], googlebot: set[Usage], bingbot: set[Usage]
) -> None:
    tags = read(value)
    assert (forbidden(tags, "GPTBot"), forbidden(tags, "googlebot"), forbidden(tags, "Bingbot")) == (
        gptbot,
        googlebot,
        bingbot,
    )
    assert tags.faults == ()


def test_nobody_says_that_noai_is_followed() -> None:
    assert MEANINGS["noai"].followed_by == MEANINGS["noimageai"].followed_by == ()
    assert MEANINGS["noindex"].followed_by == ("Googlebot", "bingbot")
    assert field("noarchive").tags[0].meaning.followed_by == ("bingbot",)


@pytest.mark.parametrize(
    ("values", "gptbot", "other"),
    [
        (("GPTBot: noai",), {TRAIN}, set()),
        (("gptbot: noindex, noai",), {TRAIN, SEARCH}, set()),
        (("noindex, gptbot: noai",), {TRAIN, SEARCH}, {SEARCH}),
        (("gptbot: noai, other: noindex",), {TRAIN}, {SEARCH}),
        (("gptbot: noai", "noindex"), {TRAIN, SEARCH}, {SEARCH}),
        (("gptbot: unavailable_after: 25 Jun 2010 15:00:00 PST, noai",), {TRAIN}, set()),
        (("unavailable_after: 25 Jun 2010 15:00:00 PST", "noai"), {TRAIN}, {TRAIN}),
        (("*: noai",), {TRAIN}, {TRAIN}),
    ],
)
def test_in_a_field_a_name_before_a_directive_is_whom_it_addresses(
    values: tuple[str, ...], gptbot: set[Usage], other: set[Usage]
) -> None:
    tags = field(*values)
    assert (forbidden(tags, "GPTBot"), forbidden(tags, "other")) == (gptbot, other)


def test_a_meta_element_of_a_crawlers_name_addresses_it_besides_that_of_everyone() -> None:
    page = b"<meta name=GPTBot content='noai, x'><meta name=robots content=noindex><meta name=description content=noai>"
    tags = parse_page_tags(page)
    assert forbidden(tags, "gptbot") == {TRAIN, SEARCH}
    assert forbidden(tags, "other") == {SEARCH}
    assert tags.faults == ()


def test_a_statement_names_its_source_and_line() -> None:
    said = meta("noai").statements(("a",))[0]
    assert (said.source, said.line, said.text) == ("meta element", 2, "noai")
    said = field("a: NOAI").statements(("a",))[0]
    assert (said.source, said.line, said.text) == ("X-Robots-Tag", 0, "NOAI")


@pytest.mark.parametrize(
    ("value", "code", "column", "uses"),
    [
        ("noindex, noal", "unknown-directive", 9, {SEARCH}),
        ("é, no-ai", "unknown-directive", 1, {TRAIN}),
        ("noindex,no-ai", "loose-spelling", 9, {TRAIN, SEARCH}),
        ("no such bot: noai", "unknown-directive", 1, set()),
    ],
)
def test_what_is_no_directive_is_a_fault(value: str, code: str, column: int, uses: set[Usage]) -> None:
    tags = field(value)
    assert (tags.faults[0].code, tags.faults[0].column, tags.faults[0].line) == (code, column, 0)
    assert forbidden(tags, "a") == uses
    assert (meta(value).faults[0].code, meta(value).faults[0].line) == (code, 2)


def test_limits_are_reported_and_what_comes_before_stands() -> None:
    tags = field("noai," + " " * LONGEST_VALUE)
    assert (forbidden(tags, "a"), [fault.code for fault in tags.faults]) == ({TRAIN}, ["too-long"])
    tags = meta("noai," + " " * LONGEST_CONTENT)
    assert (forbidden(tags, "a"), [fault.code for fault in tags.faults]) == ({TRAIN}, ["too-long"])
    tags = parse_page_tags(b"<meta name=robots content=noai>" + b" " * LARGEST_HEAD)
    assert (forbidden(tags, "a"), [fault.code for fault in tags.faults]) == ({TRAIN}, ["head-too-long"])


class TestTdmInHtml:
    """TDM Reservation Protocol, sections "TDM Metadata in HTML Content" and "Processing priority"."""

    def test_reservation_and_policy(self) -> None:
        tags = parse_page_tags(
            b'<meta name="x">\n<meta name="tdm-reservation" content="1">\n'
            b'<meta name="tdm-policy" content="https://site.example/p.json">'
        )
        assert tags.tdm == TdmStatement(
            reserved=Reserved.RESERVED, policy="https://site.example/p.json", source="html", line=2
        )
        said = tags.statements(())[0]
        assert (said.usage, said.preference, said.line, said.text) == (
            MINE,
            Preference.DISALLOWED,
            2,
            "tdm-reservation=1",
        )

    def test_zero_is_not_reserved_and_absence_is_unset(self) -> None:
        said = meta("0", "tdm-reservation").statements(())
        assert [(statement.usage, statement.preference) for statement in said] == [(MINE, Preference.ALLOWED)]
        assert parse_page_tags(b"").tdm == NOTHING_SAID

    @pytest.mark.parametrize(
        ("page", "reserved", "codes"),
        [
            ("<meta name=tdm-reservation content=yes>", Reserved.UNSET, ["bad-reservation"]),
            (
                "<meta name=tdm-reservation content=0><meta name=tdm-reservation content=1>",
                Reserved.RESERVED,
                ["conflicting-fields"],
            ),
            ("<meta name=tdm-policy content=/p.json>", Reserved.UNSET, ["bad-policy"]),
        ],
    )
    def test_faults(self, page: str, reserved: Reserved, codes: list[str]) -> None:
        tags = parse_page_tags(page.encode())
        assert tags.tdm.reserved is reserved
        assert [(fault.line, fault.code) for fault in tags.faults] == [(1, code) for code in codes]

    def test_the_page_replaces_file_and_field_and_absence_resets_nothing(self) -> None:
        field_says = TdmStatement(reserved=Reserved.RESERVED, policy="https://site.example/p", source="header")
        page = meta("0", "tdm-reservation").tdm
        assert resolve_page(field_says, page).reserved is Reserved.NOT_RESERVED
        assert resolve_page(field_says, page).source == "html"
        assert resolve_page(field_says, NOTHING_SAID) == field_says
        policy = meta("https://site.example/q", "tdm-policy").tdm
        assert resolve_page(field_says, policy).terms == "https://site.example/q"


def test_faults_and_statements_quote_nothing_that_could_write_on_a_terminal() -> None:
    for tags in (field("\x1b[31m\u202e, max-snippet:\x1b0, noai\x1b"), meta("\x1b[31m\u202e&#27;, noai")):
        texts = [fault.text for fault in tags.faults] + [tag.text for tag in tags.tags]
        assert texts
        for text in texts:
            assert text.isascii()
            assert text.isprintable()


HOSTILE: dict[str, Callable[[int], str]] = {
    "directives": lambda n: "noai," * n,
    "unknown directives": lambda n: ",".join(f"a{k}" for k in range(n)),
    "crawlers": lambda n: "a:noai," * n,
    "colons": lambda n: "a:" * n,
    "a long word": lambda n: "a" * n,
    "blanks": lambda n: "a " * n,
}


@pytest.mark.parametrize("read", [field, meta])
@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_value(read: Callable[[str], PageTags], shape: str) -> None:
    small, large = (HOSTILE[shape](n) for n in (100, 400))
    assert calls_of(lambda: read(large)) <= 4 * calls_of(lambda: read(small)) + 100
