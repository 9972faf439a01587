"""A trie's expression matches its words and nothing else."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from optout.compilers.recognition.word_tries import Trie


def expression(*words: str) -> str:
    return Trie(map(re.escape, word) for word in words).expression()


def test_what_begins_alike_is_written_once() -> None:
    assert expression("gptbot", "gptuser", "go") == "g(?:o|pt(?:bot|user))"
    assert expression("ab", "ac", "a-") == r"a(?:\-|[bc])"


def test_a_word_that_begins_another_is_matched_too() -> None:
    assert expression("spider", "spiders") == "spiders?"
    assert re.match(expression("spider", "spider deluxe"), "spider deluxe")[0] == "spider deluxe"


def test_nothing_is_an_empty_trie() -> None:
    assert not Trie([])


WORDS = st.lists(st.text("ab-.(", min_size=1, max_size=5), min_size=1, max_size=8)


@given(WORDS, st.text("ab-.(", min_size=1, max_size=5))
def test_exactly_the_words_match(words: list[str], other: str) -> None:
    found = re.compile(expression(*words))
    assert all(found.fullmatch(word) for word in words)
    assert bool(found.fullmatch(other)) == (other in words)


@given(WORDS)
def test_units_of_one_character_stand_in_a_class_as_themselves(words: list[str]) -> None:
    found = re.compile(
        Trie([[unit if unit == "-" else re.escape(unit) for unit in word] for word in words]).expression()
    )
    assert all(found.fullmatch(word) for word in words)
