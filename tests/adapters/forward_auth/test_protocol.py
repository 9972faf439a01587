"""Connections of a front end: order, ends, upgrades, bodies, sizes, and who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.driver import Driver, Settings
from optout.adapters.forward_auth import ForwardAuth, NothingPublished, asked_by
from optout.adapters.forward_auth.check import Dialect
from optout.adapters.forward_auth.protocol import CheckProtocol, octets_of, peer_of
from optout.adapters.forward_auth.server import ForwardAuthOptions, Listening
from optout.messages import Fields, Response
from tests.served import HANG_GUARD_S, Raw, connected

POLICY = """
version: 1
mode: enforce
default: deny
on_error: refuse
"""
ASKED = (
    "X-Original-Method: GET\r\nX-Original-URI: /\r\nX-Original-Host: site.example\r\nX-Forwarded-Proto: https\r\n"
    "X-Forwarded-For: 20.15.240.64\r\n"
)
PERSON = f"GET /check HTTP/1.1\r\nHost: optout\r\n{ASKED}User-Agent: Firefox\r\n"
CRAWLER = f"GET /check HTTP/1.1\r\nHost: optout\r\n{ASKED}User-Agent: GPTBot/1.0\r\n"


def asking(place: Path, **options: object) -> Listening:
    file = place / "policy.yaml"
    file.write_text(POLICY)
    given = {"state": place / "state", "policy": file, "evidence": place / "evidence", "port": 0, **options}
    return Listening(ForwardAuthOptions(**given))  # type: ignore[arg-type]


@asynccontextmanager
async def asked(place: Path, **options: object) -> AsyncIterator[Raw]:
    async with asking(place, **options) as door, connected(int(door.address.rpartition(":")[2])) as raw:
        yield raw


async def test_a_connection_bears_one_check_after_the_other(tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        for check, status in ((PERSON, 200), (CRAWLER, 403), (PERSON, 200)):
            await raw.send(f"{check}\r\n".encode())
            assert (await raw.answer()).status == status


async def test_checks_that_come_at_once_are_answered_in_their_order(tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        await raw.send(f"{CRAWLER}\r\n{PERSON}\r\n{CRAWLER}\r\n{PERSON}\r\n".encode())
        assert [(await raw.answer()).status for _ in range(4)] == [403, 200, 403, 200]


async def test_a_head_may_come_octet_by_octet(tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        for octet in f"{CRAWLER}\r\n".encode():
            await raw.send(bytes((octet,)))
        assert (await raw.answer()).status == 403


async def test_http_1_0_is_answered_and_closed(tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        await raw.send(f"{PERSON}\r\n".replace("HTTP/1.1", "HTTP/1.0").encode())
        answer = await raw.answer()
        assert (answer.status, answer.first("connection")) == (200, "close")
        assert await raw.rest() == b""


async def test_a_body_is_dropped_and_is_no_check(tmp_path: Path) -> None:
    smuggled = f"{CRAWLER}\r\n"
    async with asked(tmp_path) as raw:
        await raw.send(f"{PERSON}Content-Length: {len(smuggled)}\r\n\r\n{smuggled}{PERSON}\r\n".encode())
        assert [(await raw.answer()).status for _ in range(2)] == [200, 200]
        await raw.send(f"{PERSON}Connection: close\r\n\r\n".encode())
        assert (await raw.answer()).status == 200
        assert await raw.rest() == b""


async def test_a_check_on_a_websocket_is_answered_and_what_follows_it_is_no_check(tmp_path: Path) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n"
    for check, status in ((PERSON, 200), (CRAWLER, 403)):
        place = tmp_path / str(status)
        place.mkdir()
        async with asked(place) as raw:
            await raw.send(f"{check}{upgrade}\r\n{PERSON}\r\n".encode())
            assert (await raw.answer()).status == status
            assert await raw.rest() == b""


async def test_who_waits_to_be_told_to_go_on_is_told(tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        await raw.send(f"{PERSON}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n".encode())
        assert (await raw.reader.readline()).startswith(b"HTTP/1.1 100 ")
        await raw.reader.readline()
        await raw.send(b"x")
        assert (await raw.answer()).status == 200


@pytest.mark.parametrize(
    "octets",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nX y: 1\r\n\r\n",
    ],
)
async def test_what_is_no_check_ends_the_connection(octets: bytes, tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        await raw.send(octets)
        answer = await raw.answer()
        assert (answer.status, answer.first("connection")) == (400, "close")
        assert await raw.rest() == b""


async def test_a_head_without_end_is_too_large(tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        await raw.send(b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 600)
        assert (await raw.answer()).status == 431
    place = tmp_path / "long"
    place.mkdir()
    async with asked(place) as raw:
        await raw.send(b"GET /" + b"a" * 300_000)
        assert (await raw.answer()).status == 431


async def test_who_floods_a_connection_with_checks_is_closed(tmp_path: Path) -> None:
    async with asked(tmp_path) as raw:
        await raw.send(f"{CRAWLER}\r\n".encode() * 200)
        statuses = [int(line.split()[1]) for line in (await raw.rest()).split(b"\r\n") if line.startswith(b"HTTP/1.1")]
        assert set(statuses) <= {403, 431}
        assert len(statuses) < 200


async def test_a_peer_that_is_not_listed_is_told_so_and_not_heard(tmp_path: Path) -> None:
    async with asked(tmp_path, trusted=asked_by(("192.0.2.1",), "x-forwarded-for")) as raw:
        await raw.send(f"{CRAWLER}\r\n".encode())
        answer = await raw.answer()
        assert (answer.status, answer.first("optout-ticket")) == (403, None)
        assert await raw.rest() == b""


async def test_a_unix_socket_is_always_heard(tmp_path: Path) -> None:
    trusted = asked_by(("192.0.2.1",), "x-forwarded-for")
    async with asking(tmp_path, socket=str(tmp_path / "s"), trusted=trusted) as door:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        raw = Raw(reader, writer)
        async with asyncio.timeout(HANG_GUARD_S):
            await raw.send(f"{PERSON}\r\n".encode())
            assert (await raw.answer()).status == 200
        writer.close()
        assert door.address == f"unix:{tmp_path}/s"


async def test_envoy_s_head_is_answered_without_a_body(tmp_path: Path) -> None:
    async with asked(tmp_path, dialect=Dialect.ENVOY) as raw:
        await raw.send(b"HEAD /a HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.0\r\n\r\n")
        answer = await raw.answer("HEAD")
        assert answer.status == 403
        assert int(answer.first("content-length") or 0) > 100
        await raw.send(b"GET /a HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.0\r\n\r\n")
        assert len((await raw.answer()).body) > 100


class _Transport(asyncio.Transport):
    """Keeps what is written; the peer of a TCP connection, of a unix socket, or of one that is gone."""

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.facts = facts
        self.written = b""
        self.is_closed = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self.facts.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


def test_a_peer_that_is_gone_is_no_unix_socket() -> None:
    assert peer_of(_Transport(peername=("192.0.2.1", 1), sockname=("192.0.2.2", 2))) == "192.0.2.1"
    assert peer_of(_Transport(peername="", sockname="/run/x.sock")) is None
    assert peer_of(_Transport(peername=None, sockname=None)) == ""
    assert peer_of(_Transport(peername=None, sockname=("192.0.2.2", 2))) == ""


def test_a_response_has_its_fields_in_order_and_a_date() -> None:
    answer = Response(status=402, fields=Fields((("A", "é"), ("B", "\udcff"))), body=b"x")
    head, _, body = octets_of(answer, b"GET").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 402 Payment Required\r\nA: \xc3\xa9\r\nB: \xff\r\nDate: ")
    assert head.endswith(b" GMT")
    assert body == b"x"
    assert octets_of(Response(status=200, fields=Fields(), body=b"x"), b"HEAD").endswith(b"\r\n\r\n")


def test_a_field_that_would_end_its_line_is_left_out() -> None:
    fields = Fields((("tdm-policy", "https://site.example/\r\nSet-Cookie: a=b"), ("tdm-reservation", "1")))
    octets = octets_of(Response(status=200, fields=fields, body=b""), b"GET")
    assert octets.startswith(b"HTTP/1.1 200 OK\r\ntdm-reservation: 1\r\nDate: ")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([PERSON.encode(), b"\r\n", b"\r\n\r\n"])), max_size=6)
)
def test_no_octets_make_it_raise(tmp_path: Path, pieces: list[bytes]) -> None:
    driver = Driver(
        Settings(state=tmp_path, software="test", trusted=load_trusted_proxies(["127.0.0.1"])), NothingPublished()
    )

    async def feed() -> None:
        protocol = CheckProtocol(ForwardAuth(driver, Dialect.NGINX), set())
        transport = _Transport(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
        protocol.connection_made(transport)
        for piece in pieces:
            protocol.data_received(piece)
        protocol.connection_lost(None)
        assert all(line[9:12].isdigit() for line in transport.written.split(b"\r\n") if line.startswith(b"HTTP/1.1"))

    asyncio.run(feed())
