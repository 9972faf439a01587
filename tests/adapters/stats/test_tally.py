"""Where a driver counts."""

from __future__ import annotations

import threading

import pytest

from optout.adapters.stats import WAIT_BOUNDS_US, AnswerCount
from optout.adapters.stats.tally import Tally
from optout.crawlers.model import Purpose
from optout.evidence.receipt import Loss
from optout.identity import Standing
from optout.policy.model import Action
from tests.judge import ask, engine, publishes

POLICY = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"
DISALLOW = publishes("User-agent: *\nDisallow: /\n")


def test_the_same_answer_to_the_same_kind_of_crawler_is_one_number() -> None:
    judge, tally = engine(POLICY), Tally()
    for agent in ("GPTBot", "CCBot", "GPTBot", "ClaudeBot"):
        outcome = ask(judge, DISALLOW, agent)
        assert outcome is not None
        tally.judged(outcome.decision, 403)
    assert {(each.purpose, each.status): each.count for each in tally.answers} == {
        (Purpose.TRAIN, 403): 3,
        (Purpose.DATASET, 403): 1,
    }


def test_an_answer_is_told_with_what_was_decided_and_whether_it_was_done() -> None:
    outcome = ask(engine(POLICY, observe_only=True), DISALLOW, "GPTBot")
    tally = Tally()
    assert outcome is not None
    tally.judged(outcome.decision, None)
    assert tally.answers == (
        AnswerCount(
            purpose=Purpose.TRAIN,
            standing=Standing.UNVERIFIED,
            action=Action.DENY,
            enforced=False,
            status=None,
            count=1,
        ),
    )


@pytest.mark.parametrize(
    ("wait_us", "place"), [(1, 0), (500, 0), (501, 1), (200_000, 8), (250_000, 9), (9_000_000, 10)]
)
def test_a_wait_is_in_the_class_whose_bound_it_does_not_exceed(wait_us: int, place: int) -> None:
    tally = Tally()
    tally.waited(wait_us)
    assert [each for each, count in enumerate(tally.disk_wait.counts) if count] == [place]
    assert tally.disk_wait.sum_us == wait_us
    assert len(tally.disk_wait.counts) == len(WAIT_BOUNDS_US) + 1


def test_every_reason_for_a_loss_is_told_from_the_start() -> None:
    tally = Tally()
    assert tally.lost == dict.fromkeys(Loss, 0)
    tally.lose(Loss.FLOOD)
    assert tally.lost[Loss.FLOOD] == 1


def test_no_loss_is_forgotten_where_two_threads_count() -> None:
    tally = Tally()

    def lose() -> None:
        for _ in range(5_000):
            tally.lose(Loss.BUDGET)

    threads = [threading.Thread(target=lose) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.lost[Loss.BUDGET] == 20_000


def test_what_was_told_does_not_change_afterwards() -> None:
    tally = Tally()
    tally.passed_over(Purpose.SEARCH)
    told = tally.left_alone
    tally.passed_over(Purpose.SEARCH)
    assert told == {Purpose.SEARCH: 1}
    assert tally.left_alone == {Purpose.SEARCH: 2}
