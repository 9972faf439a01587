"""One visitor's connection: in order, one at a time, no more than can be dealt with, and parted from in peace."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from optout.adapters.certificate import Certificate
from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.gateway import Gateway
from optout.adapters.gateway.patience import Patience
from optout.adapters.gateway.server import opened
from optout.adapters.serve_options import ServeOptions
from tests.certificates import trusting_nobody, write_certificate
from tests.doors.raw_origin import RawOrigin, Seen
from tests.gateways import gateway
from tests.judge import leaves
from tests.served import Raw, ask, connected

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
HOST = b"Host: site.example\r\n"


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


def get(path: str, fields: bytes = b"", version: str = "1.1") -> bytes:
    """A request."""
    return f"GET {path} HTTP/{version}\r\n".encode() + HOST + fields + b"\r\n"


async def test_requests_that_come_together_are_answered_one_after_the_other(origin: RawOrigin, port: int) -> None:
    under_way, most = 0, 0

    async def slow(seen: Seen, _reader: Reader, writer: Writer) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + seen.path[-2:])
        under_way -= 1

    origin.answers[b"/x"] = slow
    async with connected(port) as raw:
        await raw.send(b"".join(get(f"/x{number:02}") for number in range(20)))
        assert [(await raw.answer()).body for _ in range(20)] == [b"%02d" % number for number in range(20)]
    assert most == 1


async def test_thousands_of_requests_in_one_read_are_all_answered(port: int) -> None:
    tiny = b"GET / HTTP/1.1\r\nHost:a\r\n\r\n"
    async with connected(port) as raw:
        raw.writer.write(tiny * 3000)
        for _ in range(3000):
            assert (await raw.answer()).status == 200


async def test_what_a_visitor_does_not_take_holds_up_no_more_than_it(origin: RawOrigin, port: int) -> None:
    async def long(_seen: Seen, _reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
        for _ in range(300):
            writer.write(b"x" * 100_000)
            await writer.drain()

    origin.answers[b"/long"] = long
    async with connected(port) as slow:
        await slow.send(get("/long") + get("/x"))
        assert (await ask(port, "/y")).status == 200
        assert len((await slow.answer()).body) == 30_000_000
        assert (await slow.answer()).body == b"content of /x\n"


@pytest.mark.parametrize(
    ("octets", "connection"),
    [
        (get("/x"), None),
        (get("/x", b"Connection: close\r\n"), "close"),
        (get("/x", version="1.0"), "close"),
        (get("/x", b"Connection: keep-alive\r\n", version="1.0"), "keep-alive"),
    ],
)
async def test_a_connection_goes_on_as_the_visitor_wants_it(port: int, octets: bytes, connection: str | None) -> None:
    async with connected(port) as raw:
        await raw.send(octets)
        answer = await raw.answer()
        assert (answer.body, answer.first("connection")) == (b"content of /x\n", connection)
        if connection == "close":
            assert await raw.rest() == b""
        else:
            await raw.send(octets)
            assert (await raw.answer()).body == b"content of /x\n"


async def test_what_follows_the_last_request_is_none(origin: RawOrigin, port: int) -> None:
    async with connected(port) as raw:
        await raw.send(get("/x", b"Connection: close\r\n") + get("/smuggled"))
        assert (await raw.answer()).status == 200
        assert await raw.rest() == b""
    assert [seen.path for seen in origin.heads] == [b"/x"]


async def test_an_answer_before_the_upload_is_whole_is_seen_and_is_the_last(origin: RawOrigin, port: int) -> None:
    """Rule 3: closed at once, the connection would be reset, and the answer might be lost."""
    head = b"POST /drafts/a HTTP/1.1\r\n" + HOST + b"User-Agent: GPTBot/1.4\r\nContent-Length: 50000000\r\n\r\n"
    async with connected(port) as raw:
        raw.writer.write(head + b"x" * 10_000_000)
        answer = await raw.answer()
        assert (answer.status, answer.first("connection")) == (403, "close")
        assert await raw.rest() == b""
    assert origin.heads == []


async def test_who_never_stops_sending_is_cut_off_after_a_while(origin: RawOrigin, tmp_path: Path) -> None:
    head = b"POST /drafts/a HTTP/1.1\r\n" + HOST + b"User-Agent: GPTBot/1.4\r\nTransfer-Encoding: chunked\r\n\r\n"
    upstream, patience = f"http://127.0.0.1:{origin.port}", Patience(to_part=0.1)
    async with gateway(tmp_path, upstream, patience=patience) as port, connected(port) as raw:
        await raw.send(head)
        assert (await raw.answer()).status == 403
        with pytest.raises(ConnectionError):
            while True:
                await raw.send(b"1\r\nx\r\n")
                await asyncio.sleep(0.01)


async def test_who_takes_nothing_of_an_answer_is_cut_off_after_a_while(origin: RawOrigin, tmp_path: Path) -> None:
    ended = threading.Event()

    async def endless(_seen: Seen, _reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        finally:
            ended.set()

    origin.answers[b"/endless"] = endless
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}", patience=Patience(to_be_read=0.2)) as port:
        with socket.create_connection(("127.0.0.1", port)) as deaf:
            deaf.sendall(get("/endless", b"User-Agent: GPTBot/1.4\r\n"))
            await asyncio.to_thread(ended.wait)
    ended_records = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.outcome"]
    assert [record["outcome.aborted"] for record in ended_records] == [True]


async def test_a_visitor_who_hangs_up_while_the_record_is_made_leaves_both_records(
    origin: RawOrigin, tmp_path: Path
) -> None:
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port:
        for _ in range(20):
            async with connected(port) as raw:
                await raw.send(get("/page", b"User-Agent: GPTBot/1.4\r\n"))
                raw.writer.transport.abort()
        assert (await ask(port, "/x")).status == 200
    kinds = [leaf["type"] for leaf in leaves(tmp_path / "evidence") if str(leaf["type"]).startswith("crawl.")]
    assert kinds.count("crawl.request") == kinds.count("crawl.outcome") <= 20


# The PROXY protocol


V1 = b"PROXY TCP4 8.8.4.4 192.0.2.1 40000 80\r\n"
V2 = b"\r\n\r\n\x00\r\nQUIT\n" + bytes((0x21, 0x11)) + struct.pack(">H", 12 + 8)
V2 += bytes((8, 8, 4, 4, 192, 0, 2, 1)) + struct.pack(">HH", 40000, 443) + b"\x20\x00\x05\x01" + bytes(4)
PROXIES = load_trusted_proxies(["127.0.0.1"])


@pytest.mark.parametrize(("greeting", "scheme"), [(V1, b"http"), (V2, b"https")])
async def test_a_proxy_says_whose_connection_it_is(
    origin: RawOrigin, tmp_path: Path, greeting: bytes, scheme: bytes
) -> None:
    upstream, forged = f"http://127.0.0.1:{origin.port}", b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\n"
    async with gateway(tmp_path, upstream, trusted=PROXIES, proxy_protocol=True) as port, connected(port) as raw:
        await raw.send(greeting + get("/x", forged))
        assert (await raw.answer()).status == 200
        await raw.send(get("/y"))
        assert (await raw.answer()).status == 200
    for seen in origin.heads:
        assert seen.all(b"x-forwarded-for") == seen.all(b"x-real-ip") == [b"8.8.4.4"]
        assert seen.all(b"x-forwarded-proto") == [scheme]


async def test_a_greeting_may_come_octet_by_octet(origin: RawOrigin, tmp_path: Path) -> None:
    upstream = f"http://127.0.0.1:{origin.port}"
    async with gateway(tmp_path, upstream, trusted=PROXIES, proxy_protocol=True) as port, connected(port) as raw:
        for octet in V2 + get("/x"):
            await raw.send(bytes((octet,)))
        assert (await raw.answer()).status == 200


async def test_a_proxy_s_own_check_is_the_proxy_s(origin: RawOrigin, tmp_path: Path) -> None:
    upstream = f"http://127.0.0.1:{origin.port}"
    async with gateway(tmp_path, upstream, trusted=PROXIES, proxy_protocol=True) as port, connected(port) as raw:
        await raw.send(V2[:12] + b"\x20\x00\x00\x00" + get("/x"))
        assert (await raw.answer()).status == 200
    assert origin.heads[0].all(b"x-forwarded-for") == [b"127.0.0.1"]


@pytest.mark.parametrize("greeting", [b"PROXY UNKNOWN\r\n", V2[:12] + b"\x21\x00\x00\x00"])
async def test_a_visitor_whom_the_proxy_does_not_know_is_no_proxy(
    origin: RawOrigin, tmp_path: Path, greeting: bytes
) -> None:
    upstream = f"http://127.0.0.1:{origin.port}"
    async with gateway(tmp_path, upstream, trusted=PROXIES, proxy_protocol=True) as port, connected(port) as raw:
        await raw.send(greeting + get("/x", b"X-Forwarded-For: 66.249.66.1\r\nX-Real-IP: 66.249.66.1\r\n"))
        assert (await raw.answer()).status == 200
    assert origin.heads[0].all(b"x-forwarded-for") == origin.heads[0].all(b"x-real-ip") == []


@pytest.mark.parametrize(
    ("trusted", "octets"),
    [
        (PROXIES, get("/x")),
        (PROXIES, b"PROXY TCP4 8.8.4.4\r\n" + get("/x")),
        (PROXIES, V1[:-2] + b"\n" + get("/x")),
        (load_trusted_proxies(["10.0.0.1"]), V1 + get("/x")),
    ],
)
async def test_without_the_greeting_of_a_trusted_proxy_nothing_is_read(
    origin: RawOrigin, tmp_path: Path, trusted: object, octets: bytes
) -> None:
    upstream = f"http://127.0.0.1:{origin.port}"
    async with gateway(tmp_path, upstream, trusted=trusted, proxy_protocol=True) as port, connected(port) as raw:
        try:
            await raw.send(octets)
            assert await raw.rest() == b""
        except ConnectionError:
            pass  # it is cut off
    assert origin.heads == []


async def test_without_the_setting_a_greeting_is_no_request(origin: RawOrigin, tmp_path: Path) -> None:
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}", trusted=PROXIES) as port, connected(port) as raw:
        await raw.send(V1 + get("/x"))
        assert (await raw.answer()).status == 400
    assert origin.heads == []


# Other ways in


async def test_visitors_may_come_by_a_unix_socket(origin: RawOrigin, tmp_path: Path) -> None:
    path = tmp_path / "s"
    upstream = f"http://127.0.0.1:{origin.port}"
    async with gateway(tmp_path, upstream, listen_socket=str(path), trusted=PROXIES):
        reader, writer = await asyncio.open_unix_connection(path)
        raw = Raw(reader, writer)
        await raw.send(get("/x", b"X-Forwarded-For: 8.8.8.8\r\n"))
        assert (await raw.answer()).status == 200
        writer.close()
    assert origin.heads[0].all(b"x-forwarded-for") == [b"8.8.8.8"]  # which only the host can use, and so is believed
    assert origin.heads[0].all(b"x-real-ip") == [b"8.8.8.8"]
    assert not path.exists()


async def test_over_tls_answers_come_whole_and_early_ones_are_seen(origin: RawOrigin, tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, 1)
    options = ServeOptions(
        upstream=f"http://127.0.0.1:{origin.port}", state=tmp_path / "state", listen_port=0, tls_cert=cert, tls_key=key
    )
    async with opened(Gateway(options, Patience(to_part=0.1)), options, Certificate(cert, key)) as listener:
        for _ in range(3):
            raw = Raw(*await _over_tls(listener.port, trusting_nobody()))
            await raw.send(get("/x") + get("/y"))
            assert [(await raw.answer()).body for _ in range(2)] == [b"content of /x\n", b"content of /y\n"]
            await raw.send(b"GET /x HTTP/2.0\r\n" + HOST + b"\r\n")
            assert (await raw.answer()).status == 505
            assert await raw.rest() == b""
            raw.writer.close()
    assert {seen.all(b"x-forwarded-proto")[0] for seen in origin.heads} == {b"https"}


async def _over_tls(port: int, context: ssl.SSLContext) -> tuple[Reader, Writer]:
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)
