"""One visitor's connection: requests come in, are answered one after the other, and nobody holds the rest up.

Rule 1: requests on one connection are answered in their order, one at a time (RFC 9112 section 9.3.2).
Rule 2: no more is read than can be dealt with: while a request waits for its turn, while a body waits for the origin,
        and while the visitor does not take answers, what comes stays in the kernel.
Rule 3: an answer that goes out before its request is whole is the last. The connection is then closed for writing and
        read for a while: closed at once, it would be reset, and the visitor might never see the answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from optout.adapters.gateway.exchange import Exchange
from optout.adapters.gateway.heads import Asked
from optout.adapters.gateway.repeat import Again, Repeat
from optout.adapters.gateway.requests import RequestReader
from optout.adapters.peers import peer_of
from optout.adapters.proxy_protocol import Header, parse_proxy_header

if TYPE_CHECKING:
    from optout.adapters.gateway import Gateway

_UNTAKEN = 32_768  # octets that wait for a visitor before the origin does; one read of the origin's may come on top


class Visitor(asyncio.BufferedProtocol):
    """A connection that a gateway lets in. `is_full` while its visitor takes less than is sent."""

    __slots__ = (
        "_active",
        "_gateway",
        "_greeting",
        "_is_advancing",
        "_is_cut",
        "_is_held",
        "_is_parting",
        "_queue",
        "_reader",
        "_since",
        "is_full",
        "is_last",
        "peer",
        "transport",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._reader = RequestReader()
        self._queue: deque[Asked] = deque()
        self._active: Exchange | Again | None = None
        self._greeting: bytes | None = None  # the PROXY protocol's, as far as it has come
        self._since = gateway.now  # when it began to wait for a head, to be full, to part or to close
        self._is_advancing = False
        self._is_held = False
        self._is_parting = False  # what still comes is dropped
        self._is_cut = False
        self.is_full = False
        self.is_last = False  # the present request is the last one to be answered

    # For its exchanges

    def write(self, octets: bytes) -> None:
        """Send a part of an answer."""
        self.transport.write(octets)

    def done(self, exchange: Exchange | Again) -> None:
        """The present exchange has ended with its whole answer."""
        self._active = None
        self._since = self._gateway.now
        if exchange.closes or self.is_last:
            self._part(exchange.asked)
            return
        if exchange.asked is self._reader.waits_for:
            self._reader.go_on()
        self._advance()

    def break_off(self, *, at_once: bool) -> None:
        """The present exchange has ended within its answer, and the connection with it."""
        self._active = None
        if at_once:
            self.cut()
        else:
            self._close()

    def control(self) -> None:
        """Read, or do not (rule 2)."""
        active = self._active
        waits = self._reader.waits_for is not None
        holds = bool(self._queue) or waits or (active is not None and not active.takes_more)
        if holds is not self._is_held and not self.transport.is_closing():
            self._is_held = holds
            if holds:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def take_rest(self) -> bytes:
        """What came behind a WebSocket's handshake."""
        rest, self._reader.rest = self._reader.rest, b""
        return rest

    # For the gateway

    def look(self, now: float) -> None:
        """End what has waited for too long."""
        patience, waited = self._gateway.patience, now - self._since
        if self.transport.is_closing() or self.is_full:
            if waited > patience.to_be_read:
                self.cut()
        elif self._is_parting:
            if waited > patience.to_part:
                self._close()
        elif self._active is not None:
            self._active.look(now)
        elif waited > patience.for_head:
            self._close()

    def drain(self) -> None:
        """Without a request under way, end."""
        if self._active is None and not self._is_parting:
            self._close()

    def cut(self) -> None:
        """End now, whatever is under way."""
        self._is_parting = self._is_cut = True
        self.transport.abort()

    # Of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A visitor has come."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self.transport.set_write_buffer_limits(high=_UNTAKEN)
        self.peer = self._gateway.peer(peer_of(transport))
        if self._gateway.is_greeted:
            self._greeting = b""
            if not self.peer.is_proxy:  # who is no proxy of the owner's could name any address
                self.cut()
        self._gateway.arrived(self)

    def get_buffer(self, _hint: int) -> memoryview:
        """Where to read to. All connections share it: what is read is parsed at once."""
        return self._gateway.buffer

    def buffer_updated(self, count: int) -> None:
        """The visitor says something."""
        if self._is_parting:
            return
        data = self._gateway.buffer[:count]
        if self._greeting is None:
            self._reader.feed(data)
        else:
            self._greet(self._greeting + data)
        if self._active is not None:
            self._active.more()
        self._advance()

    def _greet(self, octets: bytes) -> None:
        """A proxy tells whose connection this is, before anything else."""
        header = parse_proxy_header(octets)
        if isinstance(header, Header):
            self._greeting = None
            if header.address is not None:
                self.peer = self._gateway.peer(header.address, is_tls=header.is_tls)
            self._reader.feed(octets[header.size :])
        elif header is None:
            self._greeting = octets
        else:
            self.cut()

    def eof_received(self) -> None:
        """The visitor hangs up; the transport closes by itself."""

    def connection_lost(self, fault: Exception | None) -> None:
        """The visitor is gone, or was sent away."""
        self._gateway.left(self)
        self._queue.clear()
        self._is_parting = True
        active, self._active = self._active, None
        if active is not None:
            active.gone(is_orderly=fault is None and not self._is_cut)

    def pause_writing(self) -> None:
        """The visitor takes less than is sent."""
        self.is_full = True
        self._since = self._gateway.now
        if self._active is not None:
            self._active.hold()

    def resume_writing(self) -> None:
        """And takes more again."""
        self.is_full = False
        self._since = self._gateway.now
        if self._active is not None:
            self._active.go_on()
        else:
            self._advance()

    def _advance(self) -> None:
        """Begin with the next request, if it is its turn."""
        if self._reader.arrived:
            self._queue += self._reader.arrived
            self._reader.arrived.clear()
        if not self._is_advancing:
            self._is_advancing = True
            while self._queue and self._active is None and not self.is_full and not self._is_parting:
                asked = self._queue.popleft()
                head = self.peer.head_of(asked.fields)
                if head.repeat is None or self.is_last or not self._repeat(head.repeat, asked):
                    self._active = Exchange(self._gateway, self, asked, head)
                    self._active.begin()
            self._is_advancing = False
            self.control()

    def _repeat(self, repeat: Repeat, asked: Asked) -> bool:
        """Answer a crawler in a loop, at once or when that is on record; whether it is one."""
        if asked is self._reader.waits_for or not repeat.fits(asked):
            return False
        self._since = self._gateway.now
        octets = repeat.octets()
        if octets is None:
            self._active = repeat.begin(self, asked)
        else:
            self.transport.write(octets)
        return True

    def _part(self, asked: Asked) -> None:
        """End after the last answer (rule 3)."""
        self._is_parting = True
        self._queue.clear()
        if asked.is_whole and asked.fault is None:
            self._close()
            return
        self.control()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()

    def _close(self) -> None:
        """End when what is on its way to the visitor has been taken."""
        self._is_parting = True
        self._since = self._gateway.now
        self.transport.close()
