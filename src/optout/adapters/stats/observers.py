"""Functions of an embedding application that are told of each decision on a crawler, and never of a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from optout.crawlers.model import Purpose
from optout.identity import Standing
from optout.policy.model import Action

if TYPE_CHECKING:
    from optout.engine import Outcome


class DecisionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided on one request of a recognized crawler. Nothing of the request itself is in it.

    `status` is that of the refusal; None means that the request went on. `enforced` is False where `action` is only
    what would have been done. `clause` is the id of the policy's deciding clause, or the step that decided.
    `disk_wait_us` is how many microseconds the answer waited for its record; 0 where none is kept.
    """

    purpose: Purpose
    standing: Standing
    action: Action
    enforced: bool
    status: int | None
    clause: str
    disk_wait_us: int


Observer = Callable[[DecisionSummary], object]

_observers: dict[object, Observer] = {}  # each under a key of its own: one function may be given twice


def on_decision(observer: Observer) -> Callable[[], None]:
    """Have `observer` called after each decision on a recognized crawler's request, by every door of this process.

    It is called where the door decides, which is its event loop (of WSGI applications a thread of Optout's own), so it
    must return at once. What it raises is counted (`faults` of `optout.stats()`), logged once, and changes nothing for
    the request. Requests that are left alone, such as a search engine's that no clause names, are not told. Returns a
    function that ends it, which may be called twice.
    """
    key = object()
    _observers[key] = observer

    def end() -> None:
        _observers.pop(key, None)

    return end


def observers() -> tuple[Observer, ...]:
    """Whom to tell, in the order in which they asked for it."""
    return tuple(_observers.values())


def summary_of(outcome: Outcome, wait_us: int) -> DecisionSummary:
    """What observers are told of `outcome`."""
    decision, response = outcome.decision, outcome.response
    return DecisionSummary(
        purpose=decision.agent.purpose,
        standing=decision.agent.standing,
        action=decision.action,
        enforced=decision.enforced,
        status=None if response is None else response.status,
        clause=decision.clause,
        disk_wait_us=wait_us,
    )
