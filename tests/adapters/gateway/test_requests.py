"""Octets become requests in one way only, however they are cut, and what could be read in two ways becomes none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.gateway.heads import Asked
from optout.adapters.gateway.requests import RequestReader

HOST = b"Host: site.example\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: site.example\r\n\r\n"


@dataclass(frozen=True)
class Read:
    """What became of one request."""

    line: bytes
    body: bytes
    is_whole: bool
    fault: int | None


def described(asked: Asked) -> Read:
    """One request as a value; its body is what nobody has taken."""
    line = b"%b %b %b" % (asked.method, asked.target, asked.version.encode())
    return Read(line, b"".join(asked.body), asked.is_whole, asked.fault.status if asked.fault else None)


def read(*octets: bytes) -> list[Read]:
    """The requests in these reads of one connection."""
    reader = RequestReader()
    for part in octets:
        reader.feed(memoryview(bytearray(part)))
    return [described(asked) for asked in reader.arrived]


def get(fields: bytes = b"", line: bytes = b"GET /a HTTP/1.1") -> bytes:
    """A request without a body."""
    return line + b"\r\n" + HOST + fields + b"\r\n"


def post(fields: bytes, body: bytes) -> bytes:
    """A request with one."""
    return get(fields, b"POST /a HTTP/1.1") + body


A = Read(b"GET /a 1.1", b"", is_whole=True, fault=None)
AFTER = Read(b"GET /next 1.1", b"", is_whole=True, fault=None)

STREAMS: dict[str, tuple[bytes, list[Read]]] = {
    "two requests": (get() + NEXT, [A, AFTER]),
    "empty lines before a request": (b"\r\n\r\n" + get(), [A]),
    "a body with a length": (
        post(b"Content-Length: 5\r\n", b"hello") + NEXT,
        [Read(b"POST /a 1.1", b"hello", True, None), AFTER],
    ),
    "a body in chunks": (
        post(CHUNKED, b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n") + NEXT,
        [Read(b"POST /a 1.1", b"hello", True, None), AFTER],
    ),
    "an upgrade with a body": (
        get(UPGRADE + b"Content-Length: 3\r\n") + b"abc" + NEXT,
        [Read(b"GET /a 1.1", b"abc", True, None), AFTER],
    ),
    "an upgrade with a body in chunks": (
        get(UPGRADE + CHUNKED) + b"3\r\nabc\r\n0\r\n\r\n" + NEXT,
        [Read(b"GET /a 1.1", b"abc", True, None), AFTER],
    ),
    "an upgrade with an empty body": (get(UPGRADE + b"Content-Length: 0\r\n") + NEXT, [A, AFTER]),
    "an upgrade to something else": (get(b"Connection: Upgrade\r\nUpgrade: h2c\r\n") + NEXT, [A, AFTER]),
    "an upgrade with a body that ends the connection": (
        get(b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 3\r\n") + b"abc" + NEXT,
        [Read(b"GET /a 1.1", b"abc", True, None)],
    ),
    "an upgrade with an unknown coding": (
        get(UPGRADE + b"Transfer-Encoding: xchunked\r\n") + NEXT,
        [Read(b"GET /a 1.1", b"", False, 400)],
    ),
    "what follows the last request": (get(b"Connection: close\r\n") + NEXT, [A]),
    "what follows a request of HTTP/1.0": (get(line=b"GET /a HTTP/1.0") + NEXT, [Read(b"GET /a 1.0", b"", True, None)]),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\n\r\n\x16\x03\x01", [Read(b"CONNECT a:443 1.1", b"", False, 404)]),
    "a body that ends early": (post(b"Content-Length: 5\r\n", b"hel"), [Read(b"POST /a 1.1", b"hel", False, None)]),
    "a head that ends early": (b"GET /a HTTP/1.1\r\nHost: si", []),
    "chunks that are none": (
        post(CHUNKED, b"3\r\nhel\r\nzz\r\n") + NEXT,
        [Read(b"POST /a 1.1", b"hel", False, 400)],
    ),
    "nonsense after a request": (get() + b"\x00\x01\x02", [A, Read(b"  ", b"", False, 400)]),
    "nonsense": (b"\x16\x03\x01\x02\x00", [Read(b"  ", b"", False, 400)]),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_a_connection_is_read_in_one_way(name: str) -> None:
    octets, expected = STREAMS[name]
    assert read(octets) == expected


@pytest.mark.parametrize("name", STREAMS)
def test_and_in_the_same_way_octet_by_octet(name: str) -> None:
    octets, expected = STREAMS[name]
    assert read(*(octets[place : place + 1] for place in range(len(octets)))) == expected


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(1, 200), max_size=6))
def test_and_however_it_is_cut(name: str, sizes: list[int]) -> None:
    octets, expected = STREAMS[name]
    parts: list[bytes] = []
    for size in sizes:
        parts.append(octets[:size])
        octets = octets[size:]
    assert read(*parts, octets) == expected


@given(st.lists(st.binary(max_size=80) | st.sampled_from([get(), CHUNKED, b"GET ", b"\r\n", UPGRADE]), max_size=8))
def test_no_octets_raise(parts: list[bytes]) -> None:
    read(*parts)


def test_fields_come_as_they_are_without_the_blanks_around_them() -> None:
    reader = RequestReader()
    reader.feed(b"GET / HTTP/1.1\r\nhOST:  a \t\r\nX:\r\nY: two  words\r\nX: \xff\r\n\r\n")
    (asked,) = reader.arrived
    assert asked.fields == [(b"hOST", b"a"), (b"X", b""), (b"Y", b"two  words"), (b"X", b"\xff")]
    assert asked.keeps_open


def test_what_comes_behind_a_websocket_s_handshake_waits_unread() -> None:
    reader = RequestReader()
    reader.feed(get() + get(UPGRADE, b"GET /socket HTTP/1.1") + b"\x81\x00")
    reader.feed(b"\x88")
    assert [asked.target for asked in reader.arrived] == [b"/a", b"/socket"]
    assert reader.waits_for is reader.arrived[1]
    assert reader.rest == b"\x81\x00\x88"


def test_and_is_read_when_the_websocket_is_declined() -> None:
    reader = RequestReader()
    reader.feed(get(UPGRADE) + NEXT[:10])
    reader.feed(NEXT[10:] + NEXT)
    assert len(reader.arrived) == 1
    reader.go_on()
    assert [asked.target for asked in reader.arrived] == [b"/a", b"/next", b"/next"]
    assert (reader.waits_for, reader.rest) == (None, b"")


LONG = 65_536


@pytest.mark.parametrize(
    "head",
    [
        get(b"X: " + b"y" * LONG + b"\r\n"),
        get(line=b"GET /" + b"a" * LONG + b" HTTP/1.1"),
        get(b"X: y\r\n" * 200),
        get((b"X: " + b"y" * 6000 + b"\r\n") * 12),
    ],
)
@pytest.mark.parametrize("size", [1000, 32_768, 65_536])
def test_a_head_that_is_too_large_is_refused_wherever_it_begins_in_a_read(head: bytes, size: int) -> None:
    octets = get() * 3 + head
    found = read(*(octets[place : place + size] for place in range(0, len(octets), size)))
    assert found[:3] == [A, A, A]
    assert [each.fault for each in found[3:]] == [400]


def test_a_large_head_is_read() -> None:
    head = get((b"X: " + b"y" * 600 + b"\r\n") * 100)
    assert read(head) == read(*(head[place : place + 1000] for place in range(0, len(head), 1000))) == [A]


@pytest.mark.parametrize(
    "octets",
    [b"X: y", b"X: y\r\n", b"3;x", b"3;x=" + b"y" * 100],
)
def test_what_is_read_and_dropped_does_not_grow_without_end(octets: bytes) -> None:
    """CVE-2026-22815: trailers and chunk extensions have no length of their own, and llhttp keeps the former."""
    reader = RequestReader()
    reader.feed(post(CHUNKED, b"3\r\nabc\r\n"))
    (asked,) = reader.arrived
    reader.feed(octets if octets.startswith(b"3") else b"0\r\n" + octets)
    for _ in range(20):
        reader.feed((octets if octets.endswith(b"\n") else b"y") * 1000 * (1 if octets.endswith(b"\n") else 5))
    assert asked.fault is not None
    assert not asked.is_whole


def test_work_grows_in_step_with_what_comes() -> None:
    """Each octet is handed to llhttp once, whatever surrounds it: no read is gone over again."""
    fed = 0

    class Parser:
        def feed_data(self, data: memoryview) -> None:
            nonlocal fed
            fed += len(data)

    reader = RequestReader()
    reader._parser = Parser()  # type: ignore[assignment]
    for _ in range(60):
        reader.feed(memoryview(bytes(1000)))
    assert fed == 60_000
