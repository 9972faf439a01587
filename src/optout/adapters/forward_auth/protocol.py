"""One connection of a front end: its checks are parsed by llhttp and answered in their order.

A check is a question without content, asked by a program that the owner runs, some fifteen thousand times a second:
no framework fits that. llhttp, strict, does all the parsing there is; a body, which a front end may send along, is
read and dropped. What cannot be parsed ends the connection.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus
from typing import NamedTuple, cast

import httptools

from optout.adapters.client_address import is_trusted_proxy
from optout.adapters.eagerly import run_eagerly
from optout.adapters.forward_auth import ForwardAuth, Judged, plain
from optout.adapters.forward_auth.check import Said
from optout.adapters.peers import peer_of
from optout.adapters.refusals import Refusal
from optout.messages import Response, octets

_LONGEST_HEAD = 256 * 1024  # octets; more than any front end takes from a visitor
_MOST_FIELDS = 512
_MOST_WAITING = 64  # checks on one connection; front ends send one at a time

_ENDS_A_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Asked(NamedTuple):
    """The head of one check."""

    method: bytes
    target: bytes
    said: Said
    keeps_open: bool


class CheckProtocol(asyncio.Protocol):
    """The checks of one connection. `connections` holds it while it is open."""

    def __init__(self, door: ForwardAuth, connections: set[CheckProtocol]) -> None:
        self._door = door
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Asked] = deque()
        self._is_deciding = False
        self._is_ending = False
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a trusted peer in; tell any other that it is none, and close."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connections.add(self)
        self._peer = peer_of(transport)
        # The door of a wrong network: who asks here could write records about visitors who never came.
        if self._peer is not None and not is_trusted_proxy(self._peer, self._door.driver.settings.trusted):
            self._close_with(plain(403, "Only this site's own front end is answered here."))

    def connection_lost(self, _fault: Exception | None) -> None:
        """Nobody waits any more; what is being decided still gets its record."""
        self._is_ending = True
        self.closed.set_result(None)
        self._connections.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Octets from the front end."""
        if self._is_ending:
            return
        if not self._has_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # A check on a WebSocket bears its fields and upgrades nothing. What follows it may be a visitor's octets,
            # which must not become a check: the connection ends with its answer.
            self.end()
            return
        except httptools.HttpParserCallbackError:
            raise  # our own fault, for the loop to report
        except httptools.HttpParserError:
            self._close_with(plain(400, "This is no HTTP/1.1 check."))
            return
        if self._head_size > _LONGEST_HEAD or len(self._fields) > _MOST_FIELDS or len(self._waiting) > _MOST_WAITING:
            self._close_with(plain(431, "This check is too large."))

    def on_url(self, url: bytes) -> None:
        """Of llhttp: a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of llhttp: one field."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Of llhttp: the head has ended."""
        self._has_head = True
        parser, said = self._parser, Said(self._fields)
        keeps_open = parser.should_keep_alive() and not parser.should_upgrade()
        self._asked = Asked(parser.get_method(), self._target, said, keeps_open)
        if any(said.all(b"expect")):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_message_complete(self) -> None:
        """Of llhttp: one check is whole."""
        asked = self._asked
        self._begin()
        if self._is_deciding or self._waiting:
            self._waiting.append(asked)
        else:
            self._answer(asked)

    def _begin(self) -> None:
        """Ready for the head of the next check."""
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._has_head = False
        self._head_size = 0

    def _answer(self, asked: Asked) -> None:
        found = self._door.weigh(peer=self._peer, method=asked.method, target=asked.target, said=asked.said)
        if isinstance(found, Judged):
            self._is_deciding = True
            run_eagerly(self._door.decide(found), partial(self._decided, asked))
        elif isinstance(found, Refusal):
            self._is_deciding = True
            self._door.give_again(found, partial(self._decided, asked))
        else:
            self._write(asked, found)

    def _decided(self, asked: Asked, response: Response) -> None:
        self._is_deciding = False
        self._write(asked, response)
        while self._waiting and not self._is_deciding:
            self._answer(self._waiting.popleft())

    def _write(self, asked: Asked, response: Response) -> None:
        if self._transport.is_closing():
            return
        closes = self._is_ending or not asked.keeps_open
        self._transport.write(octets_of(response, asked.method, closes=closes))
        if closes:
            self.end()

    def end(self) -> None:
        """Answer what is being decided, and no more."""
        self._is_ending = True
        self._waiting.clear()
        if not self._is_deciding:
            self._transport.close()

    def _close_with(self, response: Response) -> None:
        if not self._is_deciding:
            self._transport.write(octets_of(response, b"GET", closes=True))
        self.end()


def octets_of(response: Response, method: bytes, *, closes: bool = False) -> bytes:
    """A response as it is sent to a check with this method (RFC 9112 section 4)."""
    is_usual = response.body or response.status == 200  # a ticket is new each time
    return b"%b%b%b%b\r\n%b" % (
        _status_line(response.status),
        (_lines if is_usual else _new_lines)(response.fields.items),
        b"Connection: close\r\n" if closes else b"",
        _date(int(time.time())),
        b"" if method == b"HEAD" else response.body,
    )


@lru_cache(maxsize=64)
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


@lru_cache(maxsize=1024)
def _lines(fields: tuple[tuple[str, str], ...]) -> bytes:
    """Fields as lines, but for one that could end a line, as a document of the site's may have it."""
    return _new_lines(tuple(field for field in fields if not _ENDS_A_LINE.search(field[1])))


def _new_lines(fields: tuple[tuple[str, str], ...]) -> bytes:
    return octets("".join([f"{name}: {value}\r\n" for name, value in fields]))


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
