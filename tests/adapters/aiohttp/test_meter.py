"""What is recorded as sent is what was sent, however aiohttp sends it and however the exchange ends."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSCloseCode, web

from optout.adapters.aiohttp import setup
from tests.judge import leaves
from tests.served import ask, connected, served

PICTURE = bytes(range(256)) * 4096  # a megabyte, which sendfile(2) would carry
WORDS = b"all the words of the site " * 4000


async def page(request: web.Request) -> web.StreamResponse:
    """One page for each way in which aiohttp sends a response."""
    match request.path:
        case "/plain":
            return web.Response(body=WORDS)
        case "/no-content":
            return web.Response(status=204)
        case "/not-modified":
            return web.Response(status=304)
        case "/raised":
            raise web.HTTPNotFound(text="nothing here")
        case "/fault":
            raise RuntimeError("a fault of the site's")
        case "/chunked":
            return await _stream(request, web.StreamResponse())
        case "/length":
            return await _stream(request, web.StreamResponse(headers={"Content-Length": str(3 * len(WORDS))}))
        case "/compressed-stream":
            response = web.StreamResponse()
            response.enable_compression(web.ContentCoding.gzip)
            return await _stream(request, response)
        case "/compressed-page":
            compressed = web.Response(body=WORDS)
            compressed.enable_compression(web.ContentCoding.gzip)
            return compressed
        case "/iterated":
            return web.Response(body=_parts())
        case "/endless":
            return await _endless(request)
        case "/socket":
            return await _socket(request)
        case _:
            return web.FileResponse(request.app[_FILE])


_FILE = web.AppKey("_FILE", Path)


async def _parts() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield WORDS


async def _stream(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    await response.prepare(request)
    for _ in range(3):
        await response.write(WORDS)
    return response


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(WORDS)


async def _socket(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


@asynccontextmanager
async def site(place: Path, policy: str = "observe") -> AsyncIterator[int]:
    """The site behind a door that observes; when it ends, every outcome has been recorded."""
    app = web.Application()
    app[_FILE] = place / "picture.bin"
    app[_FILE].write_bytes(PICTURE)
    app.router.add_get("/{path:.*}", page)
    setup(app, policy=policy, evidence=place / "evidence", state=place / "state", documents=lambda *_: None)
    async with served(app) as port:
        yield port


def endings(place: Path) -> list[tuple[object, object, object]]:
    """Status, octets and whether it broke off, of each exchange in the log."""
    return [
        (leaf.get("http.response.status_code"), leaf["http.response.body.size"], leaf["outcome.aborted"])
        for leaf in leaves(place / "evidence")
        if leaf["type"] == "crawl.outcome"
    ]


@pytest.mark.parametrize(
    ("path", "method", "more", "expected"),
    [
        ("/plain", "GET", "", (200, len(WORDS))),
        ("/plain", "HEAD", "", (200, 0)),
        ("/no-content", "GET", "", (204, 0)),
        ("/not-modified", "GET", "", (304, 0)),
        ("/raised", "GET", "", (404, len("nothing here"))),
        ("/chunked", "GET", "", (200, 3 * len(WORDS))),
        ("/length", "GET", "", (200, 3 * len(WORDS))),
        ("/iterated", "GET", "", (200, 3 * len(WORDS))),
        ("/file", "GET", "", (200, len(PICTURE))),
        ("/file", "HEAD", "", (200, 0)),
        ("/file", "GET", "Range: bytes=10-109\r\n", (206, 100)),
        ("/file", "GET", "Range: bytes=99999999-\r\n", (416, None)),
        ("/file", "GET", "If-None-Match: *\r\n", (304, 0)),
    ],
)
async def test_content_is_counted_as_it_was_sent(
    tmp_path: Path, path: str, method: str, more: str, expected: tuple[int, int | None]
) -> None:
    async with site(tmp_path) as port:
        answer = await ask(port, path, "GPTBot/1.4", method=method, more=more)
    status, size = expected
    assert (answer.status, len(answer.body)) == (status, len(answer.body) if size is None else size)
    assert endings(tmp_path) == [(status, len(answer.body), False)]


async def test_a_page_that_the_application_compresses_counts_as_what_came(tmp_path: Path) -> None:
    async with site(tmp_path) as port:
        answer = await ask(port, "/compressed-page", "GPTBot/1.4", more="Accept-Encoding: gzip\r\n")
    assert zlib.decompress(answer.body, wbits=31) == WORDS
    assert endings(tmp_path) == [(200, len(answer.body), False)]


async def test_a_stream_that_aiohttp_compresses_counts_with_its_chunk_sizes(tmp_path: Path) -> None:
    async with site(tmp_path) as port:
        answer = await ask(port, "/compressed-stream", "GPTBot/1.4", more="Accept-Encoding: gzip\r\n")
    assert zlib.decompress(answer.body, wbits=31) == 3 * WORDS
    ((status, size, aborted),) = endings(tmp_path)
    assert (status, aborted) == (200, False)
    assert isinstance(size, int)
    assert len(answer.body) < size <= len(answer.body) + 5 * 12  # at most 12 octets around each chunk


async def test_a_file_is_the_same_for_a_crawler_that_is_counted_and_for_a_person(tmp_path: Path) -> None:
    async with site(tmp_path) as port:
        crawler, person = await ask(port, "/file", "GPTBot/1.4"), await ask(port, "/file")
    assert crawler.body == person.body == PICTURE

    def fields(head: bytes) -> list[bytes]:
        return [line for line in head.split(b"\r\n") if not line.startswith(b"Date:")]

    assert fields(crawler.head) == fields(person.head)


async def test_a_refusal_is_told_by_its_request_alone(tmp_path: Path) -> None:
    async with site(tmp_path, "no-training") as port:
        answer = await ask(port, "/plain", "GPTBot/1.4")
    assert answer.status == 403
    assert endings(tmp_path) == []
    assert [
        leaf["http.response.status_code"] for leaf in leaves(tmp_path / "evidence") if "user_agent.original" in leaf
    ] == [403]


async def test_a_fault_of_the_site_is_the_500_that_was_sent(tmp_path: Path) -> None:
    async with site(tmp_path) as port:
        answer = await ask(port, "/fault", "GPTBot/1.4")
    assert endings(tmp_path) == [(500, len(answer.body), False)]


@pytest.mark.parametrize("path", ["/endless", "/file"])
async def test_a_client_that_hangs_up_leaves_what_it_could_have_got(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as port:
        async with connected(port) as raw:
            await raw.send(f"GET {path} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n".encode())
            got = await raw.reader.readexactly(1000)
            raw.writer.transport.abort()
        while not endings(tmp_path):
            await asyncio.sleep(0.01)
    ((status, size, aborted),) = endings(tmp_path)
    assert isinstance(size, int)
    if path == "/endless":
        assert aborted
    assert status == 200
    assert size >= len(got.partition(b"\r\n\r\n")[2])


async def test_a_client_that_is_gone_before_the_answer_gets_no_status(tmp_path: Path) -> None:
    app = web.Application()
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await go_on.wait()
        return web.Response(body=WORDS)

    app.router.add_get("/", slow)
    setup(app, policy="observe", evidence=tmp_path / "evidence", state=tmp_path / "state", documents=lambda *_: None)
    async with served(app) as port:
        async with connected(port) as raw:
            await raw.send(b"GET / HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
            await entered.wait()
            raw.writer.transport.abort()
        async with connected(port) as raw:  # by the time that this one is refused, the other's end has been noticed
            await raw.send(b"bad\r\n\r\n")
            await raw.rest()
        go_on.set()
    assert endings(tmp_path) == [(None, 0, True)]


async def test_a_client_that_hangs_up_during_the_decision_leaves_both_records(tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_get("/", page)
    asked, answered = asyncio.Event(), asyncio.Event()

    async def documents(_authority: str, _path: str) -> bytes | None:
        asked.set()
        await answered.wait()
        return None

    setup(app, policy="observe", evidence=tmp_path / "evidence", state=tmp_path / "state", documents=documents)
    async with served(app, handler_cancellation=True) as port:
        async with connected(port) as raw:
            await raw.send(b"GET / HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
            await asked.wait()
            raw.writer.transport.abort()
        async with connected(port) as raw:
            await raw.send(b"bad\r\n\r\n")
            await raw.rest()
        answered.set()
        while not endings(tmp_path):
            await asyncio.sleep(0.01)
    assert endings(tmp_path) == [(None, 0, True)]


async def test_a_websocket_is_a_101_without_content(tmp_path: Path) -> None:
    async with (
        site(tmp_path) as port,
        ClientSession(headers={"User-Agent": "GPTBot/1.4"}) as client,
        client.ws_connect(f"http://127.0.0.1:{port}/socket") as socket,
    ):
        await socket.send_str("hello")
        assert (await socket.receive_str()) == "hello"
        await socket.close(code=WSCloseCode.OK)
    assert endings(tmp_path) == [(101, 0, False)]


async def test_what_is_open_when_the_application_ends_is_recorded_as_broken_off(tmp_path: Path) -> None:
    async with site(tmp_path) as port, connected(port) as raw:
        await raw.send(b"GET /endless HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
        await raw.reader.readexactly(1000)
    ((status, _, aborted),) = endings(tmp_path)
    assert (status, aborted) == (200, True)


async def test_a_person_is_not_counted(tmp_path: Path) -> None:
    async with site(tmp_path) as port:
        for path in ("/plain", "/file", "/chunked"):
            await ask(port, path)
    assert endings(tmp_path) == []
