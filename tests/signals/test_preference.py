"""How statements of any source are combined, and how a stranger's text is repeated."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signals.preference import (
    LONGEST_EXCERPT,
    Preference,
    Statement,
    Usage,
    combine,
    excerpt,
    preference_for,
)

ALLOWED, DISALLOWED, UNKNOWN = Preference.ALLOWED, Preference.DISALLOWED, Preference.UNKNOWN


def said(usage: Usage, preference: Preference, source: str = "a") -> Statement:
    return Statement(usage=usage, preference=preference, source=source)


def test_the_words_are_those_that_are_public() -> None:
    assert [str(usage) for usage in Usage] == ["train", "input", "index", "search", "mine"]


@pytest.mark.parametrize(
    ("preferences", "stands"),
    [
        ((ALLOWED, DISALLOWED, UNKNOWN), DISALLOWED),
        ((ALLOWED, DISALLOWED), DISALLOWED),
        ((DISALLOWED, UNKNOWN), DISALLOWED),
        ((ALLOWED, UNKNOWN), ALLOWED),
        ((UNKNOWN,), UNKNOWN),
    ],
)
def test_the_most_restrictive_stands_in_any_order(preferences: tuple[Preference, ...], stands: Preference) -> None:
    for order in permutations(preferences):
        statements = [said(Usage.TRAIN, preference) for preference in order]
        assert [statement.preference for statement in combine(statements)] == [stands]
        assert preference_for(statements, Usage.TRAIN) is stands


def test_uses_are_apart_and_nothing_said_is_unknown() -> None:
    statements = [said(Usage.SEARCH, ALLOWED), said(Usage.TRAIN, DISALLOWED)]
    assert [statement.usage for statement in combine(statements)] == [Usage.TRAIN, Usage.SEARCH]
    assert preference_for(statements, Usage.INPUT) is UNKNOWN
    assert combine([]) == ()


def test_of_statements_that_say_the_same_the_first_stands() -> None:
    statements = [said(Usage.TRAIN, DISALLOWED, "a"), said(Usage.TRAIN, DISALLOWED, "b")]
    assert combine(statements)[0].source == "a"


def test_an_excerpt_shows_what_is_printable_as_it_is() -> None:
    assert excerpt("train-ai=n, search=y") == "train-ai=n, search=y"


def test_an_excerpt_escapes_what_could_write_on_a_terminal() -> None:
    assert excerpt("\x1b[31m\u202e\udcff\\\n") == r"\x1b[31m\u202e\udcff\\\n"


def test_an_excerpt_is_cut() -> None:
    assert excerpt("a" * LONGEST_EXCERPT) == "a" * LONGEST_EXCERPT
    assert excerpt("a" * (LONGEST_EXCERPT + 1)) == "a" * LONGEST_EXCERPT + "..."


@given(st.text())
def test_an_excerpt_of_any_text_is_printable_ascii_and_short(text: str) -> None:
    shown = excerpt(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 10 * LONGEST_EXCERPT + 3  # the longest escape is \U0010ffff
