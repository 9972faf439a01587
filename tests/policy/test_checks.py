"""policy.checks: what is wrong only when clauses are seen together. The messages are in tests/cases/policy/bad."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.errors import PolicyError
from optout.policy.loader import load_policy

HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\n"


def _wrong(text: str) -> list[str]:
    try:
        load_policy((HEAD + text).encode(), "policy.yaml", bundled_registry())
    except PolicyError as error:
        return [problem.text for problem in error.problems]
    return []


@pytest.mark.parametrize("offer", ["contact: me@photos.example\n", "terms: /terms\n"])
def test_a_license_may_be_required_where_one_can_be_had(offer: str) -> None:
    clause = "clauses:\n  - action: require-license\n    purpose: train\n"
    assert _wrong(offer + clause) == []
    assert len(_wrong(clause)) == 1


def test_a_missing_offer_is_one_problem_however_often_a_license_is_required() -> None:
    clause = "  - action: require-license\n    path: /{}\n"
    assert len(_wrong("clauses:\n" + "".join(clause.format(n) for n in range(9)))) == 1


def test_a_wrong_offer_is_not_also_a_missing_one() -> None:
    found = _wrong("terms: a b\nclauses:\n  - action: require-license\n    purpose: train\n")
    assert len(found) == 1
    assert found[0].startswith("`terms`")


@pytest.mark.parametrize(
    "clause",
    [
        "action: deny\n    purpose: [train, dataset, search-index, user-fetch, undocumented]",
        "action: deny\n    operator: Google",
        "action: deny\n    path: /",
        "action: deny\n    crawler: GPTBot\n    purpose: [train, search]",
        "action: deny\n    purpose: search\n    operator: OpenAI",
        "action: allow\n    purpose: search",
        "action: deny\n    purpose: search\n    including_search: true",
        "action: deny\n    purpose: [preview, feed, archive]",
    ],
)
def test_a_clause_that_refuses_no_search_engine_needs_no_permission(clause: str) -> None:
    assert _wrong(f"clauses:\n  - {clause}\n") == []


@pytest.mark.parametrize(
    "clause",
    [
        "action: deny\n    purpose: search",
        "action: deny\n    crawler: [GPTBot, googlebot]",
        "action: deny\n    operator: Google\n    purpose: search",
        "action: deny\n    crawler: Applebot",
        "action: deny\n    mode: observe\n    purpose: search",
        "action: deny\n    crawler: Kagibot",
    ],
)
def test_a_clause_that_refuses_a_search_engine_does(clause: str) -> None:
    assert ["refuses search engines" in each for each in _wrong(f"clauses:\n  - {clause}\n")] == [True]


def test_robots_txt_may_refuse_a_search_engine_only_where_that_is_said() -> None:
    clause = "clauses:\n  - action: published\n    crawler: Googlebot\n"
    assert ["lets robots.txt refuse" in each for each in _wrong(clause)] == [True]
    assert _wrong(f"{clause}    including_search: true\n") == []


@pytest.mark.parametrize(
    "path", ["/robots.txt", "/robots.txt$", "/robots%2etxt", "/.well-known/acme-challenge/x", "/terms"]
)
def test_a_clause_cannot_refuse_what_is_always_open(path: str) -> None:
    found = _wrong(f"terms: /terms\nclauses:\n  - action: deny\n    path: {path}\n")
    assert ["always answers everybody" in each for each in found] == [True]


@pytest.mark.parametrize("path", ["/", "/*", "/robots", "/.well-known/", '"*.txt$"', "/termsofuse"])
def test_a_wider_path_may_be_refused_because_what_is_open_stays_open(path: str) -> None:
    assert _wrong(f"terms: /terms\nclauses:\n  - action: deny\n    path: {path}\n") == []


def test_what_is_always_open_may_be_allowed() -> None:
    assert _wrong("clauses:\n  - action: allow\n    path: /robots.txt\n") == []


@pytest.mark.parametrize("later", ["purpose: train", "crawler: GPTBot", "operator: OpenAI", "path: /a", "method: GET"])
def test_nothing_about_ai_is_reached_below_a_clause_about_all_of_it(later: str) -> None:
    found = _wrong(f"clauses:\n  - id: all\n    action: deny\n  - action: allow\n    {later}\n")
    assert ["never reached" in each for each in found] == [True]


@pytest.mark.parametrize("later", ["purpose: preview", "purpose: [train, preview]", "crawler: facebookexternalhit"])
def test_a_clause_about_others_is_reached_below_it(later: str) -> None:
    assert _wrong(f"clauses:\n  - action: deny\n  - action: deny\n    {later}\n") == []


def test_a_clause_that_only_observes_hides_nothing() -> None:
    assert _wrong("clauses:\n  - action: deny\n    mode: observe\n  - action: deny\n    purpose: train\n") == []


def test_a_clause_cannot_take_the_name_that_another_gets_by_its_place() -> None:
    found = _wrong("clauses:\n  - id: clause-2\n    action: deny\n    path: /a\n  - action: deny\n    path: /b\n")
    assert found == ['clause "clause-2" has the name of the clause in line 6']


def test_a_wrong_clause_does_not_hide_what_is_wrong_elsewhere() -> None:
    found = _wrong("clauses:\n  - action: block\n  - action: deny\n    purpose: search\nterms: a b\n")
    assert len(found) == 3


GENERATED = "documents: {from: generated}\n"
MANY = ", ".join(f"/{number}" for number in range(200))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"{GENERATED}sites: a.example\n", ""),
        (GENERATED, "every site"),
        (f"{GENERATED}sites: ['*.a.example', '*']\n", "every site"),
        (f"{GENERATED}sites: a.example\nclauses: [{{action: deny, path: [{MANY}]}}]\n", "too many"),
    ],
)  # fmt: skip
def test_generated_documents_need_a_site_and_few_clauses(text: str, what: str) -> None:
    found = _wrong(text)
    assert [what in problem for problem in found] == ([True] if what else [])


@pytest.mark.parametrize("more", ["", "on_disallow: require-license\n"])
def test_what_is_generated_must_not_make_a_license_a_refusal(more: str) -> None:
    text = f"{HEAD.replace('allow', 'require-license', 1)}contact: me@a.example\nsites: a.example\n{GENERATED}{more}"
    try:
        load_policy(text.encode(), "policy.yaml", bundled_registry())
        found = []
    except PolicyError as error:
        found = [problem.text for problem in error.problems]
    assert len(found) == (0 if more else 1)
