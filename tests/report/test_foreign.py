"""Strangers' text on a page: shown, and harmless."""

from __future__ import annotations

import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.report.foreign import plain, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GPTBot/1.2", "GPTBot/1.2"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\x1b[31m\r\n", "a⟨U+001B⟩[31m⟨U+000D⟩⟨U+000A⟩"),
        ('"onload="', "&quot;onload=&quot;"),
        ("x" * 9, "xxxx… (5 more)"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert visible(text, 4 if text.startswith("xx") else 300) == shown


@given(st.text())
def test_nothing_acts_and_nothing_hides(text: str) -> None:
    shown = visible(text)
    assert not set('<>"') & set(shown)
    assert html.unescape(shown) == plain(text)
    assert all(unicodedata.category(char)[0] != "C" for char in shown)
