"""policy.fleet: the same answer as judging every file anew, for the price of what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from optout.crawlers.registry import bundled_registry
from optout.errors import Problem
from optout.policy import fleet as fleet_module
from optout.policy.draft import Draft, is_stand_in, read_draft
from optout.policy.fleet import Fleet, policy_set
from optout.policy.model import Policy, PolicySet
from optout.policy.vocabulary import vocabulary

WORDS = vocabulary(bundled_registry())
FILES = ("a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml")
SITES = ("one.example", "two.example", "'*.three.example'", "'*'")


def judged_anew(drafts: Iterable[Draft], last_good: PolicySet | None) -> tuple[PolicySet, tuple[Problem, ...]]:
    """What a directory means, by definition: every file is looked at, in the order of names."""
    ordered = sorted(drafts, key=lambda draft: draft.file)
    before = {policy.file: policy for policy in last_good or () if not is_stand_in(policy)}
    owners: dict[str, str] = {}
    for draft in ordered:
        for site in draft.sites:
            had = last_good.by_site.get(site) if last_good is not None else None
            if had is not None and had.file == draft.file:
                owners[site] = draft.file
            else:
                owners.setdefault(site, draft.file)
    kept: list[Policy] = []
    problems: list[Problem] = []
    for draft in ordered:
        taken = [
            Problem(
                file=draft.file,
                line=draft.sites_line,
                text=f"{'every site (*)' if site == '*' else site} is already governed by {owners[site]}",
                remedy="name each site in one file only",
            )
            for site in draft.sites
            if owners[site] != draft.file
        ]
        found = (*draft.problems, *taken)
        problems.extend(found)
        policy = draft.policy if not found else before.get(draft.file, draft.stand_in)
        if policy is None:
            continue
        sites = tuple(site for site in policy.sites if owners.setdefault(site, draft.file) == draft.file)
        if sites:
            kept.append(policy if sites == policy.sites else replace(policy, sites=sites))
    return policy_set(kept), tuple(problems)


def _text(sites: list[str], default: str, remark: int) -> str:
    named = f"sites: [{', '.join(sites)}]\n" if sites else ""
    return f"# {remark}\nversion: 1\nmode: enforce\n{named}default: {default}\non_error: allow\n"


CONTENTS = st.one_of(
    st.builds(
        _text,
        st.lists(st.sampled_from(SITES), max_size=3, unique=True),
        st.sampled_from(["allow", "allow", "deny", "block"]),
        st.integers(min_value=0, max_value=2),
    ),
    st.just("sites: 'open\n"),
    st.just(""),
)
STEPS = st.lists(
    st.dictionaries(st.sampled_from(FILES), st.one_of(CONTENTS, st.none()), min_size=1, max_size=3), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.booleans())
def test_step_by_step_is_the_same_as_all_anew(steps: list[dict[str, str | None]], in_place: bool) -> None:
    """`None` takes a file away. With few files, lists are mended in place; the other way is tried as well."""
    few, fleet_module._FEW = fleet_module._FEW, fleet_module._FEW if in_place else 0
    try:
        fleet, drafts, current = Fleet(), {}, None
        for step in steps:
            news = [read_draft(text.encode(), file, WORDS) for file, text in step.items() if text is not None]
            gone = [file for file, text in step.items() if text is None]
            fleet.put(news, gone)
            drafts = {file: draft for file, draft in drafts.items() if file not in gone}
            drafts |= {draft.file: draft for draft in news}
            found, problems = fleet.govern(current)
            expected, expected_problems = judged_anew(drafts.values(), current)
            assert found.policies == expected.policies
            assert dict(found.by_site) == dict(expected.by_site)
            assert found.digest == expected.digest
            assert problems == expected_problems
            current = found
    finally:
        fleet_module._FEW = few


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_what_was_in_force_stays_what_it_was(steps: list[dict[str, str | None]]) -> None:
    fleet, current = Fleet(), None
    for step in steps:
        before = None if current is None else (current.policies, dict(current.by_site))
        fleet.put(
            [read_draft(text.encode(), file, WORDS) for file, text in step.items() if text is not None],
            [file for file, text in step.items() if text is None],
        )
        found, _ = fleet.govern(current)
        assert current is None or (current.policies, dict(current.by_site)) == before
        current = found


def _draft(file: str, site: str, default: str = "deny") -> Draft:
    return read_draft(_text([site], default, 0).encode(), file, WORDS)


def _fleet(count: int) -> Fleet:
    fleet = Fleet()
    fleet.put(_draft(f"{number}.yaml", f"site-{number}.example") for number in range(count))
    return fleet


def test_an_unchanged_file_keeps_the_very_same_policy() -> None:
    fleet = _fleet(200)
    before, _ = fleet.govern()
    fleet.put([_draft("7.yaml", "site-7.example", "allow")])
    after, _ = fleet.govern(before)
    changed = [(old.file, new.file) for old, new in zip(before, after, strict=True) if old is not new]
    assert changed == [("7.yaml", "7.yaml")]
    assert after.digest == policy_set(after.policies).digest


def test_only_files_that_depend_on_others_are_judged_again() -> None:
    fleet = _fleet(200)
    assert fleet.govern()[1] == ()
    fleet.put([_draft("x.yaml", "site-7.example"), _draft("y.yaml", "y.example", "block")])
    assert fleet._apart == {"7.yaml", "x.yaml", "y.yaml"}
    fleet.put([], ["x.yaml", "y.yaml"])
    assert fleet._apart == set()
    assert fleet.govern()[0].policies == _fleet(200).govern()[0].policies


def test_the_digest_is_over_a_sorted_line_for_each_policy() -> None:
    import hashlib

    fleet = _fleet(2500)
    policies, _ = fleet.govern()
    lines = sorted(f"{each.digest} {each.file} {' '.join(each.sites)}\n" for each in policies)
    assert policies.digest == hashlib.sha256("".join(lines).encode()).hexdigest()


def _drafts(files: Mapping[str, str]) -> list[Draft]:
    return [read_draft(text.encode(), file, WORDS) for file, text in files.items()]


def test_a_file_that_comes_twice_is_taken_as_it_came_last() -> None:
    fleet = Fleet()
    fleet.put([_draft("a.yaml", "one.example"), _draft("a.yaml", "two.example")])
    assert [policy.sites for policy in fleet.govern()[0]] == [("two.example",)]
