"""Foreign text on a terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.cli.terminal import percent, safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GPTBot/1.0", "GPTBot/1.0"),
        ("bücher", "bücher"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]8;;http://evil\x07", "\\x1b]8;;http://evil\\x07"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"),
        ("\udcff", "\\udcff"),
        ("\x85", "\\x85"),
    ],
)
def test_what_could_act_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_long_text_is_cut() -> None:
    assert safe("a" * 1000, limit=10) == "aaaaaaaaa…"


@given(st.text(max_size=300))
def test_nothing_that_acts_gets_through(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    shown.encode("utf-8")


def test_a_share_is_shown_on_a_terminal_where_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for screen, expected in ((Terminal(), "\r0 %\r50 %\r100 %\n"), (io.StringIO(), "")):
        monkeypatch.setattr("sys.stderr", screen)
        tell = percent()
        for done in (0, 1, 2, 1000, 1001, 1999, 2000):
            tell(done if done in (0, 1, 2) else 1000 if done < 1999 else 2000, 2000)
        assert screen.getvalue() == expected
