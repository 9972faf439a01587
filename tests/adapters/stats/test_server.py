"""The status pages over real sockets."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path

import pytest

from optout.adapters.stats import LogStats, Stats, decode_stats
from optout.adapters.stats.server import StatusPages
from optout.adapters.stats.status import StatusAddress
from optout.errors import UsageError
from tests.adapters.stats_values import full
from tests.adapters.test_driver import _visit as visit
from tests.adapters.test_driver import running
from tests.served import Answer, ask

HERE = StatusAddress(host="127.0.0.1", port=0)


def port_of(pages: StatusPages) -> int:
    return int(pages.address.rpartition(":")[2])


async def get(pages: StatusPages, path: str, method: str = "GET") -> Answer:
    return await ask(port_of(pages), path, method=method)


async def test_the_process_lives_whatever_the_door_does() -> None:
    async with StatusPages(HERE, read=lambda: None) as pages:
        answer = await get(pages, "/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert answer.first("cache-control") == "no-store"


async def test_a_door_is_ready_between_opening_and_closing(tmp_path: Path) -> None:
    async with StatusPages(HERE) as pages:
        assert (await get(pages, "/readyz")).status == 503
        async with running(tmp_path):
            answer = await get(pages, "/readyz")
            assert (answer.status, json.loads(answer.body)) == (200, {"ready": True, "problems": []})
            pages.is_draining = True
            answer = await get(pages, "/readyz")
            assert (answer.status, json.loads(answer.body)["problems"]) == (503, ["the door is closing"])
            assert (await get(pages, "/healthz")).status == 200
        assert (await get(pages, "/readyz")).status == 503


async def test_a_log_that_cannot_be_written_is_named() -> None:
    broken = full(log=LogStats(writable=False, trouble="the log cannot be written: No space left on device"))
    async with StatusPages(HERE, read=lambda: broken) as pages:
        answer = await get(pages, "/readyz")
        metrics = await get(pages, "/metrics")
    assert answer.status == 503
    assert json.loads(answer.body)["problems"] == ["the log cannot be written: No space left on device"]
    assert b"\noptout_ready 0.0\n" in metrics.body


async def test_metrics_and_numbers_are_those_of_the_doors_of_the_process(tmp_path: Path) -> None:
    async with StatusPages(HERE) as pages, running(tmp_path) as driver:
        assert b"optout_ready 1.0\n" in (await get(pages, "/metrics")).body
        await visit(driver, "GPTBot", "/drafts/a")
        metrics, numbers = await get(pages, "/metrics"), await get(pages, "/stats")
    assert metrics.first("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    line = 'optout_requests_total{action="deny",enforced="true",purpose="train",standing="unverified",status="403"} 1.0'
    assert line in metrics.body.decode().splitlines()
    assert numbers.first("content-type") == "application/json"
    told = decode_stats(numbers.body)
    assert told is not None
    assert [each.count for each in told.answers] == [1]


async def test_before_the_door_has_opened_there_are_no_numbers() -> None:
    async with StatusPages(HERE, read=lambda: None) as pages:
        assert (await get(pages, "/stats")).body == b"null"
        assert (await get(pages, "/metrics")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/healthz", 405), ("GET", "/", 404), ("HEAD", "/readyz", 200)]
)
async def test_nothing_else_is_answered(method: str, path: str, status: int) -> None:
    async with StatusPages(HERE, read=full) as pages:
        assert (await get(pages, path, method)).status == status


async def test_without_an_address_there_are_no_pages() -> None:
    async with StatusPages(None) as pages:
        assert pages.address == ""


async def test_only_an_address_beyond_this_machine_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "optout")
    async with StatusPages(HERE, read=full) as pages:
        assert pages.address in caplog.text
        assert "other machines" not in caplog.text
    # Loopback in a spelling that nobody takes for it, so that the test stays on this machine.
    async with StatusPages(StatusAddress(host="127.1", port=0), read=full):
        assert "can be read from other machines" in caplog.text


async def test_an_address_that_is_taken_is_refused_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = StatusAddress(host="127.0.0.1", port=other.getsockname()[1])
        with pytest.raises(UsageError, match="cannot listen") as fault:
            await StatusPages(taken).__aenter__()
    assert "--status-listen" in fault.value.remedy


async def test_the_pages_go_with_the_context() -> None:
    def read() -> Stats | None:
        return None

    async with StatusPages(HERE, read=read) as pages:
        port = port_of(pages)
    with pytest.raises(OSError):
        await ask(port, "/healthz")
