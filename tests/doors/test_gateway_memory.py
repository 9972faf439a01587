"""A gigabyte either way, a visitor who does not read, one who is refused: the gateway's memory stays where it was."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.served import ask
from tests.serving import Serving, serving

pytestmark = pytest.mark.slow

GIGABYTE = 1 << 30
MEGABYTE = 1 << 20
ROOM = 24 * MEGABYTE  # sockets' and streams' buffers, and what Python's allocator keeps of them
BLOCK = bytes(64 * 1024)
POLICY = "version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n"


class Origin:
    """Takes bodies and throws them away; sends as much as it is asked for, and counts both."""

    def __init__(self) -> None:
        self.taken = self.given = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            wanted = re.match(rb"GET /(\d+)", head)
            left = int(length.group(1)) if length else 0
            if b"upgrade: websocket" in head.lower():
                await _echo(reader, writer)
            if b"transfer-encoding: chunked" in head.lower():
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    self.taken += size
                    await reader.readexactly(size + 2)
            while left > 0 and (data := await reader.read(len(BLOCK))):
                self.taken += len(data)
                left -= len(data)
            size = int(wanted.group(1)) if wanted else 0
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
            while size > 0:
                writer.write(BLOCK)
                await writer.drain()
                self.given += len(BLOCK)
                size -= len(BLOCK)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection and see it closed: one that still has something to send would outlive its test."""
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        pass
    except asyncio.CancelledError:
        writer.transport.abort()
        raise


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A WebSocket that says back short texts, masked by zeros, until it is left."""
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    while True:
        first, length = await reader.readexactly(2)
        text = (await reader.readexactly(4 + (length & 0x7F)))[4:]
        writer.write(bytes((first, len(text))) + text)


@asynccontextmanager
async def site(place: Path) -> AsyncIterator[tuple[Origin, Serving]]:
    """An origin and a gateway before it that has warmed up."""
    (place / "policy.yaml").write_text(POLICY)
    origin = Origin()
    async with await asyncio.start_server(origin.answer, "127.0.0.1", 0, backlog=1024) as server:
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with serving(place, "--upstream", upstream, "--policy", str(place / "policy.yaml")) as served:
            for _ in range(20):
                assert (await ask(served.port, f"/{16 * len(BLOCK)}")).status == 200
            yield origin, served


def peak(served: Serving) -> int:
    """The largest memory that the process has had so far, in octets."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found.group(1)) * 1024


async def test_a_download_of_a_gigabyte(tmp_path: Path) -> None:
    async with site(tmp_path) as (_, served):
        before = peak(served)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(f"GET /{GIGABYTE} HTTP/1.1\r\nHost: site.example\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        got = 0
        while got < GIGABYTE:
            got += len(await reader.read(len(BLOCK)))
        writer.close()
        assert peak(served) - before < ROOM


async def test_an_upload_of_a_gigabyte(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, served):
        before, origin.taken = peak(served), 0
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(f"POST /x HTTP/1.1\r\nHost: site.example\r\nContent-Length: {GIGABYTE}\r\n\r\n".encode())
        for _ in range(GIGABYTE // len(BLOCK)):
            writer.write(BLOCK)
            await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert origin.taken == GIGABYTE
        assert peak(served) - before < ROOM


async def test_a_gigabyte_each_way_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, served):
        before, origin.taken = peak(served), 0
        up, down = await asyncio.gather(_upload(served.port), _download(served.port))
        assert (up, down) == (b"HTTP/1.1 200 ", GIGABYTE)
        assert origin.taken == GIGABYTE
        assert peak(served) - before < ROOM


async def _upload(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /0 HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(GIGABYTE // len(BLOCK)):
        writer.write(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    status = await reader.readexactly(13)
    writer.close()
    return status


async def _download(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /{GIGABYTE} HTTP/1.1\r\nHost: site.example\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    got = 0
    while got < GIGABYTE:
        got += len(await reader.read(len(BLOCK)))
    writer.close()
    return got


async def test_five_hundred_websockets_that_say_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as (_, served):
        before = peak(served)
        open_ones = await asyncio.gather(*(_websocket(served.port) for _ in range(500)))
        for reader, writer in open_ones:
            writer.write(b"\x81\x82\x00\x00\x00\x00hi")
            assert await reader.readexactly(4) == b"\x81\x02hi"
        assert (await ask(served.port, "/1")).status == 200
        assert peak(served) - before < ROOM
        for _, writer in open_ones:
            writer.close()
            await writer.wait_closed()


async def _websocket(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /socket HTTP/1.1\r\nHost: site.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


async def test_two_thousand_visitors_who_are_slow_in_every_way(tmp_path: Path) -> None:
    """A third sends a head, a third a body, and a third takes an answer, all octet by octet."""
    head, body = b"GET /1 HTTP/1.1\r\nHost: site.example\r\n", b"POST /0 HTTP/1.1\r\nHost: site.example\r\n"
    starts = (head, body + b"Content-Length: 1000000\r\n\r\n", b"GET /10000000 HTTP/1.1\r\nHost: site.example\r\n\r\n")
    async with site(tmp_path) as (_, served):
        before = peak(served)
        slow = [await asyncio.open_connection("127.0.0.1", served.port, limit=1024) for _ in range(2000)]
        for number, (_, writer) in enumerate(slow):
            writer.write(starts[number % 3])
        for _ in range(5):
            for number, (reader, writer) in enumerate(slow):
                if number % 3 == 2:
                    await reader.read(1)
                else:
                    writer.write(b"X")
            assert (await ask(served.port, "/1000")).status == 200
        assert peak(served) - before < 2000 * 64 * 1024  # a buffer for who takes an answer slowly, little for others
        for _, writer in slow:
            writer.transport.abort()
        assert (await ask(served.port, "/1000")).status == 200


async def test_a_visitor_who_does_not_read_holds_the_origin_back(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, served):
        before, origin.given = peak(served), 0
        _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(f"GET /{GIGABYTE} HTTP/1.1\r\nHost: site.example\r\n\r\n".encode())
        given = -1
        while given != origin.given or not given:  # until the origin is stopped by what nobody takes
            given = origin.given
            await asyncio.sleep(0.5)
        assert given < 64 * MEGABYTE  # mostly in the kernel's socket buffers
        assert peak(served) - before < ROOM
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_a_refused_upload_of_300_megabytes(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, served):
        before, origin.taken = peak(served), 0
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = "POST /x HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n"
        writer.write(f"{head}Content-Length: {300 * MEGABYTE}\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 403 ")
        try:
            for _ in range(300 * MEGABYTE // len(BLOCK)):
                writer.write(BLOCK)
                await writer.drain()
        except ConnectionError:
            pass  # it need not take all of it
        writer.close()
        assert origin.taken == 0
        assert peak(served) - before < ROOM


async def test_ten_thousand_visitors_leave_nothing_behind(tmp_path: Path) -> None:
    async with site(tmp_path) as (_, served):
        await _visitors(served.port, 2_000)
        before = peak(served)
        await _visitors(served.port, 10_000)
        assert peak(served) - before < ROOM


async def _visitors(port: int, count: int) -> None:
    for start in range(0, count, 50):
        await asyncio.gather(
            *(
                ask(port, f"/{1 + number % 7}", "GPTBot/1.4" if number % 10 == 0 else "Chrome")
                for number in range(start, start + 50)
            )
        )
