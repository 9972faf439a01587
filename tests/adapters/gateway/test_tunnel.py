"""WebSockets come through whole: subprotocols, frames of any size, close codes, and what is no WebSocket does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSMsgType, web

from tests.doors.raw_origin import RawOrigin, Seen
from tests.gateways import gateway
from tests.judge import leaves
from tests.served import connected, served

HANDSHAKE = (
    b"Host: site.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Origin:
    """An application with a WebSocket that says back what it hears, and what it saw."""

    def __init__(self) -> None:
        self.closed: asyncio.Queue[int | None] = asyncio.Queue()
        self.requests: list[str] = []
        self.app = web.Application()
        self.app.router.add_get("/socket", self._socket)
        self.app.router.add_route("*", "/{path:.*}", self._page)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        socket = web.WebSocketResponse(protocols=("chat",), max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data.startswith("close "):
                await socket.close(code=int(message.data[6:]), message=b"as asked")
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(f"heard {message.data}")
            else:
                await socket.send_bytes(message.data)
        self.closed.put_nowait(socket.close_code)
        return socket

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        return web.Response(text=f"{request.method} {request.headers.get('Upgrade')}")


@asynccontextmanager
async def site(place: Path) -> AsyncIterator[tuple[Origin, int]]:
    """The origin, and the port of a gateway before it."""
    origin = Origin()
    async with served(origin.app) as upstream, gateway(place, f"http://127.0.0.1:{upstream}") as port:
        origin.requests.clear()
        yield origin, port


async def test_messages_subprotocols_and_close_codes_come_through(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, port), ClientSession() as client:
        url = f"http://127.0.0.1:{port}/socket"
        async with client.ws_connect(url, protocols=("other", "chat")) as socket:
            assert socket.protocol == "chat"
            await socket.send_str("hello")
            assert await socket.receive_str() == "heard hello"
            await socket.ping(b"x")
            await socket.send_str("close 4001")
            message = await socket.receive()
            assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4001, "as asked")
        assert await origin.closed.get() is not None
        async with client.ws_connect(url) as socket:
            await socket.close(code=4002)
        assert await origin.closed.get() == 4002


async def test_a_message_may_be_as_large_as_the_origin_allows(tmp_path: Path) -> None:
    large = bytes(range(256)) * 80_000  # 20 MB in one frame each way
    async with (
        site(tmp_path) as (_, port),
        ClientSession() as client,
        client.ws_connect(f"http://127.0.0.1:{port}/socket", max_msg_size=0) as socket,
    ):
        await socket.send_bytes(large)
        assert await socket.receive_bytes() == large


async def test_compression_is_agreed_between_the_ends(tmp_path: Path) -> None:
    async with (
        site(tmp_path) as (_, port),
        ClientSession() as client,
        client.ws_connect(f"http://127.0.0.1:{port}/socket", compress=15) as socket,
    ):
        assert socket.compress == 15
        await socket.send_str("words " * 1000)
        assert await socket.receive_str() == "heard " + "words " * 1000


async def test_a_visitor_who_hangs_up_is_gone_for_the_origin_too(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, port), connected(port) as raw:
        await raw.send(b"GET /socket HTTP/1.1\r\n" + HANDSHAKE + b"\r\n")
        assert (await raw.answer()).status == 101
        raw.writer.transport.abort()
        assert await origin.closed.get() == 1006


async def test_what_was_said_just_before_hanging_up_arrives(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, port), connected(port) as raw:
        await raw.send(b"GET /socket HTTP/1.1\r\n" + HANDSHAKE + b"\r\n")
        assert (await raw.answer()).status == 101
        raw.writer.write(b"\x88\x82\x00\x00\x00\x00\x0f\xa3")  # a close frame with 4003, masked by zeros
        raw.writer.close()
        assert await origin.closed.get() == 4003


async def test_octets_that_came_with_the_handshake_are_not_lost(tmp_path: Path) -> None:
    async with site(tmp_path) as (_, port), connected(port) as raw:
        await raw.send(b"GET /socket HTTP/1.1\r\n" + HANDSHAKE + b"\r\n" + b"\x81\x82\x00\x00\x00\x00hi")
        assert (await raw.answer()).status == 101
        assert await raw.reader.readexactly(10) == b"\x81\x08heard hi"


async def test_the_origin_s_no_is_passed_on_and_the_connection_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as (origin, port), connected(port) as raw:
        await raw.send(b"GET /page HTTP/1.1\r\n" + HANDSHAKE + b"\r\n")
        assert (await raw.answer()).body == b"GET websocket"
        await raw.send(b"GET /next HTTP/1.1\r\nHost: site.example\r\n\r\n")
        assert (await raw.answer()).body == b"GET None"
    assert origin.requests == ["GET /page", "GET /next"]


@pytest.mark.parametrize(
    ("octets", "body"),
    [
        (
            b"GET /page HTTP/1.1\r\nHost: site.example\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            b"GET None",
        ),
        (b"POST /page HTTP/1.1\r\n" + HANDSHAKE + b"Content-Length: 2\r\n\r\nhi", b"POST None"),
        (b"GET /page HTTP/1.1\r\n" + HANDSHAKE + b"Content-Length: 2\r\n\r\nhi", b"GET None"),
        (b"GET /page HTTP/1.1\r\n" + HANDSHAKE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"GET None"),
        (b"GET /page HTTP/1.1\r\nHost: site.example\r\nUpgrade: websocket\r\n\r\n", b"GET None"),
    ],
)
async def test_what_is_no_websocket_is_an_ordinary_request(tmp_path: Path, octets: bytes, body: bytes) -> None:
    async with site(tmp_path) as (origin, port), connected(port) as raw:
        await raw.send(octets)
        assert (await raw.answer()).body == body
    assert len(origin.requests) == 1


async def test_a_refused_crawler_gets_no_websocket(tmp_path: Path) -> None:
    policy = "version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n"
    origin = Origin()
    async with served(origin.app) as upstream, gateway(tmp_path, f"http://127.0.0.1:{upstream}", policy) as port:
        origin.requests.clear()
        async with connected(port) as raw:
            await raw.send(b"GET /socket HTTP/1.1\r\nUser-Agent: GPTBot/1.4\r\n" + HANDSHAKE + b"\r\n")
            assert (await raw.answer()).status == 403
    assert origin.requests == []


async def test_a_crawler_s_websocket_is_recorded_with_the_octets_that_it_was_sent(tmp_path: Path) -> None:
    async with (
        site(tmp_path) as (_, port),
        ClientSession(headers={"User-Agent": "GPTBot/1.4"}) as client,
        client.ws_connect(f"http://127.0.0.1:{port}/socket") as socket,
    ):
        await socket.send_str("hello")
        assert await socket.receive_str() == "heard hello"
        await socket.send_str("close 1000")
        await socket.receive()
    (ended,) = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.outcome"]
    assert ended["http.response.status_code"] == 101
    assert ended["http.response.body.size"] == len(b"\x81\x0bheard hello") + len(b"\x88\x0a\x03\xe8as asked")


async def test_what_comes_behind_the_handshake_goes_on_where_the_visitor_says_close_as_well(tmp_path: Path) -> None:
    async def echo(_seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        writer.write(await reader.readexactly(5))
        await writer.drain()

    with RawOrigin() as origin:
        origin.answers[b"/socket"] = echo
        async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port, connected(port) as raw:
            close = HANDSHAKE.replace(b"keep-alive, Upgrade", b"Upgrade, close")
            await raw.send(b"GET /socket HTTP/1.1\r\n" + close + b"\r\nearly")
            assert (await raw.answer()).status == 101
            assert await raw.reader.readexactly(5) == b"early"
