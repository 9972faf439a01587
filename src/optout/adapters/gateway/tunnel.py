"""WebSockets through the gateway: after the origin's 101 both connections are one stream of octets.

Frames are not looked at. So subprotocols, extensions, close codes and frames of any size are the business of the two
ends, and memory stays at one buffer for each direction. What one end said last is sent on before the other is closed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optout.adapters.gateway.origin import Origin
    from optout.adapters.gateway.visitor import Visitor

_LAST_WORDS_S = 5.0  # for an end to take what the other one sent just before hanging up, such as a close frame


class Tunnel:
    """Two connections joined. `passed` counts the octets from the origin to the visitor."""

    __slots__ = ("_from_origin", "_passed_before")

    def __init__(self, visitor: Visitor, origin: Origin, *, rest: bytes) -> None:
        """`rest` is what the origin said behind its 101."""
        self._passed_before = len(rest)
        early = visitor.take_rest()
        _End(visitor, visitor.transport, origin.transport)
        self._from_origin = _End(origin, origin.transport, visitor.transport)
        if rest:
            visitor.transport.write(rest)
        if early:
            origin.transport.write(early)
        visitor.transport.resume_reading()

    @property
    def passed(self) -> int:
        """Octets that were sent to the visitor."""
        return self._passed_before + self._from_origin.passed


class _End(asyncio.BufferedProtocol):
    """One of the two connections: what comes on it goes to the other; the protocol that it had hears of its end."""

    __slots__ = ("_before", "_other", "passed")

    def __init__(self, before: Visitor | Origin, transport: asyncio.Transport, other: asyncio.Transport) -> None:
        self.passed = 0
        self._before = before
        self._other = other
        transport.set_protocol(self)

    def get_buffer(self, hint: int) -> memoryview:
        """Where to read to: what is read is copied at once."""
        return self._before.get_buffer(hint)

    def buffer_updated(self, count: int) -> None:
        """This end says something."""
        self.passed += count
        self._other.write(bytes(self._before.get_buffer(count)[:count]))

    def eof_received(self) -> None:
        """This end says no more; its transport closes by itself."""

    def connection_lost(self, fault: Exception | None) -> None:
        """This end is gone: the other is closed when it has taken what is still on its way."""
        if not self._other.is_closing():
            self._other.close()
            asyncio.get_running_loop().call_later(_LAST_WORDS_S, self._other.abort)
        self._before.connection_lost(fault)

    def pause_writing(self) -> None:
        """This end takes less than comes from the other."""
        if not self._other.is_closing():
            self._other.pause_reading()

    def resume_writing(self) -> None:
        """It takes more again."""
        if not self._other.is_closing():
            self._other.resume_reading()
