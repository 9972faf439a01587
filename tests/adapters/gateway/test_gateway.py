"""The gateway carries what it is given: heads, bodies, ends of both, and says so when the origin cannot answer."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.gateway.patience import Patience
from optout.adapters.gateway.visitor import Visitor
from optout.adapters.intake import now_us
from optout.adapters.list_files import list_directory, write_list
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from tests.crawlers.book import OFF, ON
from tests.doors.raw_origin import RawOrigin
from tests.gateways import gateway, saying
from tests.judge import leaves
from tests.served import ask, connected

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    """An origin whose answers a test may set."""
    with RawOrigin() as running:
        yield running


@pytest.fixture
async def port(origin: RawOrigin, tmp_path: Path) -> AsyncIterator[int]:
    """A gateway before it."""
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port:
        yield port


# Requests


async def test_a_request_reaches_the_origin_as_it_came(origin: RawOrigin, port: int) -> None:
    head = (
        b"GET /a/../b;c?x=%zz&&y=|<> HTTP/1.1\r\nhOST: Site.Example:8080\r\nCOOKIE: a=1\r\nUser-Agent: Chrome\r\n"
        b"X-Odd:  two  words \r\ncookie: b=2\r\naccept-encoding: br, zstd\r\nX-Utf8: \xc3\xa9\r\n\r\n"
    )
    async with connected(port) as raw:
        await raw.send(head)
        await raw.answer()
    (seen,) = origin.heads
    assert seen.line == b"GET /a/../b;c?x=%zz&&y=|<> HTTP/1.1"
    written = {b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-for", b"x-real-ip", b"optout-loop"}
    assert [(name, value) for name, value in seen.fields if name.lower() not in written] == [
        (b"hOST", b"Site.Example:8080"),
        (b"COOKIE", b"a=1"),
        (b"User-Agent", b"Chrome"),
        (b"X-Odd", b"two  words"),
        (b"cookie", b"b=2"),
        (b"accept-encoding", b"br, zstd"),
        (b"X-Utf8", b"\xc3\xa9"),
    ]
    assert seen.all(b"x-forwarded-for") == seen.all(b"x-real-ip") == [b"127.0.0.1"]
    assert seen.all(b"x-forwarded-host") == [b"Site.Example:8080"]
    assert seen.all(b"x-forwarded-proto") == [b"http"]


@pytest.mark.parametrize(
    "target", ["/?", "//a//b", "/%2e%2E/x", "/a%00b", "/a\\b", "/a?b?c=/../", "/:80/@x", "/~'()*!"]
)
async def test_a_target_is_not_normalized(origin: RawOrigin, port: int, target: str) -> None:
    await ask(port, target)
    assert origin.heads[0].path == target.encode()


async def test_an_absolute_form_goes_on_as_origin_form(origin: RawOrigin, port: int) -> None:
    await ask(port, "http://site.example/a?b")
    assert origin.heads[0].line == b"GET /a?b HTTP/1.1"


async def test_forged_fields_do_not_reach_the_origin(origin: RawOrigin, port: int) -> None:
    forged = "X-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Original-URL: /admin\r\n"
    await ask(port, "/", more=forged)
    assert b"6.6.6.6" not in b"".join(value for _, value in origin.heads[0].fields)
    assert origin.heads[0].all(b"x-original-url") == []


async def test_a_trusted_proxy_s_fields_are_continued(origin: RawOrigin, tmp_path: Path) -> None:
    trusted = load_trusted_proxies(["127.0.0.1"])
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}", trusted=trusted) as port:
        more = "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.site.example\r\n"
        await ask(port, "/", "GPTBot/1.4", more=more)
    (seen,) = origin.heads
    assert seen.all(b"x-forwarded-for") == [b"8.8.8.8, 127.0.0.1"]
    assert seen.all(b"x-forwarded-proto") == [b"https"]
    assert seen.all(b"x-forwarded-host") == [b"www.site.example"]
    assert seen.all(b"x-real-ip") == [b"8.8.8.8"]
    (record,) = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert record["url.scheme"] == "https"


@pytest.mark.parametrize(
    ("head", "body", "framing"),
    [
        ("Content-Length: 5\r\n", b"hello", (b"content-length", b"5")),
        (
            "Transfer-Encoding: chunked\r\n",
            b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-T: 1\r\n\r\n",
            (b"transfer-encoding", b"chunked"),
        ),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
async def test_a_body_arrives_in_the_framing_it_came_in(
    origin: RawOrigin, port: int, method: str, head: str, body: bytes, framing: tuple[bytes, bytes]
) -> None:
    async with connected(port) as raw:
        await raw.send(f"{method} /x HTTP/1.1\r\nHost: site.example\r\n{head}\r\n".encode() + body)
        assert (await raw.answer()).status == 200
    (seen,) = origin.heads
    assert seen.body == b"hello"
    assert seen.all(framing[0]) == [framing[1]]
    assert (seen.all(b"x-t"), seen.all(b"content-type")) == ([], [])


async def test_a_body_is_not_unpacked_on_the_way(origin: RawOrigin, port: int) -> None:
    packed = gzip.compress(b"words " * 100)
    async with connected(port) as raw:
        head = (
            f"POST /x HTTP/1.1\r\nHost: site.example\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        )
        await raw.send(head.encode() + packed)
        assert (await raw.answer()).status == 200
    assert origin.heads[0].body == packed
    assert origin.heads[0].all(b"content-encoding") == [b"gzip"]


async def test_an_empty_post_stays_empty(origin: RawOrigin, port: int) -> None:
    assert (await ask(port, "/x", method="POST", more="Content-Length: 0\r\n")).status == 200
    assert (origin.heads[0].body, origin.heads[0].all(b"content-length")) == (b"", [b"0"])


async def test_expect_is_answered_here_and_only_to_who_is_let_in(origin: RawOrigin, port: int) -> None:
    head = (
        "POST {} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    )
    async with connected(port) as raw:
        await raw.send(head.format("/x", "Chrome").encode())
        assert (await raw.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await raw.send(b"hello")
        assert (await raw.answer()).status == 200
    assert origin.heads[0].body == b"hello"
    assert origin.heads[0].all(b"expect") == []
    async with connected(port) as raw:
        await raw.send(head.format("/drafts/x", "GPTBot/1.4").encode())
        assert (await raw.answer()).status == 403
        assert raw.interim == []
    assert len(origin.heads) == 1


async def test_a_body_that_breaks_its_framing_at_once_goes_nowhere(origin: RawOrigin, port: int) -> None:
    async with connected(port) as raw:
        await raw.send(
            b"POST /x HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nzz\r\n"
        )
        assert (await raw.answer()).status == 400
        await raw.rest()
    assert origin.heads == []


async def test_a_body_that_breaks_its_framing_under_way_ends_both_connections(origin: RawOrigin, port: int) -> None:
    async with connected(port) as raw:
        await raw.send(b"POST /x HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n")
        while not origin.heads:
            await asyncio.sleep(0.01)
        await raw.send(b"zz\r\nGET /smuggled HTTP/1.1\r\nHost: site.example\r\n\r\n")
        assert (await raw.answer()).status == 400
        assert await raw.rest() == b""
    assert [seen.path for seen in origin.heads] == [b"/x"]


async def test_a_body_that_stops_coming_is_408(origin: RawOrigin, tmp_path: Path) -> None:
    upstream, patience = f"http://127.0.0.1:{origin.port}", Patience(for_body=0.05)
    async with gateway(tmp_path, upstream, patience=patience) as port, connected(port) as raw:
        await raw.send(b"POST /x HTTP/1.1\r\nHost: site.example\r\nContent-Length: 5\r\n\r\nhel")
        assert (await raw.answer()).status == 408


async def test_an_answer_that_comes_before_the_body_is_whole_is_passed_on(tmp_path: Path) -> None:
    async with await asyncio.start_server(_too_large, "127.0.0.1", 0) as server:
        upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with gateway(tmp_path, upstream) as port, connected(port) as raw:
            await raw.send(b"POST /x HTTP/1.1\r\nHost: site.example\r\nContent-Length: 99999999\r\n\r\nhello")
            answer = await raw.answer()
    assert (answer.status, answer.body) == (413, b"too large")


async def _too_large(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"POST /x HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /x HTTP/1.0\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /x HTTP/2.0\r\nHost: site.example\r\n\r\n", 505),
    ],
)
async def test_what_two_servers_would_frame_differently_ends_here(
    origin: RawOrigin, port: int, octets: bytes, status: int
) -> None:
    async with connected(port) as raw:
        await raw.send(octets)
        assert (await raw.answer()).status == status
        assert await raw.rest() == b""
    assert origin.heads == []


# What goes wrong


async def test_an_origin_that_is_down_is_a_502_that_no_cache_keeps_and_that_is_recorded(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with gateway(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}") as port:
            for agent in ("Chrome", "GPTBot/1.4"):
                answer = await ask(port, "/x", agent)
                assert (answer.status, answer.first("cache-control")) == (502, "no-store")
                assert len(answer.body) < 100
    ended = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.outcome"]
    assert [(leaf["http.response.status_code"], leaf["outcome.aborted"]) for leaf in ended] == [(502, False)]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: odd\r\nX: \x00\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
async def test_an_origin_that_makes_no_sense_is_a_502(origin: RawOrigin, port: int, octets: bytes) -> None:
    origin.answers[b"/x"] = saying(octets, then_close=True)
    assert (await ask(port, "/x")).status == 502


async def test_an_origin_that_never_answers_is_a_504(origin: RawOrigin, tmp_path: Path) -> None:
    origin.answers[b"/x"] = saying(b"")
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}", patience=Patience(for_origin=0.1)) as port:
        answer = await ask(port, "/x")
    assert (answer.status, answer.first("cache-control")) == (504, "no-store")


async def test_a_gateway_that_is_its_own_upstream_says_so(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    async with gateway(tmp_path, f"http://127.0.0.1:{number}", port=number) as port:
        for agent in ("Chrome", "GPTBot/1.4"):
            assert (await ask(port, "/x", agent)).status == 508


async def test_an_upstream_on_a_unix_socket(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def answer(reader: Reader, writer: Writer) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    path = tmp_path / "s"
    async with await asyncio.start_unix_server(answer, path), gateway(tmp_path, f"unix:{path}") as port:
        assert (await ask(port, "/x")).body == b"ok"
    assert {head.split(b"\r\n")[0] for head in seen} == {
        b"GET /x HTTP/1.1",
        b"GET /robots.txt HTTP/1.1",
        b"GET /.well-known/tdmrep.json HTTP/1.1",
    }
    assert all(b"Host: site.example" in head for head in seen)


async def test_a_refused_crawler_never_reaches_the_origin(origin: RawOrigin, port: int) -> None:
    assert (await ask(port, "/drafts/a", "GPTBot/1.4")).status == 403
    assert (await ask(port, "/drafts/a", "Googlebot/2.1")).status == 200
    assert [seen.path for seen in origin.heads] == [b"/drafts/a"]


async def test_a_fault_in_one_look_at_who_has_waited_too_long_is_not_the_last_look(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: asyncio.Queue[float] = asyncio.Queue()

    def look(_visitor: Visitor, now: float) -> None:
        looks.put_nowait(now)
        raise RuntimeError

    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    monkeypatch.setattr(Visitor, "look", look)
    async with connected(port), asyncio.timeout(20):  # a guard against hanging
        assert await looks.get() < await looks.get()


# Address lists


async def test_only_who_is_on_the_operators_list_gets_what_is_for_verified_crawlers(
    origin: RawOrigin, tmp_path: Path
) -> None:
    policy = """
version: 1
mode: enforce
default: deny
on_error: refuse
clauses:
  - {id: known, action: allow, crawler: GPTBot, standing: verified}
"""
    listed = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    known = take_snapshot("https://openai.com/gptbot.json", b"", listed, now_us())
    write_list(list_directory(tmp_path / "state"), known)
    trusted = load_trusted_proxies(["127.0.0.1"])
    statuses: list[int] = []
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}", policy, trusted=trusted) as port:
        for chain in (ON, f"{ON}, {OFF}", f"{OFF}, {ON}", OFF, f"::ffff:{ON}", "10.0.0.1", ""):
            more = f"X-Forwarded-For: {chain}\r\n" if chain else ""
            statuses.append((await ask(port, "/a", "GPTBot/1.4", more=more)).status)
    assert statuses == [200, 403, 200, 403, 200, 403, 403]
    told = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert [leaf["identity.standing"] == "verified" for leaf in told] == [status == 200 for status in statuses]
    assert {leaf["identity.list.sha256"] for leaf in told} == {known.sha256}
