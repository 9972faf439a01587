"""A robots.txt taken over into a policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.registry import bundled_registry
from optout.policy.imported import Imported, import_robots
from optout.policy.loader import load_policy
from optout.policy.model import Policy


def imported(text: str) -> tuple[Imported, Policy]:
    found = import_robots(text.encode(), bundled_registry(), site="a.example")
    return found, load_policy(found.text.encode(), "policy.yaml", bundled_registry())


def clauses(policy: Policy) -> list[tuple[str, frozenset[str], tuple[str, ...]]]:
    return [(each.action.value, each.crawlers, tuple(path.written for path in each.paths)) for each in policy.clauses]


def test_groups_of_ai_crawlers_become_clauses_the_longest_rule_first() -> None:
    found, policy = imported("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\nAllow: /press/\nAllow: /p/\n")
    both = frozenset({"gptbot", "ccbot"})
    assert clauses(policy) == [("allow", both, ("/press/", "/p/")), ("deny", both, ())]
    assert (found.kept, policy.robots_base) == ((), "")


def test_a_crawler_with_a_group_of_its_own_may_fetch_all_else() -> None:
    _, policy = imported("User-agent: GPTBot\nDisallow: /x\nUser-agent: *\nDisallow: /\n")
    assert clauses(policy)[-1] == ("allow", frozenset({"gptbot"}), ())
    assert policy.robots_base == "User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize(
    ("group", "why"),
    [
        ("User-agent: *\nDisallow: /x\n", "it is for everybody"),
        ("User-agent: NobodyKnows\nDisallow: /x\n", "no crawler is known by this name"),
        ("User-agent: Googlebot\nDisallow: /x\n", "it is no AI crawler alone, and is left alone at the door"),
        ("User-agent: Google-Extended\nDisallow: /\n", "no request carries this name"),
        ("User-agent: GPTBot\nDisallow: /x\nCrawl-delay: 1\n", "its group holds more than rules"),
        ("User-agent: GPTBot\nDisallow: /robots.txt\n", "a rule of it can be no clause"),
        ("User-agent: Kagi-fetcher\nDisallow: /x\n", "its name means other crawlers, too"),
    ],
)
def test_what_becomes_no_clause_stays_and_is_told(group: str, why: str) -> None:
    found, policy = imported(group)
    assert [(each.line, each.why) for each in found.kept] == [(1, why)]
    assert policy.clauses == ()
    assert policy.robots_base.lower() == group.lower()


def test_the_policy_observes_first_and_says_so() -> None:
    found, policy = imported("")
    assert policy.mode.value == "observe"
    assert (policy.sites, policy.robots_base) == (("a.example",), "")
    assert "write `enforce`" in found.text


@given(st.binary(max_size=300))
def test_any_octets_become_a_policy_that_loads(data: bytes) -> None:
    found = import_robots(data, bundled_registry(), site="a.example")
    load_policy(found.text.encode(), "policy.yaml", bundled_registry())


@pytest.mark.parametrize(
    ("odd", "arrives"),
    [
        ('Sitemap: "\\"', 'Sitemap: "\\"\n'),
        ("Host: \u2028", "Host: %E2%80%A8\n"),
        ("Host: \U0001f600", "Host: \U0001f600\n"),
        ("Host: a\tb", "Host: a b\n"),
        ("key\x1b: - x: |", "key%1b: - x: |\n"),
    ],
)
def test_odd_characters_do_not_break_the_policy(odd: str, arrives: str) -> None:
    _, policy = imported(f"User-agent: *\nDisallow: /\n{odd}\n")
    assert arrives in policy.robots_base


def test_a_quoted_name_or_path_is_read_as_it_was() -> None:
    _, policy = imported('User-agent: GPTBot\nDisallow: /"a"\\b\n')
    assert clauses(policy)[0][2] == ('/"a"\\b',)
