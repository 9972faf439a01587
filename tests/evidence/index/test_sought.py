"""Paths by requests, over one log."""

from __future__ import annotations

from pathlib import Path

from optout.evidence.index.catalog import open_catalog
from optout.evidence.index.question import PathPattern, Question
from optout.evidence.index.sought import robots_reads, sought
from tests.review.setting import HOSTILE, TIME_US, log_of_visits

REQUESTS = {"type": "crawl.request"}


def test_the_most_sought_stand_first_without_who_was_taken_back(tmp_path: Path) -> None:
    with open_catalog(log_of_visits(tmp_path / "evidence")) as catalog:
        found = sought(catalog, Question(facets=REQUESTS))
        assert (found[0]["path"], found[0]["standing"], found[0]["count"]) == ("/art/1.jpg", "unverified", 2)
        assert sum(row["path"] == "/art/1.jpg" for row in found) == 2, "the verified request stands by itself"
        assert {row["path"] for row in found} == {"/art/1.jpg", "/art/2.jpg", "/robots.txt", f"/{HOSTILE}"}
        assert len(sought(catalog, Question(facets=REQUESTS), 1)) == 1


def test_time_facets_and_path_narrow_it(tmp_path: Path) -> None:
    with open_catalog(log_of_visits(tmp_path / "evidence")) as catalog:
        question = Question(since_us=TIME_US + 1, until_us=TIME_US + 90_000_000_000, facets=REQUESTS)
        assert [row["path"] for row in sought(catalog, question)] == ["/art/2.jpg"]
        mine = Question(facets={**REQUESTS, "product": "CCBot"}, path=PathPattern("/art/"))
        assert [row["count"] for row in sought(catalog, mine)] == [1]


def test_fetches_of_robots_txt_are_counted_by_name(tmp_path: Path) -> None:
    with open_catalog(log_of_visits(tmp_path / "evidence")) as catalog:
        assert robots_reads(catalog, Question(facets=REQUESTS)) == {("GPTBot", "unverified"): 1}
