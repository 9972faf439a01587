"""A report as HTML: everything is shown, nothing works, nothing is loaded."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from optout.report.as_html import as_html
from optout.report.sheet import Sheet, Text
from tests.report.test_sheet import HOSTILE, every_block

_OURS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "strong", "ul", "li", "dl", "dt"),
    *("dd", "div", "table", "thead", "tbody", "tr", "th", "td", "br", "pre", "mark"),
}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: bytes) -> _Reader:
    reader = _Reader()
    reader.feed(page.decode())
    return reader


def test_nothing_of_a_stranger_works_in_any_block() -> None:
    found = read(as_html(every_block(HOSTILE)))
    assert found.tags <= _OURS
    assert found.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}
    text = "".join(found.words)
    assert text.count("<script>alert(1)</script>⟨U+202E⟩⟨U+001B⟩[31m") == 15
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(st.text())
def test_any_text_gives_a_page_with_our_elements_only(text: str) -> None:
    assert read(as_html(every_block(text))).tags <= _OURS


def test_it_loads_and_runs_nothing_and_says_its_language() -> None:
    page = as_html(Sheet(title="t", blocks=(Text("x"),), language="de")).decode()
    assert "default-src 'none'; style-src 'sha256-" in page
    assert '<html lang="de">' in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_marked_line_and_what_alarms_stand_out() -> None:
    page = as_html(every_block("a")).decode()
    assert "<mark>  10  second</mark>" in page
    assert '<td class="claim alarm">contradicted</td>' in page
    assert '<td class="n">7</td>' in page
