"""One request and its answer: who waits for whom, and what happens when somebody does not come."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from optout.adapters.gateway import Gateway
from optout.adapters.gateway.patience import Patience
from optout.adapters.gateway.server import opened
from optout.adapters.serve_options import ServeOptions
from optout.evidence.receipt import Told
from tests.doors.raw_origin import RawOrigin, Seen
from tests.gateways import POLICY, gateway, saying
from tests.judge import leaves
from tests.served import ask, connected

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
HOST = b"Host: site.example\r\n"


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    """An origin whose answers a test may set."""
    with RawOrigin() as running:
        yield running


def upstream(origin: RawOrigin) -> str:
    """Where it is."""
    return f"http://127.0.0.1:{origin.port}"


@asynccontextmanager
async def answering(answer: Callable[[Reader, Writer], Awaitable[None]]) -> AsyncIterator[str]:
    """An origin with this to say on each connection; it knows no documents."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await answer(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, limit=1024) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def test_an_answer_may_begin_while_the_request_goes_on(tmp_path: Path) -> None:
    async def echo(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"POST" not in head:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while size := int(await reader.readuntil(b"\r\n"), 16):
            part = await reader.readexactly(size + 2)
            writer.write(b"%x\r\n" % size + part)
        writer.write(b"0\r\n\r\n")

    async with (
        answering(echo) as site,
        gateway(tmp_path, site) as port,
        connected(port) as raw,
    ):
        await raw.send(b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        assert b"200 OK" in await raw.reader.readuntil(b"\r\n\r\n")
        for part in (b"5\r\nhello\r\n", b"3\r\nyou\r\n", b"0\r\n\r\n"):
            await raw.send(part)
            assert await raw.reader.readexactly(len(part)) == part
        assert await raw.rest() == b""


async def test_the_gateway_s_own_answers_declare_as_well(tmp_path: Path, origin: RawOrigin) -> None:
    origin.answers[b"/x"] = saying(b"nonsense\r\n\r\n")
    async with gateway(tmp_path, upstream(origin)) as port:
        answer = await ask(port, "/x")
        assert (answer.status, answer.first("tdm-reservation")) == (502, "1")
        assert (await ask(port, "/x", method="POST", more="Content-Length: 0\r\n")).first("tdm-reservation") is None


async def test_after_a_502_the_connection_goes_on(tmp_path: Path, origin: RawOrigin) -> None:
    origin.answers[b"/x"] = saying(b"nonsense\r\n\r\n")
    async with gateway(tmp_path, upstream(origin)) as port, connected(port) as raw:
        await raw.send(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\nGET /y HTTP/1.1\r\n" + HOST + b"\r\n")
        assert [(await raw.answer()).status for _ in range(2)] == [502, 200]


async def test_a_body_that_falls_silent_breaks_off_and_an_event_stream_does_not(
    tmp_path: Path, origin: RawOrigin
) -> None:
    go_on = threading.Event()

    async def silent(seen: Seen, _reader: Reader, writer: Writer) -> None:
        kind = b"text/event-stream" if seen.path == b"/events" else b"text/plain"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Type: " + kind + b"\r\n\r\nhalf")
        await writer.drain()
        await asyncio.to_thread(go_on.wait)
        writer.write(b"half")

    origin.answers[b"/events"] = origin.answers[b"/page"] = silent
    async with (
        gateway(tmp_path, upstream(origin), patience=Patience(for_origin=0.1)) as port,
        connected(port) as events,
        connected(port) as page,
    ):
        await events.send(b"GET /events HTTP/1.1\r\n" + HOST + b"\r\n")
        await page.send(b"GET /page HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await page.rest()).endswith(b"\r\n\r\nhalf")
        go_on.set()
        assert (await events.answer()).body == b"halfhalf"


async def test_an_origin_that_takes_nothing_of_an_upload_is_silent_and_no_visitor_is_to_blame(tmp_path: Path) -> None:
    async def deaf(reader: Reader, _writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.Event().wait()

    patience = Patience(for_origin=1.0, for_body=0.5)
    async with (
        answering(deaf) as site,
        gateway(tmp_path, site, patience=patience) as port,
        connected(port) as raw,
    ):
        raw.writer.write(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 60000000\r\n\r\n" + bytes(50_000_000))
        assert (await raw.answer()).status == 504


class _HangingLog:
    """A log whose disk never answers."""

    def record(self, *_args: object, told: Told, **_named: object) -> None:
        pass

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def snapshot(self, *_args: object, **_named: object) -> str:
        return ""

    def close(self) -> None:
        pass


async def test_people_are_served_while_the_disk_of_the_log_hangs(tmp_path: Path, origin: RawOrigin) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    options = ServeOptions(
        upstream=upstream(origin), state=tmp_path / "state", listen_port=0, policy=tmp_path / "policy.yaml"
    )
    running = Gateway(options)
    async with opened(running, options) as listener:
        await running.driver.published.ask("site.example", within=10)
        running.driver.log = _HangingLog()  # type: ignore[assignment]
        async with connected(listener.port) as crawler:
            await crawler.send(b"GET /page HTTP/1.1\r\n" + HOST + b"User-Agent: GPTBot/1.4\r\n\r\n")
            for _ in range(10):
                assert (await ask(listener.port, "/page")).status == 200
            assert (await crawler.answer()).status == 503  # training content fails closed
        running.driver.log = None
    assert [seen.path for seen in origin.heads] == [b"/page"] * 10


async def test_a_crawler_that_is_let_in_is_on_record_before_and_after(tmp_path: Path, origin: RawOrigin) -> None:
    async with gateway(tmp_path, upstream(origin)) as port:
        assert (await ask(port, "/page", "GPTBot/1.4")).status == 200
        assert (await ask(port, "/page", "GPTBot/1.4", method="HEAD")).status == 200
    records = [leaf for leaf in leaves(tmp_path / "evidence") if str(leaf["type"]).startswith("crawl.")]
    assert [leaf["type"] for leaf in records] == ["crawl.request", "crawl.outcome"] * 2
    assert [leaf.get("http.response.body.size") for leaf in records] == [None, len("content of /page\n"), None, 0]
    assert records[1]["crawl.request.id"] == records[0]["id"]


async def test_an_upload_is_read_no_faster_than_the_origin_takes_it(tmp_path: Path) -> None:
    taken, go_on = 0, asyncio.Event()

    async def slow(reader: Reader, writer: Writer) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        while taken < 60_000_000 and (data := await reader.read(65_536)):
            taken += len(data)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with (
        answering(slow) as site,
        gateway(tmp_path, site) as port,
        connected(port) as raw,
    ):
        raw.writer.write(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 60000000\r\n\r\n" + bytes(60_000_000))
        left, before = raw.writer.transport.get_write_buffer_size(), -1
        while left != before:  # until the gateway is stopped by what nobody takes
            await asyncio.sleep(0.2)
            left, before = raw.writer.transport.get_write_buffer_size(), left
        assert left > 20_000_000  # it waits at the visitor's, not in the gateway
        go_on.set()
        assert (await raw.answer()).status == 200
    assert taken == 60_000_000


async def test_nobody_waits_for_ever_where_an_answer_began_before_its_request_was_whole(tmp_path: Path) -> None:
    async def early(reader: Reader, writer: Writer) -> None:
        if (await reader.readuntil(b"\r\n\r\n")).startswith(b"POST"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    hasty = Patience(for_body=0.2, for_origin=0.2)
    async with answering(early) as site, gateway(tmp_path, site, patience=hasty) as port, connected(port) as raw:
        await raw.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n" + bytes(50))
        assert (await raw.rest()).endswith(b"\r\n\r\nabc")  # `connected` guards against hanging
