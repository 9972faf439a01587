"""Filters out of a query that anybody can write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optout.review.asked import Asked, parse_asked

DAY_US = 86_400_000_000


def test_whole_days_of_utc_the_last_one_included() -> None:
    question = parse_asked({"since": "2026-11-18", "until": "2026-11-18", "crawler": "GPTBot", "path": "/a"}).question()
    assert question.since_us is not None
    assert question.until_us == question.since_us + DAY_US
    assert question.facets == {"type": "crawl.request", "product": "GPTBot"}
    assert question.path is not None


def test_gaps_are_asked_by_time_alone() -> None:
    asked = parse_asked({"crawler": "GPTBot", "path": "/a", "since": "2026-11-18"})
    question = asked.question("log.gap")
    assert (question.facets, question.path) == ({"type": "log.gap"}, None)


def test_a_tenant_is_in_every_question() -> None:
    assert Asked().question(tenant="alice").facets["tenant"] == "alice"


def test_a_link_keeps_the_filters_and_changes_one() -> None:
    asked = parse_asked({"since": "2026-11-18", "crawler": "a b&c"})
    assert asked.link("/records") == "/records?since=2026-11-18&crawler=a+b%26c"
    assert asked.link("/records", crawler="") == "/records?since=2026-11-18"
    assert Asked().link("/") == "/"


@given(st.dictionaries(st.sampled_from(["since", "until", "crawler", "path", "cursor", "x"]), st.text(max_size=40)))
def test_no_query_raises(query: dict[str, str]) -> None:
    asked = parse_asked(query)
    asked.question()
    asked.link("/")


def test_no_day_is_passed_over() -> None:
    for text in ("2026-13-01", "x", "2026-11-18T00:00", "9999-12-31", "٢٠٢٦-11-18"):
        asked = parse_asked({"since": text, "until": text})
        asked.question()
    assert parse_asked({"since": "2026-02-30"}).since == ""
