"""Where a driver counts. A recognized crawler's request costs a few hundred nanoseconds here, a person's nothing.

Counts are written by the driver's event loop, but losses by the log's thread, too. Whoever reads takes copies, which
the interpreter makes in one step; a number may be one request ahead of another.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping

from optout.adapters.stats import WAIT_BOUNDS_US, AnswerCount, DiskWait, answer_counts
from optout.crawlers.model import Purpose
from optout.decision import Decision
from optout.evidence.receipt import Loss
from optout.identity import Standing
from optout.policy.model import Action

_Kind = tuple[Purpose, Standing, Action, bool, int | None]


class Tally:
    """The counts of one driver since it was made."""

    __slots__ = ("_answers", "_left_alone", "_losing", "_lost", "_waited_us", "_waits", "late", "without_policy")

    def __init__(self) -> None:
        self.late = 0
        self.without_policy = 0
        self._answers: dict[_Kind, int] = {}
        self._left_alone: dict[Purpose, int] = {}
        self._waits = [0] * (len(WAIT_BOUNDS_US) + 1)
        self._waited_us = 0
        self._lost: dict[Loss, int] = {}
        self._losing = threading.Lock()

    def judged(self, decision: Decision, status: int | None) -> None:
        """Count a request that was answered with `status`, or went on (None)."""
        agent = decision.agent
        kind = (agent.claim.crawler.purpose, agent.standing, decision.action, decision.enforced, status)
        self._answers[kind] = self._answers.get(kind, 0) + 1

    def passed_over(self, purpose: Purpose) -> None:
        """Count a request that was left alone."""
        self._left_alone[purpose] = self._left_alone.get(purpose, 0) + 1

    def waited(self, wait_us: int) -> None:
        """Count a wait for a record, in microseconds."""
        self._waits[bisect_left(WAIT_BOUNDS_US, wait_us)] += 1
        self._waited_us += wait_us

    def lose(self, loss: Loss) -> None:
        """Count a record that was not written. For any thread."""
        with self._losing:
            self._lost[loss] = self._lost.get(loss, 0) + 1

    @property
    def answers(self) -> tuple[AnswerCount, ...]:
        """What was answered to whom, and how often."""
        return answer_counts(self._answers.copy())

    @property
    def left_alone(self) -> Mapping[Purpose, int]:
        """How many requests were left alone, by purpose."""
        return self._left_alone.copy()

    @property
    def lost(self) -> Mapping[Loss, int]:
        """How many records were not written, for each reason that there is."""
        found = self._lost.copy()
        return {loss: found.get(loss, 0) for loss in Loss}

    @property
    def disk_wait(self) -> DiskWait:
        """How long answers waited for their record."""
        return DiskWait(counts=tuple(self._waits), sum_us=self._waited_us)
