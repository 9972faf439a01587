"""What may be asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.index.facts import parse_facts
from optout.evidence.index.question import PathPattern, Question
from optout.evidence.probe import PROBE
from tests.evidence.index.setting import NOON, record


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/a", "/a", True),
        ("/a", "/ab/c", True),
        ("/a", "/A", False),
        ("/a", "x/a", False),
        ("*.jpg", "/x/y.jpg", True),
        ("*.jpg", "/x/y.jpg.html", False),
        ("/?", "/a", True),
        ("/?", "/ab", False),
        ("/[ab]", "/b", True),
        ("/[ab]", "/c", False),
        ("/*\n", "/x\n", True),
        ("/a.c", "/abc", False),
    ],
)
def test_a_path_begins_so_or_fits_the_pattern(pattern: str, path: str, fits: bool) -> None:
    assert PathPattern(pattern).matcher()(path) is fits


@given(st.text("/ab*?[]", max_size=6), st.text("/ab*", max_size=6))
def test_what_fits_begins_with_the_prefix(pattern: str, path: str) -> None:
    one = PathPattern(pattern)
    assert not one.matcher()(path) or path.startswith(one.prefix)


def test_a_probe_is_found_by_its_type_or_where_nothing_is_chosen() -> None:
    facts = parse_facts(record(5, PROBE, **{"crawl.product": "GPTBot", "url.path": "/a"}))
    assert facts is not None
    assert Question().fits(facts)
    assert Question(since_us=NOON).fits(facts)
    assert Question(facets={"type": PROBE, "product": "GPTBot"}).fits(facts)
    assert not Question(facets={"product": "GPTBot"}).fits(facts)
    assert not Question(path=PathPattern("/a")).fits(facts)


def test_a_question_is_about_all_that_it_names() -> None:
    facts = parse_facts(record(5, **{"crawl.product": "GPTBot", "decision.action": "deny"}))
    assert facts is not None
    assert Question().fits(facts)
    assert Question(facets={"product": "gptbot", "action": "deny"}).fits(facts)
    assert not Question(facets={"product": "GPTBot", "action": "allow"}).fits(facts)
    assert not Question(path=PathPattern("")).fits(facts)
    assert Question(since_us=NOON + 5, until_us=NOON + 6).fits(facts)
    assert not Question(since_us=NOON + 6).fits(facts)
    assert not Question(until_us=NOON + 5).fits(facts)
