"""What a policy says of uses: what is refused, what a clause permits, and nothing of the rest."""

from __future__ import annotations

import pytest

from optout.compilers.documents.uses import MOST_PATHS, among, uses_for
from optout.crawlers.registry import bundled_registry
from optout.policy.model import Action
from optout.signals.preference import Usage
from tests.compilers.documents.published import NO_TRAINING, policy

Said = list[tuple[str, dict[str, str]]]


def told(more: str, default: str = "allow", crawler: str = "") -> Said:
    found = uses_for(policy(more, default), bundled_registry().by_name(crawler) if crawler else None)
    return [(uses.path, {usage.value: action.value for usage, action in uses.said.items()}) for uses in found]


@pytest.mark.parametrize(
    ("clauses", "default", "expected"),
    [
        ("", "allow", []),
        (NO_TRAINING, "allow", [("/", {"train": "deny"})]),
        ("", "deny", [("/", {"train": "deny", "input": "deny", "index": "deny"})]),
        ("clauses: [{action: deny, purpose: user-fetch}]\n", "allow", []),
        ("clauses: [{action: allow, purpose: [search]}]\n", "allow", [("/", {"search": "allow"})]),
        (
            "clauses: [{action: allow, purpose: train, path: /free/}, {action: deny, purpose: train}]\n",
            "allow",
            [("/", {"train": "deny"}), ("/free/", {"train": "allow"})],
        ),
        ("clauses: [{action: allow}]\n", "deny", []),
        ('clauses: [{action: deny, path: "*.jpg"}, {action: allow, purpose: train}]\n', "allow", []),
    ],
)
def test_only_what_is_said_is_said(clauses: str, default: str, expected: Said) -> None:
    assert told(clauses, default) == expected


def test_a_clause_that_names_a_crawler_speaks_of_its_own_purposes() -> None:
    clauses = "clauses: [{action: allow, crawler: GPTBot, purpose: train}, {action: deny, purpose: [train, dataset]}]\n"
    assert told(clauses, crawler="GPTBot") == [("/", {"train": "allow"})]
    assert told(clauses, crawler="ClaudeBot") == [("/", {"train": "deny"})]


def test_a_path_of_which_nothing_can_be_said_takes_the_permission_around_it_away() -> None:
    clauses = "clauses: [{action: published, path: /x/}, {action: allow, purpose: train}]\n"
    assert told(clauses) == [("/", {"train": "allow"}), ("/x/", {})]
    assert among(uses_for(policy(clauses)), {Usage.TRAIN}) == ()


def test_a_format_hears_only_its_own_uses() -> None:
    found = among(uses_for(policy("", "deny")), {Usage.INDEX})
    assert [dict(uses.said) for uses in found] == [{Usage.INDEX: Action.DENY}]


def test_very_many_paths_are_not_told_one_by_one() -> None:
    paths = ", ".join(f"/{number}/" for number in range(MOST_PATHS + 1))
    clauses = f"clauses: [{{action: allow, purpose: train, path: [{paths}]}}, {{action: deny, purpose: train}}]\n"
    assert told(clauses) == [("/", {"train": "deny"})]
