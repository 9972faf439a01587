"""Functions that are told of each decision."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import optout
from optout.adapters.stats.observers import DecisionSummary, observers, summary_of
from optout.crawlers.model import Purpose
from optout.identity import Standing
from optout.policy.model import Action
from tests.adapters.test_driver import CHROME, running
from tests.adapters.test_driver import _visit as visit
from tests.judge import SITE, ask, engine, publishes


def test_a_summary_says_what_was_decided_and_nothing_of_the_request() -> None:
    outcome = ask(
        engine("version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"),
        publishes("User-agent: *\nDisallow: /secret\n"),
        "GPTBot",
        "/secret",
    )
    assert outcome is not None
    told = summary_of(outcome, 12)
    assert told == DecisionSummary(
        purpose=Purpose.TRAIN,
        standing=Standing.UNVERIFIED,
        action=Action.DENY,
        enforced=True,
        status=403,
        clause="robots.txt",
        disk_wait_us=12,
    )
    assert "secret" not in repr(told)


async def test_each_decision_is_told_with_how_long_its_record_took(tmp_path: Path) -> None:
    told: list[DecisionSummary] = []
    end = optout.on_decision(told.append)
    try:
        async with running(tmp_path) as driver:
            await visit(driver, "GPTBot", "/drafts/a")
            await visit(driver, "GPTBot", "/")
    finally:
        end()
    assert [(each.status, each.clause) for each in told] == [(403, "robots.txt"), (None, "default")]
    assert all(each.disk_wait_us > 0 for each in told)


async def test_people_and_who_is_left_alone_are_not_told(tmp_path: Path) -> None:
    told: list[DecisionSummary] = []
    end = optout.on_decision(told.append)
    try:
        async with running(tmp_path, evidence=False) as driver:
            assert driver.recognize(SITE, CHROME, None) is None
            assert await visit(driver, "Googlebot", "/drafts/a") is None
            await visit(driver, "GPTBot")
    finally:
        end()
    assert [(each.purpose, each.disk_wait_us) for each in told] == [(Purpose.TRAIN, 0)]


@pytest.mark.parametrize("fault", [RuntimeError("planted"), asyncio.CancelledError("planted")])
async def test_what_an_observer_raises_is_counted_and_logged_once_and_reaches_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: BaseException
) -> None:
    told: list[DecisionSummary] = []

    def broken(_summary: DecisionSummary) -> None:
        raise fault

    ends = [optout.on_decision(broken), optout.on_decision(told.append)]
    try:
        async with running(tmp_path, evidence=False) as driver:
            outcomes = [await visit(driver, "GPTBot", "/drafts/a") for _ in range(3)]
            (stats,) = optout.stats()
    finally:
        for end in ends:
            end()
    assert [outcome.response.status for outcome in outcomes if outcome and outcome.response] == [403, 403, 403]
    assert stats.faults["observer"] == 3  # type: ignore[index]
    assert len(told) == 3  # the next one is told all the same
    assert caplog.text.count("Error: planted") == 1


def test_ending_twice_ends_nobody_else_s() -> None:
    told: list[DecisionSummary] = []
    first, second = optout.on_decision(told.append), optout.on_decision(told.append)
    first()
    first()
    assert observers() == (told.append,)
    second()
    assert observers() == ()
