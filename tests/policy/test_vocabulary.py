"""policy.vocabulary: names that a policy may use are names that the engine finds."""

from __future__ import annotations

import pytest

from optout.crawlers.model import Purpose
from optout.crawlers.registry import bundled_registry
from optout.policy.model import Clause, ClauseAction, Place
from optout.policy.values import WrongValueError
from optout.policy.vocabulary import vocabulary

WORDS = vocabulary(bundled_registry())


def test_every_name_that_is_accepted_is_found_by_the_engine() -> None:
    for name, crawlers in WORDS.crawlers.items():
        clause = Clause(id="a", action=ClauseAction.DENY, place=Place(file="a", line=1), crawlers=frozenset({name}))
        for crawler in crawlers:
            assert clause.names(crawler, crawler.acts_for)


@pytest.mark.parametrize("name", ["GPTBot", "gptbot", "ClaudeBot", "Googlebot", "kagi-fetcher"])
def test_letters_case_does_not_matter(name: str) -> None:
    assert WORDS.crawler(name) == name.lower()


def test_an_unknown_crawler_comes_with_the_names_that_exist() -> None:
    with pytest.raises(WrongValueError) as caught:
        WORDS.crawler("GPTBott")
    assert "GPTBot" in caught.value.choices


@pytest.mark.parametrize("name", ["Google-Extended", "Applebot-Extended"])
def test_a_control_token_is_explained(name: str) -> None:
    with pytest.raises(WrongValueError, match="never sent in a request") as caught:
        WORDS.crawler(name)
    assert f"User-agent: {name}" in caught.value.remedy


def test_operators_are_known() -> None:
    assert WORDS.operator("OpenAI") == "openai"
    with pytest.raises(WrongValueError) as caught:
        WORDS.operator("OpenAl")
    assert "OpenAI" in caught.value.choices


def test_search_engines_are_all_there_and_the_known_ones_first() -> None:
    names = [crawler.name for crawler in WORDS.search_engines]
    assert set(names[:3]) == {"Googlebot", "bingbot", "DuckDuckBot"}
    registry = {each.name for each in bundled_registry().crawlers if each.purpose is Purpose.SEARCH}
    assert registry <= set(names)


def test_a_name_that_travels_with_a_search_purpose_counts_as_a_search_engine() -> None:
    kagi = [each for each in WORDS.search_engines if each.operator == "Kagi"]
    assert [each.purpose for each in kagi] == [Purpose.SEARCH]
