"""`optout serve` as a process: it opens, drains, renews, and closes on whoever wastes its time."""

from __future__ import annotations

import asyncio
import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from optout.adapters.gateway.patience import Patience
from tests.certificates import serial_of, trusting_nobody, write_certificate
from tests.doors.raw_origin import RawOrigin, Seen, events
from tests.gateways import gateway
from tests.judge import leaves
from tests.served import ask, connected
from tests.serving import serving

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    """An origin whose answers a test may set."""
    with RawOrigin() as running:
        yield running


def _upstream(origin: RawOrigin) -> tuple[str, str]:
    return ("--upstream", f"http://127.0.0.1:{origin.port}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_request_under_way_is_finished_and_recorded_before_the_end(
    tmp_path: Path, origin: RawOrigin, number: int
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    async def slow(_seen: Seen, _reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
        entered.set()
        await asyncio.to_thread(go_on.wait)
        writer.write(b"56789")

    origin.answers[b"/slow"] = slow
    with serving(tmp_path, *_upstream(origin)) as served:
        async with connected(served.port) as raw, connected(served.port) as idle:
            await raw.send(b"GET /slow HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
            await asyncio.to_thread(entered.wait)
            served.process.send_signal(number)
            assert await idle.rest() == b""  # who waits for nothing is let go at once
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncio.open_connection("127.0.0.1", served.port)
            go_on.set()
            assert (await raw.answer()).body == b"0123456789"
            assert await raw.rest() == b""
        assert await asyncio.to_thread(served.end) == 0
    ended = [leaf for leaf in leaves(tmp_path / "state" / "evidence") if leaf["type"] == "crawl.outcome"]
    assert [(leaf["http.response.body.size"], leaf["outcome.aborted"]) for leaf in ended] == [(10, False)]


async def test_what_does_not_end_is_ended_and_recorded_as_broken_off(tmp_path: Path, origin: RawOrigin) -> None:
    origin.answers[b"/events"] = events
    async with AsyncExitStack() as stack:
        async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}", patience=Patience(to_drain=0.1)) as port:
            raw = await stack.enter_async_context(connected(port))
            await raw.send(b"GET /events HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
            await raw.reader.readuntil(b"data: first\n\n")
        await raw.rest()  # the gateway has ended, and with it the stream
    ended = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.outcome"]
    assert [(leaf["http.response.status_code"], leaf["outcome.aborted"]) for leaf in ended] == [(200, True)]


async def test_sighup_ends_nothing_and_a_changed_policy_is_taken_over(tmp_path: Path, origin: RawOrigin) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: observe\ndefault: deny\non_error: refuse\n")
    with serving(tmp_path, *_upstream(origin), "--policy", str(policy)) as served:
        assert (await ask(served.port, "/x", "GPTBot/1.4")).status == 200
        policy.write_text("version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n")
        served.process.send_signal(signal.SIGHUP)
        while (await ask(served.port, "/x", "GPTBot/1.4")).status != 403:
            await asyncio.sleep(0.05)
        assert await asyncio.to_thread(served.end) == 0


async def test_a_certificate_is_renewed_on_sighup_without_a_restart(tmp_path: Path, origin: RawOrigin) -> None:
    cert, key = write_certificate(tmp_path, 1)
    with serving(tmp_path, *_upstream(origin), "--tls-cert", str(cert), "--tls-key", str(key)) as served:
        assert served.said["listening"].startswith("https://127.0.0.1:")
        assert await _visit(served.port) == (1, 200)
        write_certificate(tmp_path, 2)
        served.process.send_signal(signal.SIGHUP)
        while await _visit(served.port) != (2, 200):
            await asyncio.sleep(0.05)
    assert origin.heads[0].all(b"x-forwarded-proto") == [b"https"]


async def _visit(port: int) -> tuple[int, int]:
    """The certificate's serial number and the status that a visitor gets over TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting_nobody())
    writer.write(b"GET /x HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
    shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
    serial, head = serial_of(shown.getpeercert(binary_form=True)), await reader.readline()
    writer.close()
    return serial, int(head.split()[1])


async def test_a_connection_that_sends_no_whole_head_is_closed(tmp_path: Path, origin: RawOrigin) -> None:
    async with (
        gateway(tmp_path, f"http://127.0.0.1:{origin.port}", patience=Patience(for_head=0.2)) as port,
        connected(port) as raw,
    ):
        await raw.send(b"GET /x HTTP/1.1\r\nHost: site.example\r\n")
        assert await raw.rest() == b""
    assert origin.heads == []


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(tmp_path: Path, origin: RawOrigin) -> None:
    go_on = threading.Event()

    async def slow(_seen: Seen, _reader: Reader, writer: Writer) -> None:
        await asyncio.to_thread(go_on.wait)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    origin.answers[b"/slow"] = slow
    async with (
        gateway(tmp_path, f"http://127.0.0.1:{origin.port}", patience=Patience(for_head=0.2)) as port,
        connected(port) as busy,
        connected(port) as idle,
    ):
        await busy.send(b"GET /slow HTTP/1.1\r\nHost: site.example\r\n\r\n")
        await idle.send(b"GET /x HTTP/1.1\r\nHost: site.example\r\n\r\n")
        assert (await idle.answer()).status == 200
        assert await idle.rest() == b""
        go_on.set()
        assert (await busy.answer()).body == b"ok"


async def test_connections_beyond_the_limit_are_closed_until_some_end(
    tmp_path: Path, origin: RawOrigin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("optout.adapters.gateway._MOST_CONNECTIONS", 2)
    async with (
        gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port,
        connected(port),
        connected(port) as second,
    ):
        await second.send(b"GET /x HTTP/1.1\r\nHost: site.example\r\n\r\n")
        assert (await second.answer()).status == 200
        for _ in range(2):
            async with connected(port) as third:
                assert await third.rest() == b""
        await second.send(b"GET /y HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
        assert (await second.answer()).status == 200
        await second.rest()
        assert (await ask(port, "/z")).status == 200
    assert len([record for record in caplog.records if "2 connections are open" in record.message]) == 1
