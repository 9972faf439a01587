"""One name: what is published beside what was observed."""

from __future__ import annotations

from pathlib import Path

from optout.crawlers.registry import bundled_registry
from optout.review.asked import Asked
from optout.review.pages.crawler import crawler
from optout.review.reader import Reader
from tests.review.setting import HOSTILE, log_of_visits


def test_a_known_name_has_its_sources_its_figures_and_its_rules(tmp_path: Path) -> None:
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    told = crawler(reader, bundled_registry(), "GPTBot", Asked(), "")
    assert told is not None
    assert told["about"]["operator"] == "OpenAI"
    assert told["about"]["sources"]
    assert sum(each["count"] for each in told["figures"]["by_standing"]) == 4
    assert {(rule["file"], rule["line"], rule["text"]) for rule in told["rules"]} >= {
        ("robots.txt", 2, "Disallow: /art/")
    }
    assert [row["id"] for row in told["latest"]] == ["r6", "r3", "r2", "r1"]


def test_a_name_that_only_the_log_knows_is_shown_without_facts(tmp_path: Path) -> None:
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    told = crawler(reader, bundled_registry(), HOSTILE, Asked(), "")
    assert told is not None
    assert told["about"] is None
    assert crawler(reader, bundled_registry(), "nobody", Asked(), "") is None


def test_a_known_name_that_never_came_is_a_page_all_the_same(tmp_path: Path) -> None:
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    told = crawler(reader, bundled_registry(), "ClaudeBot", Asked(), "")
    assert told is not None
    assert told["figures"]["by_standing"] == []
