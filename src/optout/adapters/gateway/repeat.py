"""A crawler in a loop: who asks the same thing again is told the same again, and is not judged anew.

Rule 1: the same means every octet of the head, on the same connection, of a request without a body. The number and the
        time of the refusal differ, and so does its record.
Rule 2: it stands while nothing has changed that a decision rests on: the policies, what the site has published, the off
        switch. An answer that rests on a license, a fault or a missing record is never given again.
Rule 3: it is recorded and counted like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optout.adapters.driver import Driver
from optout.adapters.gateway.answers import Manner, own_head
from optout.adapters.gateway.heads import Asked
from optout.adapters.intake import mono_us, now_us
from optout.engine import Engine, Outcome
from optout.errors import EvidenceError
from optout.evidence.clock import new_id
from optout.evidence.form import Filled, Form
from optout.evidence.schema import Value
from optout.messages import Request
from optout.policy.model import Action
from optout.record import Record

if TYPE_CHECKING:
    from optout.adapters.gateway.visitor import Visitor

_OWN = frozenset({"id", "time_us", "mono_us", "decision.us"})
_GIVEN_AGAIN = frozenset({Action.DENY, Action.REQUIRE_LICENSE})


class Repeat:
    """A refusal as the next request like it would get it."""

    __slots__ = ("_body", "_driver", "_engine", "_form", "_is_head", "_outcome", "_private", "_request", "_target")

    def __init__(self, driver: Driver, engine: Engine, asked: Asked, request: Request, outcome: Outcome) -> None:
        assert outcome.response is not None  # noqa: S101  the caller looked
        assert outcome.record is not None  # noqa: S101  the caller looked
        self._driver, self._engine = driver, engine
        self._target = (asked.method, asked.target, asked.version)
        self._is_head = asked.method == b"HEAD"
        self._request, self._outcome = request, outcome
        shared = {name: value for name, value in outcome.record.public.items() if name not in _OWN}
        self._form, self._private = Form(shared), outcome.record.private
        self._body = outcome.response.body.split(request.id.encode())

    def fits(self, asked: Asked) -> bool:
        """Whether a request with the same fields is the same, and what was decided still stands."""
        return (
            (asked.method, asked.target, asked.version) == self._target
            and asked.is_whole
            and asked.keeps_open
            and self._driver.is_unchanged(self._engine, self._request.authority, self._outcome.published)
        )

    def octets(self) -> bytes | None:
        """The whole answer, where no record is kept of it; None where one is."""
        return self._octets(new_id(now_us())) if self._driver.counts_alone(self._outcome) else None

    def begin(self, visitor: Visitor, asked: Asked) -> Again:
        """Put it on record, and then answer `visitor`."""
        outcome, now = self._outcome, now_us()
        number = new_id(now)
        own: dict[str, Value] = {"id": number, "time_us": now, "mono_us": mono_us(), "decision.us": 0}
        record = Record(public=Filled(self._form, own), private=self._private)
        again = Again(visitor, asked, self._octets(number))
        self._driver.on_record(
            Outcome(
                decision=outcome.decision,
                response=outcome.response,
                record=record,
                fails_closed=False,
                published=outcome.published,
            ),
            self._request,
            again.recorded,
        )
        return again

    def _octets(self, number: str) -> bytes:
        assert self._outcome.response is not None  # noqa: S101  the constructor looked
        head = own_head(self._outcome.response, _MANNER)
        return head if self._is_head else head + number.encode().join(self._body)


class Again:
    """A refusal that waits for its record: for the visitor's connection an exchange that has no body either way."""

    __slots__ = ("_is_gone", "_octets", "_visitor", "asked")

    closes = False
    takes_more = True

    def __init__(self, visitor: Visitor, asked: Asked, octets: bytes) -> None:
        self.asked = asked
        self._visitor = visitor
        self._octets = octets
        self._is_gone = False

    def recorded(self, _outcome: Outcome) -> None:
        """Of the driver: the record is on disk, or the log has counted it. A refusal goes out in either case."""
        if not self._is_gone:
            self._visitor.write(self._octets)
            self._visitor.done(self)

    def gone(self, *, is_orderly: bool) -> None:
        """Of the visitor: nobody waits any more."""
        self._is_gone = True

    def look(self, now: float) -> None:
        """The driver's time box ends what it waits for."""

    def more(self) -> None:
        """There is no body."""

    def hold(self) -> None:
        """Nothing comes from an origin."""

    def go_on(self) -> None:
        """Nothing was held."""


_MANNER = Manner(is_head=False, is_old=False, closes=False)


def repeat_of(driver: Driver, engine: Engine, asked: Asked, request: Request, outcome: Outcome) -> Repeat | None:
    """What a request like this one would get; None where it has to be judged. `engine` judged this one."""
    decision = outcome.decision
    may_be_repeated = (
        outcome.response is not None
        and outcome.record is not None
        and decision.grant is None
        and decision.action in _GIVEN_AGAIN
        and decision.clause != "fault"
        and asked.version == "1.1"
    )
    try:
        return Repeat(driver, engine, asked, request, outcome) if may_be_repeated else None
    except EvidenceError:  # no record: the log says so each time
        return None
