"""A rate as its owner writes it, and what follows from it."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.errors import PolicyError
from optout.policy.loader import load_policy
from optout.policy.model import Clause
from optout.policy.rate import Rate

HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\nclauses:\n"


def clause(text: str) -> Clause:
    return load_policy(f"{HEAD}- {text}\n".encode(), "policy.yaml", bundled_registry()).clauses[0]


def problem(text: str) -> str:
    with pytest.raises(PolicyError) as fault:
        clause(text)
    return " ".join(str(each) for each in fault.value.problems)


@pytest.mark.parametrize(
    ("written", "said", "interval_us", "retry_after_s"),
    [
        ("60/minute", "60/minute", 1_000_000, 1),
        ("10 / second", "10/second", 100_000, 1),
        ("7/hour", "7/hour", 514_285_714, 515),
        ("1/day", "1/day", 86_400_000_000, 86_400),
        ("999999/second", "999999/second", 1, 1),
    ],
)
def test_a_rate_is_a_number_and_a_period(written: str, said: str, interval_us: int, retry_after_s: int) -> None:
    rate = clause(f"{{purpose: train, action: throttle, rate: {written}}}").rate
    assert rate is not None
    assert (str(rate), rate.interval_us, rate.retry_after_s) == (said, interval_us, retry_after_s)
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize("written", ["60", "0/minute", "60/week", "-1/minute", "1000000/second", "1.5/minute", "x/day"])
def test_anything_else_is_no_rate(written: str) -> None:
    assert f"`rate`: `{written}` is no rate" in problem(f"{{purpose: train, action: throttle, rate: {written}}}")


def test_a_rate_and_throttle_belong_together() -> None:
    assert "`action: throttle` says not how often" in problem("{purpose: train, action: throttle}")
    assert "`rate` is for `action: throttle`" in problem("{purpose: train, action: deny, rate: 1/minute}")
    with pytest.raises(PolicyError) as fault:
        load_policy(HEAD.replace("allow", "throttle").encode(), "policy.yaml", bundled_registry())
    assert "throttle needs a rate, which only a clause has" in str(fault.value.problems[0])


def test_search_engines_are_slowed_down_on_purpose_only() -> None:
    assert "turns search engines away that come more often" in problem(
        "{crawler: Googlebot, action: throttle, rate: 1/minute}"
    )
    assert clause("{crawler: Googlebot, action: throttle, rate: 1/minute, including_search: true}").rate


def test_a_clause_below_one_about_everybody_s_rate_is_reached() -> None:
    text = "{action: throttle, rate: 1/minute}\n- {crawler: GPTBot, action: deny}"
    assert clause(text).rate
