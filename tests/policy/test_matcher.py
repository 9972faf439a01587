"""Clauses are found by who they are about and by path, in file order."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.policy import matcher as matcher_module
from optout.policy.loader import load_policy, policy_set
from optout.policy.matcher import Matchers, PolicyMatcher
from optout.policy.model import Policy

POLICY = """
version: 1
default: allow
on_error: allow
clauses:
  - {id: both, path: [/a, "/*b"], action: deny}
  - {id: everywhere, crawler: GPTBot, action: deny}
  - {id: for-seo, purpose: seo, action: deny}
  - {id: late, path: /a, action: deny}
"""


def _ids(name: str, path: bytes) -> list[str]:
    registry = bundled_registry()
    matcher = PolicyMatcher(load_policy(POLICY.encode(), "policy.yaml", registry))
    crawler = registry.by_name(name)
    assert crawler is not None
    return [clause.id for clause in matcher.about(crawler, crawler.acts_for).matching(path)]


def test_clauses_come_in_file_order_wherever_their_path_stands() -> None:
    assert _ids("GPTBot", b"/ab") == ["both", "both", "everywhere", "late"]
    assert _ids("GPTBot", b"/x") == ["everywhere"]
    assert _ids("CCBot", b"/a") == ["both", "late"]


def test_who_is_no_ai_crawler_meets_only_clauses_that_name_it() -> None:
    assert _ids("AhrefsBot", b"/a") == ["for-seo"]
    assert _ids("Googlebot", b"/a") == []


def test_an_index_is_made_once() -> None:
    registry = bundled_registry()
    matcher = PolicyMatcher(load_policy(POLICY.encode(), "policy.yaml", registry))
    crawler = registry.by_name("GPTBot")
    assert crawler is not None
    assert matcher.about(crawler, crawler.acts_for) is matcher.about(crawler, crawler.acts_for)


def _policy(number: int, text: str = POLICY) -> Policy:
    return load_policy(f"{text}sites: site-{number}.example\n".encode(), f"{number}.yaml", bundled_registry())


def test_a_matcher_is_made_when_its_policy_is_first_asked_for_and_stays_while_it_is_in_force() -> None:
    first, second = _policy(1), _policy(2)
    matchers = Matchers()
    assert len(matchers._kept) == 0
    kept = matchers.of(first)
    assert matchers.of(first) is kept
    dropped = matchers.of(second)
    matchers.keep(policy_set([first, _policy(2, POLICY + "mode: observe\n")]))
    assert matchers.of(first) is kept
    assert matchers.of(second) is not dropped


def test_the_indexes_of_all_policies_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher_module, "_MOST_CLAUSES", 100)
    registry = bundled_registry()
    matchers = Matchers()
    policies = [_policy(number) for number in range(20)]
    for policy in policies:
        for crawler in registry.crawlers[:40]:
            index = matchers.of(policy).about(crawler, crawler.acts_for)
            expected = [clause.id for clause in policy.clauses if clause.names(crawler, crawler.acts_for)]
            assert [clause.id for clause in index.clauses] == expected
    made = [index for each in matchers._kept.values() for index in each._indexes.values()]
    assert sum(len(index.clauses) + matcher_module._EMPTY_INDEX for index in made) <= 100
    assert len(made) >= 10


def test_one_index_may_be_larger_than_all_others_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher_module, "_MOST_CLAUSES", 1)
    crawler = bundled_registry().by_name("GPTBot")
    assert crawler is not None
    matcher = Matchers().of(_policy(1))
    assert matcher.about(crawler, crawler.acts_for) is matcher.about(crawler, crawler.acts_for)
