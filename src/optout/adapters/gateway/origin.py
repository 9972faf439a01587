"""One connection to the origin: a head goes out, octets come back and become what an exchange is told.

Rule 1: llhttp does all the parsing. It is strict but for two habits of old servers, lines that end with LF alone and
        blanks behind a chunk's size: RFC 9112 section 2.2 allows the first, and neither moves the end of an answer.
Rule 2: one request at a time. What an origin says unasked, or behind its answer, ends the connection: it would be taken
        for the answer to somebody else's request (response smuggling).
Rule 3: an answer that ends before it is whole is told as such, never as an end.
Rule 4: nothing of one answer is left for the next: no field, no trailer, no state of the parser.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, cast

import httptools

from optout.adapters.forwarding import Items
from optout.adapters.gateway.answers import sort_answer

if TYPE_CHECKING:
    from optout.adapters.gateway.exchange import Exchange
    from optout.adapters.gateway.pool import Pool

# Octets; origins send long Set-Cookie and Content-Security-Policy fields: nginx's 4 kB makes those pages a 502.
_LONGEST_HEAD = 262_144
_MOST_FIELDS = 512


class Origin(asyncio.BufferedProtocol):
    """A connection of a pool. While it is idle it belongs to no exchange."""

    __slots__ = (
        "_exchange",
        "_fields",
        "_has_begun",
        "_is_held",
        "_is_over",
        "_is_spoilt",
        "_is_until_close",
        "_keeps_open",
        "_parser",
        "_pool",
        "_quiet",
        "_reason",
        "idle_since",
        "is_full",
        "is_used",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        self.idle_since = 0.0
        self.is_full = False  # of what the origin has not taken yet
        self.is_used = False  # for an exchange before this one
        self._pool = pool
        self._exchange: Exchange | None = None
        self._is_held = False  # because the visitor takes less than comes
        self._new_parser()
        self._begin()

    def _new_parser(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)

    def _begin(self) -> None:
        self._has_begun = False  # to answer, in a way that can be read
        self._is_over = False
        self._is_spoilt = False
        self._is_until_close = False
        self._keeps_open = False
        self._fields: Items = []  # of a head, then of the trailers
        self._reason = b""
        self._quiet = 0  # octets since something was told

    # For an exchange

    def ask(self, exchange: Exchange, octets: bytes) -> None:
        """Send a request's head, and what there is of its body."""
        self._exchange = exchange
        self._begin()
        self.transport.write(octets)

    def send(self, octets: bytes) -> None:
        """Send more of the body."""
        self.transport.write(octets)

    @property
    def is_stale(self) -> bool:
        """Whether it was over before the present request: closed, or what came belongs to an answer before it."""
        return self.is_used and not self._has_begun

    @property
    def is_doubtful(self) -> bool:
        """Whether the origin has closed it while it was idle, or said something, and the loop has not told so yet."""
        look = select.poll()
        look.register(self.transport.get_extra_info("socket"), select.POLLIN)  # the end is something to read, too
        return bool(look.poll(0))

    def hold(self) -> None:
        """Read no more for now."""
        if not self._is_held:
            self._is_held = True
            self.transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if self._is_held:
            self._is_held = False
            self.transport.resume_reading()

    def release(self, *, has_asked: bool) -> None:
        """The exchange needs it no more. It is kept if request and answer were whole and nothing speaks against it."""
        self._exchange = None
        if has_asked and self._is_over and self._keeps_open and not self._is_spoilt and not self.transport.is_closing():
            if self.is_used:
                self._pool.is_steady = True
            self.is_used = True
            self.go_on()
            self._pool.put(self)
        else:
            self.transport.abort()

    # Of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The origin has accepted."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance

    def get_buffer(self, _hint: int) -> memoryview:
        """Where to read to. All connections share it: what is read is parsed at once."""
        return self._pool.buffer

    def buffer_updated(self, count: int) -> None:
        """The origin says something."""
        exchange = self._exchange
        if exchange is None:
            self.transport.abort()
            return
        self._quiet += count
        data = self._pool.buffer[:count]
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._is_spoilt = True  # nothing that follows is HTTP
            exchange.upgraded(bytes(data[upgrade.args[0] :]))
            return
        except httptools.HttpParserCallbackError:
            raise  # our own fault, for the loop to report
        except httptools.HttpParserError:
            self._is_spoilt = True
        if self._quiet > _LONGEST_HEAD or len(self._fields) > _MOST_FIELDS:
            self._is_spoilt = True
        if self._is_spoilt and not self._is_over:
            exchange.lost()
        else:
            exchange.flush(is_whole=self._is_over)

    def eof_received(self) -> None:
        """The origin says no more; the transport closes by itself."""
        if self._exchange is None or self.is_stale:
            self._pool.is_steady = False

    def connection_lost(self, fault: Exception | None) -> None:
        """The end of an answer that says no other, or of hope for one that does."""
        exchange, self._exchange = self._exchange, None
        self._pool.gone(self)
        if exchange is None:
            return
        if self._is_until_close and fault is None:
            exchange.flush(is_whole=True)
        else:
            exchange.lost()

    def pause_writing(self) -> None:
        """The origin takes less than it is sent."""
        self.is_full = True
        if self._exchange is not None:
            self._exchange.visitor.control()

    def resume_writing(self) -> None:
        """It takes more again."""
        self.is_full = False
        if self._exchange is not None:
            self._exchange.visitor.control()

    # Of llhttp

    def on_message_begin(self) -> None:
        """An answer begins; behind one that is whole nobody asked for it."""
        if self._is_over:
            self._is_spoilt = True

    def on_status(self, reason: bytes) -> None:
        """A part of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of the trailers, which are dropped."""
        self._fields.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head has ended. An interim answer is dropped: Expect has been answered already."""
        self._quiet = 0
        self._has_begun = True
        fields, self._fields, reason, self._reason = self._fields, [], self._reason, b""
        parser, exchange = self._parser, self._exchange
        status = parser.get_status_code()
        if self._is_over or exchange is None or (status < 200 and status != 101):
            return
        head = sort_answer(status, reason, fields)
        if not head.is_readable or len(fields) > _MOST_FIELDS:
            self._is_spoilt = True
            return
        self._keeps_open = parser.should_keep_alive()
        exchange.answer_began(head)
        if exchange.asked.method == b"HEAD" and status != 101:
            # llhttp was not told what was asked, and waits for a body.
            self._keeps_open = self._keeps_open or (not head.says_close and parser.get_http_version() == "1.1")
            self._is_over = True
            self._new_parser()
        else:
            self._is_until_close = head.has_body and not head.is_framed

    def on_body(self, octets: bytes) -> None:
        """A part of the body."""
        self._quiet = 0
        if self._is_over or self._exchange is None:
            self._is_spoilt = True
        elif not self._is_spoilt:
            self._exchange.answer_body(octets)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one, or one that cannot be read."""
        if self._parser.get_status_code() >= 200 and not self._is_spoilt:
            self._is_over = True
        if self._fields:  # trailers: they are dropped, and what llhttp has concluded from them as well
            self._fields = []
            self._new_parser()
