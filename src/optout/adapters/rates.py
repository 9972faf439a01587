"""How often an operator has come, for clauses with `action: throttle`.

A bucket for each site that a policy names, clause, operator and standing. Of the standing, because whoever forges a
name must not empty the bucket of who bears it; of the operator and not the address, because one operator comes from
a thousand addresses (crawlers.md part 5). What it holds is one time: when it will be full again (the generic cell rate
algorithm, ITU-T I.371 section 5.4.1.3.1, which is a token bucket). Workers share it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from optout.adapters.intake import mono_us
from optout.adapters.shared_marks import SharedMarks, mark_of
from optout.decision import Decision
from optout.messages import Request
from optout.policy.model import Clause, Mode, Policy
from optout.policy.rate import Rate
from optout.policy.site_names import nearest

MOST = 4096  # buckets, 98 KB; a full one needs no place


class Rates:
    """The buckets of a state directory; without one, of this process alone."""

    __slots__ = ("_clock", "_marks")

    def __init__(self, state: Path | None, clock: Callable[[], int] = mono_us) -> None:
        self._clock = clock
        self._marks = SharedMarks(state, "rates", MOST)

    def take(self, decision: Decision, request: Request) -> tuple[Clause, ...]:
        """Count a request that `decision` lets in; those of its rates that it exceeds.

        One that is turned away empties no bucket. A clause that observes turns nobody away.
        """
        now, agent, marks = self._clock(), decision.agent, self._marks
        site = _site(decision.policy, request.authority)
        buckets = [
            (clause, clause.rate, mark_of(site, clause.id, agent.claim.crawler.operator, agent.standing))
            for clause in decision.rates
            if clause.rate is not None
        ]
        full_at = {mark: _full_at(marks.find(mark), rate, now) for _, rate, mark in buckets}
        spent = tuple(clause for clause, rate, mark in buckets if full_at[mark] - now > rate.depth_us)
        if all(clause.mode is Mode.OBSERVE for clause in spent):
            for clause, rate, mark in buckets:
                if clause not in spent:
                    marks.put(mark, full_at[mark] + rate.interval_us)
        return spent

    def close(self) -> None:
        """Give the memory back."""
        self._marks.close()


def _full_at(known: int | None, rate: Rate, now: int) -> int:
    """When a bucket is full. One that is too far away was made under another rate, or before the clock began anew."""
    if known is None or known - now > rate.depth_us + rate.interval_us:
        return now
    return max(known, now)


def _site(policy: Policy, authority: str) -> str:
    """The site by the name that the policy has for it: a visitor who makes up hosts makes up no buckets."""
    return nearest(authority, policy.sites) or policy.sites[0]
