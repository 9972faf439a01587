"""What an origin says is told as it is: whole, broken off, or as nonsense."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.gateway.answers import AnswerHead
from optout.adapters.gateway.origin import Origin
from tests.doors.raw_origin import RawOrigin, Seen
from tests.gateways import gateway, saying
from tests.served import ask, connected


class Pool:
    """A pool of one."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(65_536))
        self.kept: list[Origin] = []
        self.lost: list[Origin] = []

    def put(self, origin: Origin) -> None:
        self.kept.append(origin)

    def gone(self, origin: Origin) -> None:
        self.lost.append(origin)


class Transport(asyncio.Transport):
    """A connection that is never full."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_aborted = False

    def write(self, data: object) -> None:
        self.sent += bytes(data)  # type: ignore[call-overload]

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


class Exchange:
    """Who asks, and what was told."""

    def __init__(self, method: bytes = b"GET") -> None:
        self.asked = type("Asked", (), {"method": method})()
        self.head: AnswerHead | None = None
        self.body = b""
        self.end = ""
        self.origin: Origin | None = None

    def answer_began(self, head: AnswerHead) -> None:
        assert self.head is None
        self.head = head

    def answer_body(self, octets: bytes) -> None:
        self.body += octets

    def flush(self, *, is_whole: bool) -> None:
        if is_whole:
            self._ends("whole")

    def lost(self) -> None:
        self._ends("lost")

    def upgraded(self, rest: bytes) -> None:
        self.body = rest
        self._ends("upgraded")

    def _ends(self, how: str) -> None:
        assert self.end == ""
        self.end = how
        if self.origin is not None and how != "upgraded":
            self.origin.release(has_asked=True)


def told(*octets: bytes, method: bytes = b"GET", is_closed: bool = False) -> tuple[Exchange, Pool]:
    """What an exchange hears of these reads, and what became of the connection."""
    pool, exchange = Pool(), Exchange(method)
    origin = exchange.origin = Origin(pool)  # type: ignore[arg-type]
    origin.connection_made(Transport())
    origin.ask(exchange, b"")  # type: ignore[arg-type]
    for part in octets:
        if part and exchange.end != "upgraded":  # then the connection is the tunnel's
            pool.buffer[: len(part)] = part
            origin.buffer_updated(len(part))
    if is_closed:
        origin.connection_lost(None)
    return exchange, pool


OK = b"HTTP/1.1 200 OK\r\n"
STREAMS: dict[str, tuple[bytes, str, bytes, bool]] = {  # octets, end, body, whether the connection is kept
    "a length": (OK + b"Content-Length: 5\r\n\r\nhello", "whole", b"hello", True),
    "chunks": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n",
        "whole",
        b"hello",
        True,
    ),
    "chunks with blanks behind their size": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n",
        "whole",
        b"hello",
        True,
    ),
    "lines that end with LF alone": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "whole", b"hello", True),
    "early hints": (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello",
        "whole",
        b"hello",
        True,
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", "whole", b"", True),
    "not modified, with the length of what was not": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "whole",
        b"",
        True,
    ),
    "a length, and the connection's end": (
        OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nok",
        "whole",
        b"ok",
        False,
    ),
    "something behind the answer": (OK + b"Content-Length: 2\r\n\r\nok" + OK, "whole", b"ok", False),
    "nonsense behind the answer": (OK + b"Content-Length: 2\r\n\r\nok\0", "whole", b"ok", False),
    "two lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", "lost", b"", False),
    "a length and a coding": (
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "lost",
        b"",
        False,
    ),
    "a coding that cannot be undone here": (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "lost",
        b"",
        False,
    ),
    "chunks that are none": (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nzz\r\n", "lost", b"hel", False),
    "NUL in a field": (OK + b"X: \0\r\n\r\n", "lost", b"", False),
    "another protocol": (b"SSH-2.0-OpenSSH\r\n", "lost", b"", False),
    "an upgrade": (
        b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
        "upgraded",
        b"\x81\x00",
        False,
    ),
    "an upgrade to nothing": (b"HTTP/1.1 101 S\r\n\r\n", "lost", b"", False),
}


@pytest.mark.parametrize("name", STREAMS)
def test_an_answer_is_read_in_one_way(name: str) -> None:
    octets, end, body, is_kept = STREAMS[name]
    exchange, pool = told(octets)
    assert (exchange.end, exchange.body, bool(pool.kept)) == (end, body, is_kept)


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(1, 100), max_size=5))
def test_and_however_it_is_cut(name: str, sizes: list[int]) -> None:
    octets, end, body, _ = STREAMS[name]
    parts: list[bytes] = []
    for size in sizes:
        parts.append(octets[:size])
        octets = octets[size:]
    exchange, _ = told(*parts, octets)
    assert exchange.end == end
    assert end == "upgraded" or body.startswith(exchange.body)


@given(
    st.lists(st.binary(min_size=1, max_size=60) | st.sampled_from([OK, b"\r\n", b"Content-Length: 2\r\n"]), max_size=8)
)
def test_no_octets_raise_and_an_exchange_ends_once(parts: list[bytes]) -> None:
    told(*parts, is_closed=True)


def test_what_has_no_end_of_its_own_ends_with_the_connection() -> None:
    assert told(OK + b"\r\nhello")[0].end == ""
    exchange, pool = told(OK + b"\r\nhello", is_closed=True)
    assert (exchange.end, exchange.body, pool.kept) == ("whole", b"hello", [])


@pytest.mark.parametrize(
    "octets", [b"", OK, OK + b"Content-Length: 9\r\n\r\nhel", OK + b"Transfer-Encoding: chunked\r\n\r\n"]
)
def test_what_breaks_off_is_told_as_such(octets: bytes) -> None:
    assert told(octets, is_closed=True)[0].end == "lost"


@pytest.mark.parametrize(
    ("fields", "is_kept"),
    [
        (b"Content-Length: 5\r\n", True),
        (b"", True),
        (b"Transfer-Encoding: chunked\r\n", True),
        (b"Connection: close\r\n", False),
    ],
)
def test_an_answer_to_head_is_its_head(fields: bytes, is_kept: bool) -> None:
    exchange, pool = told(OK + fields + b"\r\n", method=b"HEAD")
    assert (exchange.end, bool(pool.kept)) == ("whole", is_kept)


def test_and_a_body_behind_it_is_nobody_s() -> None:
    exchange, pool = told(OK + b"Content-Length: 5\r\n\r\nhello", method=b"HEAD")
    assert (exchange.end, exchange.body, pool.kept) == ("whole", b"", [])


@pytest.mark.parametrize("octets", [b"X: " + b"y" * 60_000 + b"\r\n", b"X: y\r\n" * 10_000, b"y" * 60_000])
def test_a_head_without_end_is_given_up(octets: bytes) -> None:
    exchange, _ = told(OK + b"X: y", *([octets] * 6))
    assert exchange.end == "lost"


async def test_an_upload_that_the_origin_does_not_wait_for_leaves_no_connection_behind(tmp_path: Path) -> None:
    """Else the rest of the body would stand before the next visitor's request."""
    heads: list[bytes] = []

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await reader.readuntil(b"\r\n\r\n")).startswith((b"GET", b"POST")):
            heads.append(head.split(b"\r\n")[0])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        heads.append(head)

    async with (
        await asyncio.start_server(hasty, "127.0.0.1", 0) as server,
        gateway(tmp_path, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as port,
    ):
        heads.clear()
        async with connected(port) as raw:
            await raw.send(b"POST /x HTTP/1.1\r\nHost: site.example\r\nContent-Length: 9\r\n\r\nhel")
            answer = await raw.answer()
            assert (answer.body, answer.first("connection")) == (b"ok", "close")
            assert (await ask(port, "/y")).body == b"ok"
    assert heads == [b"POST /x HTTP/1.1", b"GET /y HTTP/1.1"]


@pytest.mark.parametrize(
    "trailer", [b"Set-Cookie: session=alice", b"Connection: close", b"Transfer-Encoding: gzip", b"X: " + b"y" * 9000]
)
async def test_the_trailers_of_one_answer_are_nothing_to_the_next_visitor(tmp_path: Path, trailer: bytes) -> None:
    with RawOrigin() as origin:
        origin.answers[b"/alice"] = saying(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + trailer + b"\r\n\r\n"
        )
        async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port:
            assert (await ask(port, "/alice")).body == b"ok"
            before = origin.connections
            answer = await ask(port, "/bob")
            assert (answer.status, answer.body, answer.all("set-cookie")) == (200, b"content of /bob\n", [])
            assert origin.connections == before


async def test_a_101_in_answer_to_head_is_no_answer_and_its_connection_is_not_kept(tmp_path: Path) -> None:
    """Else what follows it would be taken for the answer to somebody else."""

    async def odd(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.2)  # within the time for which an idle connection is kept
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    with RawOrigin() as origin:
        origin.answers[b"/odd"] = odd
        async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port:
            assert (await ask(port, "/odd", method="HEAD")).status == 502
            before = origin.connections
            assert (await ask(port, "/bob")).body == b"content of /bob\n"
            assert origin.connections == before + 1


def test_an_answer_with_more_fields_than_anybody_sends_is_none() -> None:
    assert told(OK + b"X: y\r\n" * 512 + b"Content-Length: 0\r\n\r\n")[0].end == "lost"
    assert told(OK + b"X: y\r\n" * 511 + b"Content-Length: 0\r\n\r\n")[0].end == "whole"


@pytest.mark.parametrize("octets", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
def test_what_the_loop_has_not_told_yet_makes_a_connection_doubtful(octets: bytes) -> None:
    here, there = socket.socketpair()
    with here, there:
        transport = Transport()
        transport.get_extra_info = {"socket": here}.get  # type: ignore[assignment]
        origin = Origin(Pool())  # type: ignore[arg-type]
        origin.connection_made(transport)
        assert not origin.is_doubtful
        if octets:
            there.send(octets)
        else:
            there.shutdown(socket.SHUT_WR)
        assert origin.is_doubtful


async def test_a_body_that_comes_late_behind_an_answer_to_head_costs_the_next_visitor_nothing(tmp_path: Path) -> None:
    late = [b"", b"hello"]

    async def page(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(late.pop() + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")

    with RawOrigin() as origin:
        origin.answers[b"/x"] = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        origin.answers[b"/page"] = page
        async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port:
            assert (await ask(port, "/x", method="HEAD")).status == 200
            before = origin.connections
            assert (await ask(port, "/page")).body == b"page"
            assert (origin.connections, late) == (before + 1, [])
