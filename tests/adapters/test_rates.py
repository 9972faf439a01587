"""Buckets: how many come at once, how they refill, whose they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters import shared_marks
from optout.adapters.rates import Rates
from optout.decision import Decision
from optout.identity import Standing
from optout.messages import Request
from optout.policy.rate import PERIODS_S, Rate
from optout.testing import make_request
from tests.judge import SITE, ask, engine, publishes

POLICY = """
version: 1
mode: enforce
sites: [site.example, "*.many.example"]
default: allow
on_error: refuse
clauses:
  - {id: pace, purpose: [train, dataset], action: throttle, rate: 3/minute}
  - {id: wide, crawler: GPTBot, action: throttle, rate: 100/minute}
"""


class Clock:
    """Microseconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 10**12

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def rates(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Rates:
    """Buckets of a state directory."""
    monkeypatch.setattr(shared_marks, "_MEMORY", tmp_path)
    return Rates(tmp_path, clock)


def decision(agent: str = "GPTBot") -> Decision:
    outcome = ask(engine(POLICY), publishes(""), agent)
    assert outcome is not None
    return outcome.decision


def come(rates: Rates, times: int = 1, agent: str | Decision = "GPTBot", host: str = SITE) -> Counter[bool]:
    """How many of so many requests are let in (True)."""
    decided = decision(agent) if isinstance(agent, str) else agent
    return Counter(not rates.take(decided, request(host)) for _ in range(times))


def request(host: str) -> Request:
    return make_request(f"https://{host}/", "GPTBot/1.4")


def test_a_full_bucket_lets_in_what_it_holds(rates: Rates) -> None:
    assert come(rates, 10) == {True: 3, False: 7}


def test_it_refills_evenly_and_a_refused_request_empties_nothing(rates: Rates, clock: Clock) -> None:
    come(rates, 10)
    clock.now += 19_999_999
    assert come(rates) == {False: 1}
    clock.now += 1
    assert come(rates, 2) == {True: 1, False: 1}
    clock.now += 40_000_000
    assert come(rates, 5) == {True: 2, False: 3}
    clock.now += 3_600_000_000
    assert come(rates, 5) == {True: 3, False: 2}


def test_each_operator_standing_and_site_has_its_own(rates: Rates) -> None:
    come(rates, 3)
    assert come(rates, 4, "ClaudeBot") == {True: 3, False: 1}
    known = decision()
    verified = replace(known, agent=replace(known.agent, standing=Standing.VERIFIED))
    assert come(rates, 4, verified) == {True: 3, False: 1}  # who forges a name takes nothing from who bears it
    assert come(rates, 4, host="a.many.example") == {True: 3, False: 1}
    assert come(rates, 1, host="b.many.example") == {False: 1}  # made up hosts have no buckets of their own
    assert come(rates, 1, host=f"{SITE}:8080") == {False: 1}


def test_the_crawlers_of_one_operator_share(rates: Rates) -> None:
    policy = POLICY.replace("purpose: [train, dataset]", "operator: OpenAI")
    training, search = (ask(engine(policy), publishes(""), agent) for agent in ("GPTBot", "OAI-SearchBot"))
    assert training is not None
    assert search is not None
    assert come(rates, 2, training.decision) == {True: 2}
    assert come(rates, 2, search.decision) == {True: 1, False: 1}


def test_of_several_rates_the_one_that_is_spent_is_named(rates: Rates) -> None:
    known = decision()
    assert [clause.id for clause in known.rates] == ["pace", "wide"]
    for _ in range(3):
        assert rates.take(known, request(SITE)) == ()
    assert [clause.id for clause in rates.take(known, request(SITE))] == ["pace"]


def test_a_clause_that_observes_is_counted_by_itself_and_lets_no_other_be_passed_over(rates: Rates) -> None:
    policy = POLICY.replace("{id: pace, ", "{id: pace, mode: observe, ").replace("100/minute", "5/minute")
    outcome = ask(engine(policy), publishes(""), "GPTBot")
    assert outcome is not None
    seen = [tuple(clause.id for clause in rates.take(outcome.decision, request(SITE))) for _ in range(7)]
    assert seen == [(), (), (), ("pace",), ("pace",), ("pace", "wide"), ("pace", "wide")]


def test_another_worker_counts_with_it(rates: Rates, tmp_path: Path, clock: Clock) -> None:
    other = Rates(tmp_path, clock)
    assert come(rates, 2) == {True: 2}
    assert come(other, 2) == {True: 1, False: 1}
    other.close()


def test_a_clock_that_begins_anew_shuts_nobody_out(rates: Rates, clock: Clock) -> None:
    come(rates, 3)
    clock.now = 5
    assert come(rates, 4) == {True: 3, False: 1}


@given(
    requests=st.integers(1, 50),
    period=st.sampled_from(sorted(PERIODS_S)),
    pauses=st.lists(st.integers(0, 200_000_000), max_size=200),
)
def test_no_more_than_the_bucket_and_what_it_refilled(requests: int, period: str, pauses: list[int]) -> None:
    clock = Clock()
    buckets = Rates(None, clock)
    known = decision()
    rate = Rate(requests=requests, period=period)
    clause = known.rates[0].__class__(id="x", action=known.rates[0].action, place=known.rates[0].place, rate=rate)
    known = replace(known, rates=(clause,))
    began, let_in = clock.now, 0
    for pause in pauses:
        clock.now += pause
        let_in += not buckets.take(known, request(SITE))
        assert let_in <= requests + (clock.now - began) // rate.interval_us
    buckets.close()
