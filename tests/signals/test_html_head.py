"""Which meta elements a page has in its head, and what hides one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signals.html_head import LARGEST_HEAD, LONGEST_CONTENT, Link, Script, parse_head
from tests.calls import calls_of

META = "<meta name=robots content=noai>"


def metas(page: str) -> list[tuple[str, str]]:
    return [(meta.name, meta.content) for meta in parse_head(page.encode()).metas]


@pytest.mark.parametrize(
    "tag",
    [
        META,
        '<meta name="robots" content="noai">',
        "<META NAME='ROBOTS' CONTENT='noai' />",
        "<meta content=noai name=robots />",
        '<meta\n\tname = "robots"\r\ncontent\f=\fnoai>',
        '<meta name="robots"content="noai">',
        '<meta name=" robots " content=noai>',
        '<meta name="&#114;obots" content="no&#x61;i">',
        '<meta name=robots content=noai content=all name="x">',
        '<meta charset=utf-8 name=robots data-x="<meta" content=noai>',
        '<meta/name="robots"/content="noai">',
        "<!doctype html><html><head><title>a<b</title>" + META,
        "<noscript>" + META + "</noscript>",
        "<script>if (a < b) '<!-- '</script>" + META,
        "<!-->" + META,
        "<!--->" + META,
        "<!-- a --!>" + META,
        "<!-- a -- > -->" + META,
        "<?php > ?>" + META,
        "</>" + META,
        "a < b > c" + META,
        "<p>" + META,
        "\ufeff" + META,
    ],
)
def test_a_meta_element_is_found(tag: str) -> None:
    assert metas(tag) == [("robots", "noai")]


@pytest.mark.parametrize(
    "page",
    [
        "<!-- " + META + " -->",
        "<!--" + META,
        "<!--!>" + META,
        "<!--a--" + META,
        "<script>" + META + "</script>",
        "<script>" + META,
        "<style>" + META + "</styles></style>",
        "<TITLE>" + META + "</title>",
        "<textarea>" + META + "</textarea>",
        "<a title='" + META + "'>",
        '<a title="' + META,
        "<meta name=robots content=noai",
        '<meta name=robots content="noai>',
        "<meta property=robots content=noai>",
        "<meta name= content=noai>",
        "<metadata name=robots content=noai>",
        "</meta name=robots content=noai>",
        "</head>" + META,
        "<body class=a>" + META,
        "<frameset>" + META,
        "<plaintext>" + META,
        "<! " + META[:-1],
        "<meta name=robots/content=noai>",
    ],
)
def test_what_is_no_meta_element_of_the_head_is_not(page: str) -> None:
    assert metas(page) == [] or metas(page)[0][0] != "robots"


def test_a_page_in_utf_16_is_read() -> None:
    assert len(parse_head(META.encode("utf-16")).metas) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_and_columns_count_from_one(end: str) -> None:
    page = end.join(["<head>", "", " é" + META + META, META])
    assert [(meta.line, meta.column) for meta in parse_head(page.encode()).metas] == [
        (3, 3),
        (3, 3 + len(META)),
        (4, 1),
    ]


def test_a_page_is_read_up_to_the_limit_and_says_so() -> None:
    head = parse_head(META.encode() + b" " * LARGEST_HEAD + META.encode())
    assert (len(head.metas), head.is_cut) == (1, True)
    assert not parse_head(META.encode() + b"</head>" + b" " * LARGEST_HEAD).is_cut
    assert not parse_head(META.encode()).is_cut


def test_a_long_content_is_cut_and_says_so() -> None:
    page = f"<meta name=robots content='{'a' * (LONGEST_CONTENT + 1)}'>"
    meta = parse_head(page.encode()).metas[0]
    assert (len(meta.content), meta.is_cut) == (LONGEST_CONTENT, True)


def test_a_long_number_of_a_character_is_no_crash() -> None:
    assert metas(f"<meta name=robots content='&#{'9' * LARGEST_HEAD}'>") == []
    assert metas(f"<meta name=robots content='&#{'9' * LONGEST_CONTENT};'>") == [("robots", "\ufffd")]


HOSTILE: dict[str, Callable[[int], str]] = {
    "tags that do not end": lambda n: "<a " * n,
    "attributes": lambda n: "<a" + " a" * n,
    "attributes of a meta": lambda n: "<meta" + " a=b" * n,
    "quotes": lambda n: "<a a=\"b'" * n,
    "equals signs": lambda n: "<a " + "a = " * n,
    "blanks": lambda n: "<a a" + " " * n + "a",
    "slashes": lambda n: "<a" + "/" * n,
    "comments": lambda n: "<!--" * n,
    "comments that nearly end": lambda n: "<!--" + "--!" * n,
    "declarations": lambda n: "<!" * n,
    "instructions": lambda n: "<?" * n,
    "scripts": lambda n: "<script>" + "</scrip" * n,
    "short scripts": lambda n: "<script></script>" * n,
    "end tags": lambda n: "</" * n,
    "a long name": lambda n: "<" + "a" * n,
    "less-than signs": lambda n: "<" * n,
    "metas": lambda n: META * n,
    "metas on lines": lambda n: (META + "\n") * n,
    "references": lambda n: "<meta name=robots content='" + "&amp" * n + "'>",
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_page(shape: str) -> None:
    small, large = (HOSTILE[shape](n).encode() for n in (250, 1_000))
    assert calls_of(lambda: parse_head(large)) <= 4 * calls_of(lambda: parse_head(small)) + 100


@pytest.mark.parametrize("shape", HOSTILE)
def test_the_largest_head_of_every_hostile_shape_is_read_to_an_end(shape: str) -> None:
    parse_head(HOSTILE[shape](LARGEST_HEAD).encode()[:LARGEST_HEAD])  # were any quadratic, this would take minutes


FRAGMENTS = [
    "<",
    ">",
    "/",
    "!",
    "--",
    "?",
    "=",
    '"',
    "'",
    " ",
    "\n",
    "\r",
    "&#",
    "9",
    ";",
    "meta ",
    "name=",
    "content=",
    "a",
]
FRAGMENTS += ["robots", "script", "</script", "head", META, "\x00", "é"]


@given(st.binary() | st.lists(st.sampled_from(FRAGMENTS)).map(lambda parts: "".join(parts).encode()))
def test_any_bytes_are_a_head_with_lines_inside_the_page(page: bytes) -> None:
    for meta in parse_head(page).metas:
        assert 1 <= meta.line <= 1 + page.count(b"\n") + page.count(b"\r")
        assert 1 <= meta.column <= len(page)


def test_links_with_a_relation_are_found() -> None:
    page = '<head>\n<LINK Rel="a &amp; b" href=" /x " type=t><link href=/y><!-- <link rel=c> --></head><link rel=d>'
    assert parse_head(page.encode()).links == (Link(line=2, rel="a & b", type="t", href="/x"),)


def test_scripts_with_a_type_are_found_with_the_line_on_which_their_text_starts() -> None:
    page = "<script>1</script>\n<script type='a/b'\n>\n<!-- <x> </scripty></SCRIPT ><meta name=robots content=noai>"
    head = parse_head(page.encode())
    assert head.scripts == (Script(line=3, type="a/b", text="\n<!-- <x> </scripty>"),)
    assert head.metas[0].line == 4


def test_a_script_that_does_not_end_is_none() -> None:
    assert parse_head(b"<script type=a>x").scripts == ()
