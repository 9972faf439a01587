"""The order of access, as data: tests/cases/decide holds a policy, documents, and what each request gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from optout.decision import ReasonCode
from optout.policy.model import Action
from tests.judge import ask, declare, engine, publishes

CASES = Path(__file__).parent / "cases" / "decide"


def _cases() -> Iterator[object]:
    for file in sorted(CASES.glob("*.yaml")):
        document = yaml.safe_load(file.read_text())
        for case in document["cases"]:
            name = f"{file.stem}: {case['agent']} {case.get('method', '')}{case['path']}"
            yield pytest.param(document, case, id=name)


@pytest.mark.parametrize(("document", "case"), list(_cases()))
def test_the_table_holds(document: dict[str, str], case: dict[str, str]) -> None:
    is_known = "robots" in document
    published = publishes(document.get("robots"), document.get("tdmrep"), is_known=is_known)
    judge = engine(document["policy"])
    outcome = ask(judge, published, case["agent"], case["path"], method=case.get("method", "GET"))
    if case["expect"] == "nothing":
        assert outcome is None or (outcome.record is None and outcome.response is None)
        return
    assert outcome is not None
    decision = outcome.decision
    found = [decision.action, decision.clause, decision.deciding.code]
    source = [str(decision.deciding.source)] if decision.deciding.source else []
    assert " ".join([*found, *source]) == case["expect"]
    assert outcome.record is not None
    assert (outcome.response is None) == (decision.action is Action.ALLOW)


OBSERVED = """
version: 1
mode: observe
default: deny
on_error: refuse
"""


def test_observe_mode_records_what_it_would_have_done_and_answers_nothing() -> None:
    outcome = ask(engine(OBSERVED), publishes(), "GPTBot")
    assert outcome is not None
    assert outcome.decision.action is Action.DENY
    assert not outcome.decision.enforced
    assert outcome.response is None
    assert not outcome.fails_closed
    assert outcome.record is not None
    assert outcome.record.public["decision.enforced"] is False


def test_the_process_wide_override_observes_whatever_the_policy_says() -> None:
    judge = engine(OBSERVED.replace("observe", "enforce"), observe_only=True)
    outcome = ask(judge, publishes(), "GPTBot")
    assert outcome is not None
    assert outcome.response is None
    assert not outcome.decision.enforced


def test_observing_tells_what_enforcing_would_do() -> None:
    policy = """
version: 1
mode: MODE
default: allow
on_error: refuse
clauses:
  - {id: watched, crawler: GPTBot, mode: observe, action: allow}
  - {id: refused, purpose: train, action: deny}
"""
    told = [ask(engine(policy.replace("MODE", mode)), publishes(), "GPTBot") for mode in ("observe", "enforce")]
    assert [outcome.decision.clause for outcome in told if outcome] == ["refused", "refused"]


@pytest.mark.parametrize("target", ["/gallery/a", "//gallery/a", "/x/..%2fgallery/a", "/./gallery/a"])
def test_a_reservation_holds_in_every_reading(target: str) -> None:
    published = publishes(tdmrep='[{"location": "/gallery/*", "tdm-reservation": 1}]')
    judge = engine("version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n")
    fields = declare(judge, target, published)
    assert fields.first("tdm-reservation") == "1"


def test_every_weighed_step_leaves_its_reason() -> None:
    policy = """
version: 1
mode: enforce
default: allow
on_error: refuse
clauses:
  - id: watched
    mode: observe
    action: deny
  - id: hand-on
    action: published
"""
    outcome = ask(
        engine(policy),
        publishes("User-agent: *\nAllow: /a", '[{"location": "/", "tdm-reservation": 1}]'),
        "GPTBot",
        "/a",
    )
    assert outcome is not None
    assert [reason.code for reason in outcome.decision.reasons] == [
        ReasonCode.CLAUSE_OBSERVED,
        ReasonCode.CLAUSE_PUBLISHED,
        ReasonCode.ROBOTS_ALLOW,
        ReasonCode.RESERVATION_DECLARED,
        ReasonCode.DEFAULT,
    ]


def test_several_names_and_a_contradiction_are_told() -> None:
    outcome = ask(engine(OBSERVED), publishes(), "GPTBot Google-Extended")
    assert outcome is not None
    codes = [reason.code for reason in outcome.decision.reasons]
    assert codes[:2] == [ReasonCode.SEVERAL_CRAWLERS, ReasonCode.CLAIM_CONTRADICTED]
