"""Names are told apart by how they stand, and written as few expressions."""

from __future__ import annotations

import re

from optout.compilers.recognition.spelled_names import PCRE_UNITS, Words, alike, either, followed, split, units_of
from optout.crawlers.tokens import Match, Token

TOKENS = (
    Token(text="GPTBot"),
    Token(text="Devin/"),
    Token(text="Kangaroo Bot"),
    Token(text="newspaper"),
    Token(text="amazon-kendra", match=Match.PREFIX),
    Token(text="opencode", match=Match.WHOLE),
    Token(text="diffbot.com", match=Match.URL),
    Token(text="github.com/x", match=Match.URL),
    Token(text="YaK", exact_case=True),
)


def test_each_kind_has_its_expression() -> None:
    words = Words(TOKENS, PCRE_UNITS)
    assert re.fullmatch(words.bounded, "gptbot")
    assert re.fullmatch(words.bounded, "YaK")
    assert re.fullmatch(words.apart_bounded, "kangaroo+bot")
    assert re.fullmatch(words.apart_bounded, "kangaroo%20bot")
    assert words.apart_unbounded == "devin/"
    assert re.fullmatch(words.unbounded, "amazon-kendra")
    assert (words.whole, words.hosts, words.paths) == ("opencode", r"diffbot\.com", r"github\.com/x")


def test_a_kind_that_none_is_of_is_nothing() -> None:
    words = Words(TOKENS[:1], PCRE_UNITS)
    assert (words.whole, words.hosts, words.unbounded, words.apart_bounded) == ("", "", "", "")


def test_exact_letters_stay_exact_where_case_is_ignored() -> None:
    found = re.compile(f"(?i){Words(TOKENS, PCRE_UNITS).bounded}")
    assert found.fullmatch("YaK")
    assert not found.fullmatch("yak")
    assert found.fullmatch("GPTBOT")


def test_tokens_go_by_what_disclaims_them() -> None:
    tokens = (Token(text="a"), Token(text="b", unless="x"), Token(text="c"))
    assert alike(tokens) == ((tokens[0], tokens[2]), (tokens[1],))


def test_what_is_too_long_becomes_two() -> None:
    tokens = [Token(text=name) for name in ("aaa", "bbb", "ccc", "ddd")]
    assert split(tokens, lambda some: "|".join(each.text for each in some), 8) == ("aaa|bbb", "ccc|ddd")
    assert split(tokens[:1], lambda some: some[0].text, 1) == ("aaa",)


def test_ways_that_are_nothing_are_left_out() -> None:
    assert (either("a", "", "b"), either("", "a"), either(""), followed("", "x"), followed("a", "x")) == (
        "(?:a|b)",
        "a",
        "",
        "",
        "ax",
    )


def test_a_name_is_quoted() -> None:
    assert "".join(units_of("a.b(c", {})) == r"a\.b\(c"
