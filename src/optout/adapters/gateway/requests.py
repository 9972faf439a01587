"""Requests as they come from a visitor's connection: octets in, heads and bodies out.

What two servers read in two ways is a way past every door (request smuggling, peers.md part 7). So:
Rule 1: llhttp, strict, does all the parsing there is. What it refuses is 400 and ends the connection; nothing that
        follows on the connection is read as a request.
Rule 2: a request is handed on when the whole read in which its head ended has been parsed. llhttp reports a head
        before it objects to the framing that the head announces.
Rule 3: a message has one framing: no body, a Content-Length, or chunked. llhttp refuses two of them, and a second one
        of any; `heads.fault_of` refuses the codings that llhttp lets by.
Rule 4: a body belongs to its request even where an upgrade is asked for. httptools skips the body then, and would hand
        out its octets as another protocol's (CVE-2026-69243); so a second parser reads it.
Rule 5: what is held is bounded: a head, trailers and chunk extensions each by `_LONGEST_HEAD`, and everything else by
        one read. Trailers and extensions are read and dropped.
"""

from __future__ import annotations

import httptools

from optout.adapters.forwarding import Items
from optout.adapters.gateway.faults import MALFORMED, NO_TUNNEL, TOO_LARGE, Fault
from optout.adapters.gateway.heads import Asked, asks_for_websocket, sort_fields

_LONGEST_HEAD = 65_536  # octets; nginx takes 32 kB, Apache 8 kB a line; no browser sends more
_MOST_FIELDS = 128  # as many as aiohttp's server takes; Apache takes 100


class RequestReader:
    """The requests of one connection. `arrived` are those whose head is complete and that nobody has taken yet.

    `waits_for` has asked for a WebSocket: until that is settled, what comes behind it goes into `rest`, unread.
    """

    __slots__ = (
        "_asked",
        "_fields",
        "_is_deaf",
        "_is_primed",
        "_is_upgrade",
        "_parser",
        "_quiet",
        "_target",
        "_told",
        "arrived",
        "rest",
        "waits_for",
    )

    def __init__(self) -> None:
        self.arrived: list[Asked] = []
        self.waits_for: Asked | None = None
        self.rest = b""
        self._is_deaf = False  # what comes now belongs to no request
        self._is_primed = False
        self._is_upgrade = False
        self._told = 0  # by llhttp: heads, parts of bodies, ends
        self._quiet = 0  # octets since llhttp told something
        self._parser = httptools.HttpRequestParser(self)
        self._asked: Asked | None = None
        self._target = b""
        self._fields: Items = []  # of the head, then of the trailers

    def feed(self, data: bytes | memoryview) -> None:
        """Read octets of the connection. Never raises for what they are."""
        if self.waits_for is not None:
            self.rest += data
            return
        if self._is_deaf:
            return
        before = self._told
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError:
            raise  # our own fault, for the loop to report
        except httptools.HttpParserError:
            if not self._is_deaf:  # else it objects to what follows the last request
                self._fail(MALFORMED)
        else:
            if self._told == before:
                self._quiet += len(data)
            else:
                self._quiet = 1 if self._fields or self._target else 0
            if self._quiet > _LONGEST_HEAD or len(self._fields) > _MOST_FIELDS:
                self._fail(TOO_LARGE if self._asked is None else MALFORMED)

    def go_on(self) -> None:
        """The WebSocket that was asked for is declined: what came behind it are requests."""
        self.waits_for = None
        rest, self.rest = self.rest, b""
        self.feed(rest)

    def on_url(self, url: bytes) -> None:
        """Of llhttp: a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of llhttp: one field of the head, or of the trailers."""
        self._fields.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Of llhttp: the head has ended."""
        self._told += 1
        parser, fields = self._parser, self._fields
        self._fields, target, self._target = [], self._target, b""
        if self._is_primed:
            return
        asked = self._asked = Asked(
            parser.get_method(), target, fields, parser.get_http_version(), parser.should_keep_alive()
        )
        self._is_upgrade = parser.should_upgrade()
        self.arrived.append(asked)
        is_long = (
            self._quiet and len(target) + sum(len(name) + len(value) + 4 for name, value in fields) > _LONGEST_HEAD
        )
        if is_long or len(fields) > _MOST_FIELDS:
            asked.fault = TOO_LARGE

    def on_body(self, data: bytes) -> None:
        """Of llhttp: a part of the body."""
        self._told += 1
        assert self._asked is not None  # noqa: S101  llhttp reports the head first
        self._asked.body.append(data)

    def on_message_complete(self) -> None:
        """Of llhttp: the request is whole. One that asks for an upgrade may have a body that httptools skips."""
        self._told += 1
        if not self._is_upgrade:
            self._end()

    def _end(self) -> None:
        asked = self._asked
        assert asked is not None  # noqa: S101  llhttp reports the head first
        asked.is_whole = True
        self._is_deaf = not asked.keeps_open or asked.fault is not None
        self._begin()

    def _begin(self) -> None:
        self._asked = None
        self._target = b""
        self._fields = []

    def _upgrade(self, rest: bytes | memoryview) -> None:
        """A request that asks for an upgrade has ended, but for the body that it may have (rule 4)."""
        asked = self._asked
        assert asked is not None  # noqa: S101  llhttp reports the head first
        self._is_upgrade = False
        self._quiet = 0
        self._parser = httptools.HttpRequestParser(self)
        if asked.method == b"CONNECT":
            self._fail(NO_TUNNEL)
            return
        framing = asked.framing
        if framing is not None:
            self._is_primed = True
            close = b"" if asked.keeps_open else b"Connection: close\r\n"
            self.feed(b"POST / HTTP/1.1\r\n%b%b: %b\r\n\r\n" % (close, *framing))
            self._is_primed = False
        else:
            if asks_for_websocket(asked, sort_fields(asked.fields)):
                self.waits_for = asked
            self._end()
        if len(rest):
            self.feed(rest)

    def _fail(self, fault: Fault) -> None:
        """Nothing more is read. The request that was under way, or has never begun to make sense, has this fault."""
        self._is_deaf = True
        if self._asked is None:
            self._asked = Asked(b"", b"", [], "", keeps_open=False)
            self.arrived.append(self._asked)
        self._asked.fault = fault
