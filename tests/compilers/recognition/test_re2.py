"""RE2 finds in a user agent the crawler that the engine finds, and nobody in a person's."""

from __future__ import annotations

import re

import pytest

from optout.compilers.recognition.re2 import re2
from optout.crawlers.registry import bundled_registry
from tests.compilers.recognizing import CHROME, GROUPS, PEOPLE, SEEN, rank_by_engine, rank_by_re2

EXPRESSIONS = tuple(each for group in GROUPS for each in re2(group))


@pytest.mark.parametrize("user_agent", SEEN)
def test_a_crawler_is_found_as_the_engine_finds_it(user_agent: str) -> None:
    assert rank_by_re2(user_agent) == rank_by_engine(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_nobody_is_found_where_the_engine_finds_nobody(user_agent: str) -> None:
    assert rank_by_re2(user_agent) is None


def test_each_spelling_is_found_as_the_engine_finds_it() -> None:
    for token, _ in bundled_registry().spellings:
        for way in (
            token.text,
            token.text.upper(),
            f"{CHROME}; {token.text}/1.0",
            f"Mozilla/5.0 (compatible; {token.text}; x)",
            f"Not{token.text}",
            f"{token.text}Checker",
            f"x/1.0 (+https://example.org/{token.text})",
            f"x/1.0 (+https://www.{token.text})",
            f"x/1.0 (+example.org/{token.text})",
            f"{token.text}.example",
        ):
            assert rank_by_re2(way) == rank_by_engine(way), way


def test_a_typographic_hyphen_is_a_hyphen() -> None:
    assert rank_by_re2("Claude\u2011User/1.0") == rank_by_engine("Claude-User/1.0")


def test_a_name_that_is_disclaimed_says_by_what() -> None:
    assert [each.unless for each in EXPRESSIONS if each.unless] == [r"(?i)electron/"]
    assert rank_by_re2("Cursor/1.0") is not None
    assert rank_by_re2("Cursor/1.0 Electron/39") is None


def test_re2_is_asked_for_nothing_that_go_has_not() -> None:
    for each in EXPRESSIONS:
        assert not re.search(r"\(\?[^:i-]|\(\*|[+*?}]\+|\\[bZ]", each.found)
