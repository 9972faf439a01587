"""Connections to the origin: kept while they are warm, made when they are needed, and never too many.

Rule: whoever waits for a connection gets the first that comes free, in the order of waiting. A connection that is made
for one may serve another; no visitor waits behind the handshake of a connection that somebody else could use.
Whoever may ask only once gets a new one, until the origin has shown that it keeps what it says it keeps: some close
after each answer and do not say so. And none that is closed already: the kernel is asked, as the loop may not know yet.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from optout.adapters.gateway.origin import Origin
from optout.adapters.gateway.patience import Patience
from optout.adapters.upstream import Upstream

if TYPE_CHECKING:
    from optout.adapters.gateway.exchange import Exchange

# WebSockets, event streams and whoever is slow hold one each: thousands of those must not keep everybody else out.
_MOST_CONNECTIONS = 4096
_MOST_UNPROVED = 100  # idle ones of an origin that has not shown yet that it keeps them


class Pool:
    """The connections of one gateway. Belongs to one event loop."""

    def __init__(self, upstream: Upstream, patience: Patience, buffer: memoryview) -> None:
        self.buffer = buffer
        self.host = upstream.host.encode()
        self.is_steady = False  # the origin has used a connection twice, or kept an idle one, and closed none since
        self._upstream = upstream
        self._patience = patience
        self._now = 0.0  # as of the last look: asking a loop for the time is a call into the kernel before Python 3.12
        self._idle: list[Origin] = []  # the last one is the warmest
        self._open: set[Origin] = set()
        self._waiting: dict[Exchange, None] = {}  # in the order of waiting
        self._making: set[asyncio.Task[None]] = set()

    def take(self, exchange: Exchange, *, is_fresh: bool) -> Origin | None:
        """A connection for `exchange`; None where it has to wait, and is told later by `connected` or `unreachable`.

        A fresh one is new, or was in use just now: the origin cannot have closed it for idleness.
        """
        while self._idle and not is_fresh and (exchange.may_repeat or self.is_steady):
            origin = self._idle.pop()
            if self._is_fit(origin, exchange):
                return origin
        self._waiting[exchange] = None
        self._make()
        return None

    def put(self, origin: Origin) -> None:
        """A connection is in order and free."""
        exchange = next(iter(self._waiting), None)
        if exchange is None:
            if not self.is_steady and len(self._idle) >= _MOST_UNPROVED:
                origin.transport.abort()
                return
            origin.idle_since = self._now
            self._idle.append(origin)
        elif self._is_fit(origin, exchange):
            del self._waiting[exchange]
            exchange.connected(origin)

    def forget(self, exchange: Exchange) -> None:
        """An exchange does not wait any more."""
        self._waiting.pop(exchange, None)

    def gone(self, origin: Origin) -> None:
        """A connection has ended."""
        self._open.discard(origin)
        if origin in self._idle:
            self._idle.remove(origin)
        self._make()

    def look(self, now: float) -> None:
        """Close what has been idle for too long: the origin would soon, and a request on its way would be lost."""
        self._now = now
        while self._idle and now - self._idle[0].idle_since > self._patience.idle_origin:
            self._idle.pop(0).transport.abort()
            self.is_steady = True

    async def close(self) -> None:
        """End every connection."""
        for task in self._making:
            task.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)
        for origin in tuple(self._open):
            origin.transport.abort()

    def _is_fit(self, origin: Origin, exchange: Exchange) -> bool:
        """Whether a connection will do; one that will not is ended, and `gone` makes up for it."""
        if origin.transport.is_closing():
            return False
        if exchange.may_repeat or not origin.is_used or (self.is_steady and not origin.is_doubtful):
            return True
        origin.transport.abort()
        return False

    def _next_waiting(self) -> Exchange | None:
        exchange = next(iter(self._waiting), None)
        if exchange is not None:
            del self._waiting[exchange]
        return exchange

    def _make(self) -> None:
        """Begin to make a connection for everybody who waits and for whom none is being made."""
        while len(self._making) < len(self._waiting) and len(self._making) + len(self._open) < _MOST_CONNECTIONS:
            task = asyncio.get_running_loop().create_task(self._connect(), name="optout connection")
            self._making.add(task)

    async def _connect(self) -> None:
        is_late, origin = False, None
        try:
            async with asyncio.timeout(self._patience.for_connection):
                origin = await self._upstream.connect(lambda: Origin(self))
        except TimeoutError:
            is_late = True
        except (OSError, ValueError):  # ssl.SSLError is an OSError; a name that cannot be encoded is a ValueError
            pass
        finally:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101  a coroutine of ours runs in a task
            self._making.discard(task)
        if origin is not None and not origin.transport.is_closing():
            self._open.add(origin)
            self.put(origin)
            return
        exchange = self._next_waiting()
        if exchange is not None:
            exchange.unreachable(is_late=is_late)
