"""cli.policy_trial: one case, what came of it, and how that differs from what was expected."""

from __future__ import annotations

import pytest

from optout.cli.policy_trial import CaseResult, publishes, run
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine
from optout.policy.cases import load_cases
from optout.policy.loader import load_policy, policy_set
from optout.signals.declaration import DocumentState

REGISTRY = bundled_registry()
POLICY = """
version: 1
mode: enforce
sites: photos.example
default: allow
on_error: allow
contact: me@photos.example
clauses:
  - {id: gallery, action: require-license, purpose: train, path: /gallery/}
  - {id: html, action: deny, method: POST}
"""


def _run(case: str) -> CaseResult:
    engine = Engine(policy_set([load_policy(POLICY.encode(), "policy.yaml", REGISTRY)]), REGISTRY)
    (found,) = load_cases(f"site: photos.example\ncases:\n  - {{{case}}}\n".encode(), "cases.yaml")
    return run(engine, found)


@pytest.mark.parametrize(
    ("case", "expect"),
    [
        ("path: /gallery/1, user_agent: GPTBot/1", "action: require-license, clause: gallery, status: 402"),
        ("path: /about, user_agent: GPTBot/1", "action: allow, clause: default, status: 200"),
        ("path: /about, user_agent: GPTBot/1, method: POST", "action: deny, clause: html, status: 403"),
        ("path: /about, user_agent: Firefox", "action: allow, clause: '', status: 200"),
        ("url: 'https://other.example/gallery/1', user_agent: GPTBot/1", "action: allow, clause: '', status: 200"),
        (
            'path: /a, user_agent: GPTBot/1, robots: "User-agent: GPTBot\\nDisallow: /a"',
            "action: deny, clause: robots.txt, status: 403",
        ),
    ],
)
def test_a_case_as_expected_has_no_differences(case: str, expect: str) -> None:
    assert _run(f"{case}, expect: {{{expect}}}").differences == ()


def test_each_difference_is_named_with_what_came_instead() -> None:
    found = _run("path: /about, user_agent: Firefox, expect: {action: deny, clause: gallery, status: 402}")
    assert found.differences == (
        "action: expected deny, got allow",
        "clause: expected gallery, got none",
        "status: expected 402, got 200",
    )
    assert list(found.lines())[-1] == "  because: it passes without a trace"


def test_of_a_document_that_is_not_given_nothing_is_known() -> None:
    found = publishes(None, b"[]", "photos.example")
    assert found.robots is None
    assert found.tdmrep_document.state is DocumentState.KNOWN


def test_a_policy_that_publishes_itself_is_tried_with_what_it_publishes() -> None:
    base = 'documents: {from: generated, base: "User-agent: *\\nDisallow: /admin/\\n"}\n'
    engine = Engine(policy_set([load_policy(f"{POLICY}{base}".encode(), "policy.yaml", REGISTRY)]), REGISTRY)
    case = "{path: /admin/, user_agent: GPTBot/1, expect: {action: deny, clause: robots.txt}}"
    (found,) = load_cases(f"site: photos.example\ncases:\n  - {case}\n".encode(), "cases.yaml")
    assert run(engine, found).differences == ()
    (other,) = load_cases(f"site: photos.example\nrobots: ''\ncases:\n  - {case}\n".encode(), "cases.yaml")
    assert len(run(engine, other).differences) == 2
