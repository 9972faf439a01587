"""A refusal given again on a visitor's connection (`refusals`), to a request whose head is the same to the octet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optout.adapters.driver import Driver
from optout.adapters.gateway.answers import Manner, own_head
from optout.adapters.gateway.heads import Asked
from optout.adapters.refusals import Refusal, refusal_of
from optout.engine import Engine, Outcome
from optout.messages import Request

if TYPE_CHECKING:
    from optout.adapters.gateway.visitor import Visitor


class Repeat:
    """A refusal as the next request like it would get it."""

    __slots__ = ("_is_head", "_refusal", "_target")

    def __init__(self, asked: Asked, refusal: Refusal) -> None:
        self._target = (asked.method, asked.target, asked.version)
        self._is_head = asked.method == b"HEAD"
        self._refusal = refusal

    def fits(self, asked: Asked) -> bool:
        """Whether a request with the same fields, without a body, is the same, and what was decided still stands."""
        return (
            (asked.method, asked.target, asked.version) == self._target
            and asked.is_whole
            and asked.keeps_open
            and self._refusal.stands
        )

    def octets(self) -> bytes | None:
        """The whole answer, where no record is kept of it; None where one is."""
        return self._octets(self._refusal.number()) if self._refusal.counts_alone() else None

    def begin(self, visitor: Visitor, asked: Asked) -> Again:
        """Put it on record, and then answer `visitor`."""
        number = self._refusal.number()
        again = Again(visitor, asked, self._octets(number))
        self._refusal.put_on_record(number, again.recorded)
        return again

    def _octets(self, number: str) -> bytes:
        head = own_head(self._refusal.answer, _MANNER)
        return head if self._is_head else head + self._refusal.body(number)


class Again:
    """A refusal that waits for its record: for the visitor's connection an exchange that has no body either way."""

    __slots__ = ("_is_gone", "_octets", "_visitor", "asked")

    closes = False
    takes_more = True

    def __init__(self, visitor: Visitor, asked: Asked, octets: bytes) -> None:
        self.asked = asked
        self._octets = octets
        self._visitor = visitor
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
    """What a request like this one would get on this connection; None where it has to be judged."""
    refusal = refusal_of(driver, engine, request, outcome) if asked.version == "1.1" else None
    return None if refusal is None else Repeat(asked, refusal)
