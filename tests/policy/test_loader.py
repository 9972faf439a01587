"""policy.loader: many files, each failing for itself."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.errors import PolicyError, Problem
from optout.policy.draft import is_stand_in
from optout.policy.loader import load_policies, load_policy, policy_set
from optout.policy.model import Action, Mode, PolicySet

REGISTRY = bundled_registry()


def _file(sites: str, default: str = "deny", more: str = "") -> bytes:
    return f"version: 1\nmode: enforce\nsites: {sites}\ndefault: {default}\non_error: allow\n{more}".encode()


def _load(last_good: PolicySet | None = None, **files: bytes) -> tuple[PolicySet, tuple[Problem, ...]]:
    named = {f"{name}.yaml": data for name, data in files.items()}
    return load_policies(named, REGISTRY, last_good=last_good)


def _governs(policies: PolicySet, site: str) -> tuple[str, Mode, Action]:
    found = policies.find(site)
    assert found is not None
    return found.file, found.mode, found.default


def test_a_single_broken_file_is_an_error_with_every_problem() -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(b"version: 1\n", "a.yaml", REGISTRY)
    assert caught.value.diagnostics().splitlines()[0] == "2 problems in the policy"
    assert [problem.file for problem in caught.value.problems] == ["a.yaml", "a.yaml"]


def test_each_file_governs_its_own_sites() -> None:
    policies, problems = _load(a=_file("a.example"), b=_file("b.example", "allow"))
    assert problems == ()
    assert _governs(policies, "a.example") == ("a.yaml", Mode.ENFORCE, Action.DENY)
    assert _governs(policies, "b.example") == ("b.yaml", Mode.ENFORCE, Action.ALLOW)


def test_a_broken_file_stops_only_its_own_sites() -> None:
    policies, problems = _load(a=_file("a.example", "block"), b=_file("b.example"))
    assert [problem.file for problem in problems] == ["a.yaml"]
    assert _governs(policies, "a.example") == ("a.yaml", Mode.OBSERVE, Action.ALLOW)
    assert _governs(policies, "b.example") == ("b.yaml", Mode.ENFORCE, Action.DENY)


def test_a_broken_file_keeps_its_last_good_copy() -> None:
    good, _ = _load(a=_file("a.example"))
    policies, problems = _load(good, a=_file("a.example", "block"))
    assert problems
    assert policies.find("a.example") == good.find("a.example")
    again, _ = _load(policies, a=_file("a.example", "blocked"))
    assert again.find("a.example") == good.find("a.example")


def test_a_file_that_was_never_right_is_observed_by_what_it_says_now() -> None:
    first, _ = _load(a=_file("a.example", "block"))
    then, _ = _load(first, a=_file("b.example", "block"))
    assert then.find("a.example") is None
    assert _governs(then, "b.example")[1] is Mode.OBSERVE
    mended, problems = _load(then, a=_file("b.example"))
    assert problems == ()
    assert _governs(mended, "b.example")[1] is Mode.ENFORCE


def test_a_file_whose_sites_cannot_be_read_stops_nothing() -> None:
    policies, problems = _load(a=b"version: 'open\n", b=_file("b.example"))
    assert len(problems) == 1
    assert [policy.file for policy in policies] == ["b.yaml"]


def test_a_broken_file_without_sites_stands_in_for_every_site_but_those_of_others() -> None:
    policies, _ = _load(a=b"version: 1\n", b=_file("b.example"))
    assert _governs(policies, "b.example")[0] == "b.yaml"
    assert _governs(policies, "c.example") == ("a.yaml", Mode.OBSERVE, Action.ALLOW)


def test_a_site_in_two_files_is_a_problem_of_the_second() -> None:
    policies, problems = _load(a=_file("a.example"), b=_file("[b.example, a.example]"))
    assert [str(problem) for problem in problems] == [
        "b.yaml:3: a.example is already governed by a.yaml - name each site in one file only"
    ]
    assert _governs(policies, "a.example")[0] == "a.yaml"
    assert _governs(policies, "b.example") == ("b.yaml", Mode.OBSERVE, Action.ALLOW)


def test_a_newcomer_takes_no_site_from_the_file_that_has_it() -> None:
    before, _ = _load(m=_file("a.example"))
    policies, problems = _load(before, b=_file("a.example", "allow"), m=_file("a.example"))
    assert [problem.file for problem in problems] == ["b.yaml"]
    assert _governs(policies, "a.example") == ("m.yaml", Mode.ENFORCE, Action.DENY)


def test_a_typo_does_not_lose_a_site_to_another_tenant() -> None:
    before, _ = _load(m=_file("a.example"))
    policies, _ = _load(before, b=_file("a.example", "allow"), m=_file("a.example", "block"))
    assert _governs(policies, "a.example") == ("m.yaml", Mode.ENFORCE, Action.DENY)


def test_a_site_can_move_from_one_file_to_another() -> None:
    before, _ = _load(a=_file("[a.example, b.example]"), b=_file("c.example"))
    policies, problems = _load(before, a=_file("b.example"), b=_file("[c.example, a.example]"))
    assert problems == ()
    assert _governs(policies, "a.example")[0] == "b.yaml"


def test_a_file_that_is_gone_governs_nothing() -> None:
    before, _ = _load(a=_file("a.example"), b=_file("b.example"))
    policies, problems = _load(before, b=_file("b.example"))
    assert problems == ()
    assert policies.find("a.example") is None


def test_two_files_for_every_site_are_a_problem() -> None:
    _, problems = _load(a=_file("'*'"), b=_file("'*'"))
    assert [problem.text for problem in problems] == ["every site (*) is already governed by a.yaml"]


def test_the_digest_names_the_set() -> None:
    one, _ = _load(a=_file("a.example"), b=_file("b.example"))
    same, _ = _load(b=_file("b.example"), a=_file("a.example"))
    other, _ = _load(a=_file("a.example"), b=_file("b.example", "allow"))
    assert one.digest == same.digest
    assert one.digest != other.digest
    assert len(one.digest) == 64


def test_no_file_is_no_policy() -> None:
    policies, problems = _load()
    assert list(policies) == []
    assert problems == ()
    assert policy_set(()).find("a.example") is None


def test_a_stand_in_is_known_as_one() -> None:
    policies, _ = _load(a=_file("a.example", "block"), b=_file("b.example"))
    assert [is_stand_in(policy) for policy in policies] == [True, False]
