"""The nouns of recognition: what a crawler acts for, and the words that are public."""

from __future__ import annotations

import dataclasses

import pytest

from optout.crawlers.model import AI_PURPOSES, Crawler, Honors, Purpose, SaidBy


def crawler(*purposes: Purpose) -> Crawler:
    return Crawler(name="ExampleBot", operator="Example Corp", purposes=purposes)


def test_the_first_purpose_governs() -> None:
    assert crawler(Purpose.TRAIN, Purpose.DATASET).purpose is Purpose.TRAIN
    assert crawler(Purpose.TRAIN, Purpose.DATASET).acts_for == {Purpose.TRAIN, Purpose.DATASET}


def test_who_feeds_ordinary_search_acts_for_search_alone() -> None:
    assert crawler(Purpose.SEARCH, Purpose.SEARCH_INDEX, Purpose.TRAIN).acts_for == {Purpose.SEARCH}


def test_a_crawler_is_a_value() -> None:
    assert crawler(Purpose.TRAIN) == crawler(Purpose.TRAIN)
    with pytest.raises(dataclasses.FrozenInstanceError):
        crawler(Purpose.TRAIN).name = "OtherBot"  # type: ignore[misc]


def test_search_engines_and_people_s_tools_are_not_ai() -> None:
    assert AI_PURPOSES.isdisjoint({Purpose.SEARCH, Purpose.PREVIEW, Purpose.FEED, Purpose.MONITOR, Purpose.TOOL})
    assert Purpose.CONTROL_TOKEN not in AI_PURPOSES


def test_the_public_words_stay() -> None:
    assert " ".join(Purpose) == (
        "train dataset search-index user-fetch undocumented search archive preview feed ads-check seo monitor tool "
        "control-token"
    )
    assert " ".join(Honors) == "yes claimed no unknown"
    assert " ".join(SaidBy) == "user-agent signature-agent"
