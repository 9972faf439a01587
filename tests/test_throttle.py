"""Clauses that say how often whoever is let in may come: what they decide, and what they leave alone."""

from __future__ import annotations

import pytest

from optout.decision import Decision, ReasonCode
from optout.engine import Outcome
from optout.messages import Request
from optout.policy.model import Action, Clause
from optout.testing import make_request
from tests.judge import SITE, engine, publishes, user_agent

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
contact: rights@site.example
clauses:
  - {id: pace, operator: OpenAI, action: throttle, rate: 60/minute}
  - {id: watched, crawler: GPTBot, mode: observe, action: throttle, rate: 1/hour}
  - {id: closed, path: /closed/, action: deny}
  - {id: slow, path: /gallery/, action: throttle, rate: 7/hour, reason: The gallery is heavy.}
  - {id: open, path: /gallery/open/, action: allow}
  - {id: never, path: /gallery/open/, action: throttle, rate: 1/day}
"""


def spend(*ids: str) -> object:
    """A door at which the rates of these clauses are spent."""

    def take(decision: Decision, request: Request) -> tuple[Clause, ...]:
        assert request.authority == SITE
        return tuple(clause for clause in decision.rates if clause.id in ids)

    return take


def ask(agent: str, path: str, *spent: str, policy: str = POLICY, robots: str = "") -> Outcome | None:
    judge = engine(policy)
    case = judge.examine(make_request(f"https://{SITE}{path}", user_agent(agent)))
    if case is None:
        return None
    return judge.conclude(case, {case.lookups[0]: publishes(robots)}, take=spend(*spent))  # type: ignore[arg-type]


def told(outcome: Outcome | None) -> tuple[str, str, int | None]:
    assert outcome is not None
    status = None if outcome.response is None else outcome.response.status
    return outcome.decision.action, outcome.decision.clause, status


def rates(outcome: Outcome | None) -> list[str]:
    assert outcome is not None
    return [clause.id for clause in outcome.decision.rates]


@pytest.mark.parametrize(
    ("agent", "path", "expected"),
    [
        ("GPTBot", "/", ["pace", "watched"]),
        ("ChatGPT-User", "/", ["pace"]),
        ("ClaudeBot", "/", []),
        ("ClaudeBot", "/gallery/a", ["slow"]),
        ("GPTBot", "/gallery/a", ["pace", "watched", "slow"]),
        (
            "GPTBot",
            "/gallery/open/a",
            ["pace", "watched", "slow"],
        ),  # what stands below the end of the search is not met
        ("GPTBot", "/closed/a", []),  # a refusal counts for no rate
        ("GPTBot", "/robots.txt", []),
        ("CCBot", "/x/..%2fgallery/a", ["slow"]),  # in any reading
    ],
)
def test_what_counts_for_whom(agent: str, path: str, expected: list[str]) -> None:
    outcome = ask(agent, path)
    assert rates(outcome) == expected


def test_within_the_rate_it_goes_on_and_the_record_says_so() -> None:
    outcome = ask("GPTBot", "/")
    assert told(outcome) == ("allow", "default", None)
    assert outcome is not None
    assert outcome.record is not None
    reasons = outcome.record.public["decision.reasons"]
    assert reasons == ["clause-rate policy.yaml:8", "robots-no-rule", "default policy.yaml:4"]


def test_above_it_is_told_when_to_come_back() -> None:
    outcome = ask("ClaudeBot", "/gallery/a", "slow")
    assert told(outcome) == ("throttle", "slow", 429)
    assert outcome is not None
    assert outcome.response is not None
    assert outcome.response.fields.first("retry-after") == "515"
    assert outcome.response.fields.first("cache-control") == "no-store"
    assert b"The gallery is heavy." in outcome.response.body
    assert outcome.decision.deciding.code is ReasonCode.RATE_EXCEEDED
    assert outcome.record is not None
    assert outcome.record.public["decision.action"] == "throttle"
    assert outcome.record.public["decision.reason"] == "rate-exceeded"
    assert outcome.record.public["http.response.status_code"] == 429
    assert not outcome.fails_closed


def test_a_clause_that_observes_turns_nobody_away() -> None:
    outcome = ask("GPTBot", "/", "watched")
    assert told(outcome) == ("allow", "default", None)
    assert outcome is not None
    assert outcome.decision.reasons[0].code is ReasonCode.CLAUSE_OBSERVED
    assert "more often than 1/hour" in outcome.decision.reasons[0].text


def test_a_policy_that_observes_records_what_would_have_been() -> None:
    outcome = ask("GPTBot", "/", "pace", "watched", policy=POLICY.replace("enforce", "observe"))
    assert told(outcome) == ("throttle", "pace", None)
    assert outcome is not None
    assert not outcome.decision.enforced


def test_a_refusal_stands_whatever_is_spent() -> None:
    assert told(ask("GPTBot", "/closed/a", "pace")) == ("deny", "closed", 403)
    assert told(ask("GPTBot", "/x", "pace", robots="User-agent: GPTBot\nDisallow: /x")) == ("deny", "robots.txt", 403)


def test_who_is_no_ai_crawler_is_met_by_name_or_purpose_only() -> None:
    assert ask("Googlebot", "/gallery/a", "slow") is None
    policy = POLICY.replace("operator: OpenAI", "crawler: facebookexternalhit")
    outcome = ask("facebookexternalhit", "/", "pace", policy=policy)
    assert told(outcome) == ("throttle", "pace", 429)
    assert told(ask("facebookexternalhit", "/", policy=policy)) == ("allow", "default", None)


def test_the_same_is_told_again_from_memory() -> None:
    judge, take, answers = engine(POLICY), spend("pace"), publishes("")
    seen = []
    for path in ("/a", "/a", "/b"):
        case = judge.examine(make_request(f"https://{SITE}{path}", user_agent("GPTBot")))
        assert case is not None
        seen.append(judge.conclude(case, {case.lookups[0]: answers}, take=take).decision)  # type: ignore[arg-type]
    assert seen[0] is seen[1] is seen[2]
    assert seen[0].action is Action.THROTTLE
