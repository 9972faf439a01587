"""Visitors and origins that do what nobody should: whoever comes next gets his own answer, and nothing is left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.adapters.gateway import Gateway
from optout.adapters.gateway.patience import Patience
from optout.adapters.gateway.server import opened
from optout.adapters.serve_options import ServeOptions
from tests.doors.raw_origin import RawOrigin, Seen
from tests.gateways import POLICY, gateway, saying
from tests.judge import leaves
from tests.served import ask, connected

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
HASTY = Patience(idle_origin=0.2, to_part=0.2)


# Requests in a row


@dataclass(frozen=True)
class Message:
    """A request with one framing: its octets, and what an origin must get of it."""

    octets: bytes
    seen: tuple[bytes, bytes]


BODIES = st.one_of(st.binary(max_size=40), st.just(b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: site.example\r\n\r\n"))
UPGRADES = st.sampled_from([b"", b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Expect: 100-continue\r\n"])


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A request without a body, with a length, or in chunks; some ask for more than they get."""
    number = draw(st.integers(0, 999))
    head = b"PUT /%d HTTP/1.1\r\nHost: site.example\r\n%b" % (number, draw(UPGRADES))
    framing, body = draw(st.sampled_from(["none", "length", "chunks"])), draw(BODIES)
    line = b"PUT /%d HTTP/1.1" % number
    if framing == "none":
        return Message(head + b"\r\n", (line, b""))
    if framing == "length":
        return Message(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body), (line, body))
    size = draw(st.integers(1, 50))
    parts = [body[place : place + size] for place in range(0, len(body), size)]
    extension = draw(st.sampled_from([b"", b";a=b", b';a="b"']))
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    trailers = draw(st.sampled_from([b"", b"X-Trailer: y\r\n", b"Host: other.example\r\n"]))
    return Message(b"%bTransfer-Encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (head, chunks, trailers), (line, body))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(messages(), min_size=1, max_size=6), size=st.integers(1, 400))
def test_requests_in_a_row_reach_the_origin_one_by_one(
    sent: list[Message], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def run() -> int:
        place, upstream = tmp_path_factory.mktemp("row"), f"http://127.0.0.1:{origin.port}"
        async with gateway(place, upstream, evidence=None) as port, connected(port) as raw:
            octets = b"".join(message.octets for message in sent)
            for start in range(0, len(octets), size):
                raw.writer.write(octets[start : start + size])
                await asyncio.sleep(0)
            return len([await raw.answer() for _ in sent])

    with RawOrigin() as origin:
        assert asyncio.run(run()) == len(sent)
    assert [(seen.line, seen.body) for seen in origin.heads] == [message.seen for message in sent]
    assert all(len(seen.all(b"host")) == 1 and not seen.all(b"x-trailer") for seen in origin.heads)


# Answers that are none


ODD = {
    "an answer behind the answer": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nevil",
    "a coding that nobody undoes": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a length beside chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
    "a folded field": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "a CR within a field": b"HTTP/1.1 200 OK\r\nX: a\rY: b\r\nContent-Length: 2\r\n\r\nok",
    "a body of 204": b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil",
    "a body of 304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
    "a 101 that nobody asked for": b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 200 OK\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize("odd", sorted(ODD))
async def test_whoever_comes_after_an_odd_answer_gets_his_own(odd: str, tmp_path: Path) -> None:
    with RawOrigin() as origin:
        origin.answers[b"/odd"] = saying(ODD[odd])
        async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port, connected(port) as raw:
            head = "GET {} HTTP/1.1\r\nHost: site.example\r\n\r\n"
            await raw.send((head.format("/odd") + head.format("/mine")).encode())
            first, second = await raw.answer(), await raw.answer()
            third = await ask(port, "/theirs")
    assert first.status in (200, 204, 304, 502)
    assert b"evil" not in first.body
    assert (second.body, third.body) == (b"content of /mine\n", b"content of /theirs\n")


async def test_an_upload_that_was_answered_early_takes_nothing_of_the_next_request(tmp_path: Path) -> None:
    async def accept(reader: Reader, writer: Writer) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines.append(head.partition(b" HTTP")[0])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            if b"Content-Length: 100" in head:
                rest.append(await reader.read())  # the rest of a body that has been answered already

    lines: list[bytes] = []
    rest: list[bytes] = []
    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with gateway(tmp_path, upstream) as port, connected(port) as raw:
            await raw.send(b"POST /up HTTP/1.1\r\nHost: site.example\r\nContent-Length: 100\r\n\r\n" + b"x" * 10)
            assert (await raw.answer()).first("connection") == "close"
            assert (await ask(port, "/next")).status == 200
    assert lines[-2:] == [b"POST /up", b"GET /next"]
    assert set(b"".join(rest)) <= {ord("x")}


# Visitors who vanish


@asynccontextmanager
async def looked_into(place: Path, upstream: str) -> AsyncIterator[tuple[Gateway, int]]:
    """A gateway and its port."""
    (place / "policy.yaml").write_text(POLICY)
    asked = ServeOptions(
        upstream=upstream,
        state=place / "state",
        policy=place / "policy.yaml",
        evidence=place / "evidence",
        listen_port=0,
    )
    running = Gateway(asked, HASTY)
    async with opened(running, asked) as listener:
        await running.driver.published.ask("site.example", within=10)
        yield running, listener.port


async def odd_site(seen: Seen, _reader: Reader, writer: Writer) -> None:
    """Answers that take a while, that are large, and that break off."""
    if seen.path == b"/slow":
        await asyncio.sleep(0.02)
    if seen.path == b"/cut":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")
        await writer.drain()
        writer.close()
        return
    size = 1 << 21 if seen.path == b"/large" else 2
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, bytes(size)))
    await writer.drain()


def _asks(line: str, more: str = "", agent: str = GPTBOT) -> bytes:
    return f"{line} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n{more}\r\n".encode()


STAGES = (
    b"",
    b"GET / HT",
    _asks("GET /slow"),
    _asks("GET /slow") * 3,
    _asks("GET /large"),
    _asks("GET /cut"),
    _asks("GET /socket", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + b"early",
    _asks("POST /up", "Content-Length: 100\r\n") + b"x" * 50,
    _asks("POST /up", "Expect: 100-continue\r\nContent-Length: 100\r\n"),
    _asks("POST /up", "Transfer-Encoding: chunked\r\n") + b"5\r\nab",
)


async def _vanish(port: int, stage: bytes, way: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(stage)
    await asyncio.sleep((0, 0.01, 0.03)[way])
    if way == 1:
        writer.close()
    else:
        writer.transport.abort()


async def test_visitors_who_vanish_leave_nothing_open_and_one_outcome_for_each_request(tmp_path: Path) -> None:
    with RawOrigin() as origin:
        for path in (b"/slow", b"/large", b"/cut"):
            origin.answers[path] = odd_site
        async with looked_into(tmp_path, f"http://127.0.0.1:{origin.port}") as (running, port):
            files = len(list(Path("/proc/self/fd").iterdir()))
            tasks = len(asyncio.all_tasks())
            for way in (0, 1, 2):
                await asyncio.gather(*[_vanish(port, stage, way) for stage in STAGES * 6])
            async with asyncio.timeout(20):  # a guard against hanging
                while running.visitors or len(list(Path("/proc/self/fd").iterdir())) > files:
                    await asyncio.sleep(0.05)
            assert len(asyncio.all_tasks()) <= tasks
    kept = leaves(tmp_path / "evidence")
    asked = [leaf["id"] for leaf in kept if leaf["type"] == "crawl.request"]
    ended = [leaf["crawl.request.id"] for leaf in kept if leaf["type"] == "crawl.outcome"]
    assert asked
    assert sorted(map(str, asked)) == sorted(map(str, ended))
