"""Refusals that wait to be fetched: nginx takes a status from `auth_request`, and neither a body nor a 402.

The check is answered 403 with a ticket, and nginx fetches the refusal itself in a second request of its own. A ticket
counts once and for half a minute; the refusal was judged and recorded with the check.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from optout.messages import Response

MOST_WAITING = 10_000  # about 2 KB each; nginx fetches at once, so that many wait only where it does not fetch at all
WAIT_S = 30.0


class Tickets:
    """Refusals by the number of their request, until they are fetched."""

    def __init__(self, *, most: int = MOST_WAITING, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._waiting: OrderedDict[str, tuple[float, Response]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def keep(self, number: str, refusal: Response) -> None:
        """Keep `refusal` for whoever brings `number`."""
        now = self._clock()
        self._waiting[number] = (now + WAIT_S, refusal)
        while self._waiting:
            until, _ = next(iter(self._waiting.values()))
            if until > now and len(self._waiting) <= self._most:
                return
            self._waiting.popitem(last=False)

    def take(self, number: str) -> Response | None:
        """The refusal with this number, once; None for a number that is unknown, used or too old."""
        until, refusal = self._waiting.pop(number, (0.0, None))
        return refusal if until > self._clock() else None
