"""Connections to the origin: kept warm, handed on in order, renewed when they are stale, and bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from optout.adapters.gateway import pool as gateway_pool
from optout.adapters.gateway.patience import Patience
from tests.doors.raw_origin import RawOrigin, Seen
from tests.gateways import gateway, saying
from tests.served import ask, connected

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
DOCUMENTS = 2  # connections on which the gateway asked for the site's documents


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    """An origin whose answers a test may set."""
    with RawOrigin() as running:
        yield running


def upstream(origin: RawOrigin) -> str:
    """Where it is."""
    return f"http://127.0.0.1:{origin.port}"


async def test_a_connection_is_used_again(origin: RawOrigin, tmp_path: Path) -> None:
    async with gateway(tmp_path, upstream(origin)) as port:
        for _ in range(5):
            assert (await ask(port, "/x")).status == 200
    assert origin.connections == DOCUMENTS + 1


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHT",
        b"HTTP/1.1 204 No Content\r\n\r\nevil",
    ],
)
async def test_a_connection_that_is_not_in_order_is_not_used_again(
    origin: RawOrigin, tmp_path: Path, octets: bytes
) -> None:
    origin.answers[b"/x"] = saying(octets)
    async with gateway(tmp_path, upstream(origin)) as port:
        for _ in range(3):
            assert b"evil" not in (await ask(port, "/x")).body
        assert (await ask(port, "/y")).body == b"content of /y\n"
    assert origin.connections == DOCUMENTS + 4


async def test_what_an_origin_says_unasked_is_nobody_s_answer(origin: RawOrigin, tmp_path: Path) -> None:
    said = threading.Event()

    async def twice(_seen: Seen, _reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await writer.drain()
        said.set()

    origin.answers[b"/x"] = twice
    async with gateway(tmp_path, upstream(origin)) as port:
        assert (await ask(port, "/x")).body == b"ok"
        await asyncio.to_thread(said.wait)
        assert (await ask(port, "/y")).body == b"content of /y\n"


async def test_an_idle_connection_is_closed_before_the_origin_would(origin: RawOrigin, tmp_path: Path) -> None:
    ended = threading.Event()

    async def last(_seen: Seen, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()
        ended.set()

    origin.answers[b"/x"] = last
    async with gateway(tmp_path, upstream(origin), patience=Patience(idle_origin=0.1)) as port:
        assert (await ask(port, "/x")).body == b"ok"
        await asyncio.to_thread(ended.wait)


async def hang_up_when_asked_again(_seen: Seen, reader: Reader, writer: Writer) -> None:
    """One answer; the next request on the connection finds it closed."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
    await writer.drain()
    await reader.read(1)
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", "", 200),
        ("HEAD", "", 200),
        ("DELETE", "", 200),
        ("POST", "", 502),
        ("PATCH", "", 502),
        ("GET", "Content-Length: 2\r\n\r\nhi", 502),
        ("PUT", "Content-Length: 2\r\n\r\nhi", 502),
    ],
)
async def test_what_may_be_done_twice_is_tried_again_where_the_origin_closed_an_idle_connection(
    origin: RawOrigin, tmp_path: Path, method: str, fields: str, status: int
) -> None:
    origin.answers[b"/x"] = hang_up_when_asked_again
    async with gateway(tmp_path, upstream(origin)) as port, connected(port) as raw:
        for path, body in ((b"/y", b"content of /y\n"), (b"/y", b"content of /y\n"), (b"/x", b"first")):
            await raw.send(b"GET " + path + b" HTTP/1.1\r\nHost: site.example\r\n\r\n")
            assert (await raw.answer()).body == body
        end = "" if fields else "\r\n"
        await raw.send(f"{method} /x HTTP/1.1\r\nHost: site.example\r\n{fields}{end}".encode())
        assert (await raw.answer(method)).status == status
    assert origin.connections == DOCUMENTS + (2 if status == 200 else 1)


async def test_a_new_connection_that_is_closed_without_an_answer_is_no_reason_to_ask_again(
    origin: RawOrigin, tmp_path: Path
) -> None:
    origin.answers[b"/x"] = saying(b"", then_close=True)
    async with gateway(tmp_path, upstream(origin)) as port:
        assert (await ask(port, "/x")).status == 502
    assert [seen.path for seen in origin.heads] == [b"/x"]


async def test_who_comes_when_all_are_taken_waits_and_gets_the_first_that_comes_free(
    origin: RawOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_pool, "_MOST_CONNECTIONS", 1)
    go_on = threading.Event()

    async def slow(seen: Seen, _reader: Reader, writer: Writer) -> None:
        await asyncio.to_thread(go_on.wait)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + seen.path[-2:])

    origin.answers[b"/x"] = slow
    async with gateway(tmp_path, upstream(origin)) as port:
        waiting = [asyncio.create_task(ask(port, f"/x{number}0")) for number in range(5)]
        async with connected(port) as gone:
            await gone.send(b"GET /xgone HTTP/1.1\r\nHost: site.example\r\n\r\n")
            while not origin.heads:
                await asyncio.sleep(0.01)
        go_on.set()
        answers = await asyncio.gather(*waiting)
    assert [answer.body for answer in answers] == [b"00", b"10", b"20", b"30", b"40"]
    assert origin.connections <= DOCUMENTS + 2


async def test_who_waits_for_a_connection_too_long_is_told(
    origin: RawOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_pool, "_MOST_CONNECTIONS", 1)
    origin.answers[b"/x"] = saying(b"")
    async with (
        gateway(tmp_path, upstream(origin), patience=Patience(for_connection=0.2)) as port,
        connected(port) as raw,
    ):
        await raw.send(b"GET /x HTTP/1.1\r\nHost: site.example\r\n\r\n")
        while not origin.heads:
            await asyncio.sleep(0.01)
        assert (await ask(port, "/y")).status == 504
        assert (await ask(port, "/z")).status == 504
    assert [seen.path for seen in origin.heads] == [b"/x"]


POST = b"POST /x HTTP/1.1\r\nHost: site.example\r\nContent-Length: 2\r\n\r\nab"
KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_what_may_be_asked_only_once_meets_no_connection_that_the_origin_closes_without_saying_so(
    origin: RawOrigin, tmp_path: Path
) -> None:
    origin.answers[b"/x"] = saying(KEPT, then_close=True)
    async with gateway(tmp_path, upstream(origin)) as port, connected(port) as raw:
        for _ in range(30):
            await raw.send(POST)
            assert (await raw.answer()).status == 200
    assert origin.connections == DOCUMENTS + 30


async def test_and_uses_the_connections_of_an_origin_that_keeps_them(origin: RawOrigin, tmp_path: Path) -> None:
    async with gateway(tmp_path, upstream(origin)) as port, connected(port) as raw:
        for _ in range(2):
            assert (await ask(port, "/x")).status == 200
        for _ in range(5):
            await raw.send(POST)
            assert (await raw.answer()).status == 200
    assert origin.connections == DOCUMENTS + 1


async def test_an_origin_that_keeps_an_idle_connection_has_shown_that_it_does(
    origin: RawOrigin, tmp_path: Path
) -> None:
    impatient = Patience(idle_origin=0.1)
    async with gateway(tmp_path, upstream(origin), patience=impatient) as port, connected(port) as raw:
        async with asyncio.timeout(20):  # a guard against hanging
            before = -1
            while before != origin.connections:  # until the first one has been idle for long enough
                before = origin.connections
                await raw.send(POST)
                assert (await raw.answer()).status == 200
                await asyncio.sleep(0.01)
