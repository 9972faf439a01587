"""The head of an answer on its way to the visitor: the origin's, one of Optout's, or a few words of the gateway's own.

Rule 1: the head is written anew, from parsed parts. A field of ours that could end a line is left out, so that neither
        an origin nor a document of its can put a second answer into one (response splitting, CVE-2026-34514).
Rule 2: it says one framing: the origin's length, or chunks, or, to HTTP/1.0, the end of the connection.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from optout.adapters.forwarding import USUAL, Items, Kind, kind_of, members, without_named
from optout.messages import Fields, Response, as_text, octets


class Body(Enum):
    """How an answer's body is framed for the visitor."""

    NONE = auto()
    LENGTH = auto()
    CHUNKS = auto()
    UNTIL_CLOSE = auto()


class AnswerHead:
    """The head of the origin's answer, sorted: what goes on, and what the gateway reads in it."""

    __slots__ = (
        "has_body",
        "has_date",
        "has_length",
        "is_chunked",
        "is_event_stream",
        "is_readable",
        "onward",
        "reason",
        "says_close",
        "status",
    )

    def __init__(self, status: int, reason: bytes, onward: Items, noted: dict[bytes, list[bytes]]) -> None:
        self.status = status
        self.reason = reason
        self.onward = onward
        self.has_body = status >= 200 and status not in (204, 304)  # RFC 9112 section 6.3; unless HEAD was asked
        self.has_length = b"content-length" in noted
        self.has_date = b"date" in noted
        self.is_event_stream = _is_event_stream(noted.get(b"content-type", ()))
        self.says_close = b"connection" in noted and b"close" in members(noted[b"connection"])
        codings = [value.lower() for value in noted.get(b"transfer-encoding", ())]
        self.is_chunked = codings == [b"chunked"]
        # The only transfer coding that is undone here is chunked. `identity` is RFC 2616's for none.
        self.is_readable = not codings or self.is_chunked or codings == [b"identity"]

    @property
    def is_framed(self) -> bool:
        """Whether the body says where it ends; else the connection does."""
        return self.has_length or self.is_chunked


def _is_event_stream(types: Iterable[bytes]) -> bool:
    """Whether a body may be silent for as long as it likes."""
    return any(value[:17].lower() == b"text/event-stream" for value in types)


_LONGEST_REASON = 200  # octets; the longest registered phrase has 31
_NOTED = frozenset(b"connection content-length content-type date transfer-encoding".split())
_Role = tuple[bool, bytes]  # whether it goes on, and the name in lower case if it is noted
_STAY = (Kind.CONNECTION, Kind.FRAMING, Kind.HOP_BY_HOP)


def _role(name: bytes) -> _Role:
    lower = name.lower()
    return kind_of(name) not in _STAY, lower if lower in _NOTED else b""


_ROLES = {name: _role(name) for name in USUAL}


def sort_answer(status: int, reason: bytes, fields: Items) -> AnswerHead:
    """The head of an answer, read once."""
    onward: Items = []
    noted: dict[bytes, list[bytes]] = {}
    for item in fields:
        goes_on, name = _ROLES.get(item[0]) or _role(item[0])
        if goes_on:
            onward.append(item)
        if name:
            noted.setdefault(name, []).append(item[1])
    if b"connection" in noted:
        onward = without_named(onward, noted[b"connection"])
    if status == 204 and b"content-length" in noted:  # RFC 9110 section 8.6: there is none, and no body
        onward = [item for item in onward if item[0].lower() != b"content-length"]
    return AnswerHead(status, reason[:_LONGEST_REASON], onward, noted)


class Manner(NamedTuple):
    """How one visitor is to be answered."""

    is_head: bool  # to HEAD, without the body
    is_old: bool  # HTTP/1.0
    closes: bool  # the connection ends with the answer


def framing_of(head: AnswerHead, manner: Manner) -> Body:
    """How the body of the origin's answer goes on."""
    if manner.is_head or not head.has_body:
        return Body.NONE
    if head.has_length:
        return Body.LENGTH
    return Body.UNTIL_CLOSE if manner.is_old else Body.CHUNKS


_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_UPGRADED = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"


def head_for_visitor(head: AnswerHead, manner: Manner, body: Body, *, ours: Fields, declared: Fields) -> bytes:
    """The head of the origin's answer as the visitor gets it.

    `ours` replace the origin's fields of these names; of `declared` the origin's own word counts, but a Link is one of
    many: it may know this one page better than the site's file does.
    """
    onward = head.onward
    if ours.items:
        names = {octets(name).lower() for name, _ in ours}
        onward = [item for item in onward if item[0].lower() not in names]
    if declared.items:
        declared = _lacking(declared, onward)
    return b"%b%b%b%b%b%b%b\r\n" % (
        _status_line(head.status, head.reason),
        b"".join([b"%b: %b\r\n" % item for item in onward]),
        _UPGRADED if head.status == 101 else _connection(manner),
        _CHUNKED if body is Body.CHUNKS else b"",
        _lines(ours.items) if ours.items else b"",
        _lines(declared.items) if declared.items else b"",
        b"" if head.has_date else _date(int(time.time())),
    )


def own_answer(response: Response, manner: Manner) -> bytes:
    """One of Optout's answers, whole; HEAD gets its Content-Length and no body (RFC 9110 section 9.3.2)."""
    head = own_head(response, manner)
    return head if manner.is_head else head + response.body


def own_head(response: Response, manner: Manner) -> bytes:
    """The head of one of Optout's answers."""
    return b"%b%b%b%b\r\n" % (
        _status_line(response.status, b""),
        _lines(response.fields.items),
        _connection(manner),
        _date(int(time.time())),
    )


def fields_for_visitor(head: AnswerHead, declared: Fields) -> Iterator[tuple[str, str]]:
    """The fields with which an answer of the origin's goes on, except those that the gateway puts in their place."""
    yield from ((as_text(name), as_text(value)) for name, value in head.onward)
    yield from _lacking(declared, head.onward)


def plain(status: int, text: str, more: Fields) -> Response:
    """A short answer of the gateway's own, which no cache keeps."""
    body = f"{text}\n".encode()
    fields = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *more,
    )
    return Response(status=status, fields=Fields(fields), body=body)


def _connection(manner: Manner) -> bytes:
    if manner.closes:
        return b"Connection: close\r\n"
    return b"Connection: keep-alive\r\n" if manner.is_old else b""  # RFC 9112 appendix C.2.2


def _lacking(declared: Fields, onward: Items) -> Fields:
    """The declaring fields that the origin did not send itself."""
    sent: dict[bytes, list[bytes]] = {}
    for name, value in onward:
        sent.setdefault(name.lower(), []).append(value)
    if sent.keys().isdisjoint(_names(declared)):
        return declared
    return Fields(tuple(field for field in declared if not _is_said(field, sent)))


def _is_said(field: tuple[str, str], sent: dict[bytes, list[bytes]]) -> bool:
    name, value = octets(field[0]).lower(), octets(field[1])
    return value in sent.get(name, ()) if name == b"link" else name in sent


@lru_cache(maxsize=1024)
def _names(fields: Fields) -> frozenset[bytes]:
    return frozenset(octets(name).lower() for name, _ in fields)


_ENDS_A_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@lru_cache(maxsize=1024)
def _lines(fields: tuple[tuple[str, str], ...]) -> bytes:
    """Fields of ours as lines, without those that have a control character, as a document of the origin's may."""
    sound = [(name, value) for name, value in fields if not _ENDS_A_LINE.search(name + value)]
    return octets("".join(f"{name}: {value}\r\n" for name, value in sound))


_UNPRINTABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@lru_cache(maxsize=256)
def _status_line(status: int, reason: bytes) -> bytes:
    if not reason or _UNPRINTABLE.search(reason):
        reason = _phrase(status)
    return b"HTTP/1.1 %d %b\r\n" % (status, reason)


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return b"Date: %b\r\n" % formatdate(second, usegmt=True).encode()
