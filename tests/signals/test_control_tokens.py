"""Groups of tokens that speak of a use: a reservation where they disallow, silent otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.control_tokens import CONTROL_TOKENS, ControlToken, control_statements
from optout.signals.preference import Usage
from optout.signals.verdict import Preference, Signals, usage_verdict

ROBOTS = b"""
User-agent: *
Disallow: /drafts/

User-agent: Google-Extended
Disallow: /art/
Allow: /art/open/

User-agent: no-training
Disallow: /
"""
TRAINING = ControlToken(name="no-training", uses=(Usage.TRAIN,))


def said(token: str, path: str, *controls: ControlToken, robots: bytes = ROBOTS) -> list[str]:
    matcher = RobotsMatcher(parse_robots(robots))
    return list(map(str, control_statements(matcher, (*CONTROL_TOKENS, *controls), (token,), path)))


def test_a_control_token_reserves_for_the_crawler_that_it_binds() -> None:
    reserved = [
        "train=disallowed robots.txt group Google-Extended:6",
        "input=disallowed robots.txt group Google-Extended:6",
    ]
    assert said("googlebot", "/art/1.jpg") == reserved
    assert said("Applebot", "/art/1.jpg") == []
    assert said("GPTBot", "/art/1.jpg") == []


@pytest.mark.parametrize("path", ["/", "/art/open/1.jpg", "/drafts/1"])
def test_what_is_allowed_or_only_disallowed_to_everyone_says_nothing(path: str) -> None:
    assert said("Googlebot", path) == []


def test_a_policy_token_that_the_caller_knows_binds_everyone() -> None:
    assert said("GPTBot", "/x", TRAINING) == ["train=disallowed robots.txt group no-training:10"]
    assert said("GPTBot", "/x") == []


def test_a_missing_policy_group_does_not_fall_back_to_everyone() -> None:
    assert said("GPTBot", "/x", TRAINING, robots=b"User-agent: *\nDisallow: /\n") == []


def test_the_verdict_hears_them() -> None:
    signals = Signals(robots=ROBOTS)
    verdict = usage_verdict(signals, ("Googlebot",), "/art/1.jpg")
    assert verdict.preference(Usage.TRAIN) is Preference.DISALLOWED
    assert verdict.preference(Usage.SEARCH) is Preference.UNKNOWN
    assert usage_verdict(signals, ("bingbot",), "/art/1.jpg").heard == ()


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_nothing_raises_and_nothing_unsafe_is_said(robots: bytes, token: str, path: str) -> None:
    for line in said(token, f"/{path}", ControlToken(name=token, uses=(Usage.TRAIN,)), robots=robots):
        assert line.isascii()
        assert line.isprintable()
