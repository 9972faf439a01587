"""The numbers of workers, over real connections, from real processes, beside a log that the supervisor holds."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from optout.adapters.stats import Stats, encode_stats
from optout.adapters.stats.reading import read_log
from optout.adapters.stats.server import StatusPages
from optout.adapters.stats.status import StatusAddress
from optout.adapters.stats.workers import LONGEST_LINE, WorkerStats, tell
from optout.evidence.log import EvidenceLog
from optout.policy.model import Mode
from tests.adapters.stats_values import full
from tests.adapters.test_driver import _visit as visit
from tests.adapters.test_driver import running
from tests.served import ask


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """The supervisor's end to read and a worker's end to write."""
    ours, theirs = socket.socketpair()
    reader, ours_writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
    _, writer = await asyncio.open_connection(sock=theirs)
    try:
        yield reader, writer
    finally:
        for each in (ours_writer, writer):
            each.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def count(stats: Stats | None) -> int:
    return 0 if stats is None else sum(each.count for each in stats.answers)


async def test_what_a_worker_tells_is_known_and_its_counts_stay_when_it_ends() -> None:
    workers = WorkerStats()
    assert workers.read() is None
    async with connection() as (reader, writer):
        listening = asyncio.create_task(workers.listen(reader))
        writer.write(encode_stats(full()) + b"\n")
        await until(lambda: workers.read() == full())
        writer.write(encode_stats(full(late=9)) + b"\n")
        await until(lambda: workers.read() == full(late=9))
        writer.close()
        await listening
    left = workers.read()
    assert left is not None
    assert (left.doors, left.late, left.answers, left.lost) == (0, 9, full().answers, full().lost)
    assert (left.log, left.off_since_us, left.policies, left.registry_date) == (None, 0, {}, "")


async def test_counts_never_fall_when_workers_are_replaced() -> None:
    workers = WorkerStats()
    for rounds in range(1, 4):
        async with connection() as (reader, writer):
            listening = asyncio.create_task(workers.listen(reader))
            writer.write(encode_stats(full()) + b"\n")
            await until(lambda: (stats := workers.read()) is not None and stats.doors == 1)
            assert count(workers.read()) == rounds * 7
            writer.close()
            await listening
        assert count(workers.read()) == rounds * 7


@pytest.mark.parametrize("sent", [b"nonsense\n", b"\n", b"x" * (LONGEST_LINE + 1), encode_stats(full())[:-9] + b"\n"])
async def test_what_is_no_line_of_numbers_changes_nothing(sent: bytes) -> None:
    workers = WorkerStats()
    async with connection() as (reader, writer):
        listening = asyncio.create_task(workers.listen(reader))
        writer.write(sent)
        writer.close()
        await listening
    assert workers.read() is None


async def test_the_supervisor_s_own_numbers_are_added() -> None:
    own = Stats(taken_us=1, software="supervisor", mode=Mode.OBSERVE, doors=0, log=full().log)
    workers = WorkerStats(own=lambda: own)
    async with connection() as (reader, writer):
        listening = asyncio.create_task(workers.listen(reader))
        writer.write(encode_stats(replace(full(), log=None)) + b"\n")
        await until(lambda: workers.read() is not None)
        told = workers.read()
        writer.close()
        await listening
    assert told is not None
    assert (told.doors, told.log, told.registry_date, told.mode) == (1, full().log, "2026-11-24", Mode.ENFORCE)


async def test_a_worker_tells_its_last_numbers_when_it_ends(tmp_path: Path) -> None:
    workers = WorkerStats()
    async with connection() as (reader, writer), running(tmp_path, evidence=False) as driver:
        listening = asyncio.create_task(workers.listen(reader))
        telling = asyncio.create_task(tell(writer, every_s=3600))
        await until(lambda: workers.read() is not None)
        await visit(driver, "GPTBot", "/drafts/a")
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await listening
    assert count(workers.read()) == 1


async def test_a_worker_whose_supervisor_is_gone_stops_telling(tmp_path: Path) -> None:
    async with connection() as (_, writer), running(tmp_path, evidence=False):
        telling = asyncio.create_task(tell(writer, every_s=0.001))
        writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        await asyncio.wait_for(telling, 20)


_WORKER = """
import asyncio, socket, sys
from pathlib import Path
from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.stats.workers import tell
from optout.evidence.opening import Opening
from optout.testing import make_request

async def main(place, connection):
    settings = Settings(state=place / "state", software="worker", policy=place / "policy.yaml",
                        evidence=place / "evidence", opening=Opening.SPOOL)
    driver = Driver(settings, CallableSource(lambda authority, path: None))
    await driver.start()
    _, writer = await asyncio.open_connection(sock=connection)
    telling = asyncio.create_task(tell(writer, every_s=0.05))
    for _ in range(3):
        request = make_request("https://site.example/", "GPTBot/1.0")
        await driver.decide(request, driver.recognize("site.example", request.user_agent, None))
    await asyncio.to_thread(sys.stdin.read)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    await driver.stop()

asyncio.run(main(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))))
"""


async def test_metrics_of_a_service_are_the_sum_over_its_workers(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n")
    with closing(EvidenceLog.open(tmp_path / "evidence", software="supervisor")) as log:
        workers = WorkerStats(
            own=lambda: Stats(taken_us=1, software="supervisor", mode=Mode.OBSERVE, doors=0, log=read_log(log))
        )
        where = StatusAddress(host="127.0.0.1", port=0)
        async with StatusPages(where, read=workers.read, doors=2) as pages:
            port = int(pages.address.rpartition(":")[2])
            assert (await ask(port, "/readyz")).status == 503
            async with worker(tmp_path, workers), worker(tmp_path, workers):
                await until(lambda: count(workers.read()) == 6)
                assert (await ask(port, "/readyz")).status == 200
                metrics = (await ask(port, "/metrics")).body.decode().splitlines()
            gone = (await ask(port, "/metrics")).body.decode().splitlines()
            assert (await ask(port, "/readyz")).body == (
                b'{"ready":false,"problems":["0 of 2 workers serve","no policy is in force"]}'
            )
    refused = (
        'optout_requests_total{action="deny",enforced="true",purpose="train",standing="unverified",status="403"} 6.0'
    )
    assert {refused, "optout_doors 2.0", "optout_log_writable 1.0", "optout_ready 1.0"} <= set(metrics)
    assert "optout_disk_wait_seconds_count 6.0" in metrics
    assert {refused, "optout_doors 0.0", "optout_ready 0.0"} <= set(gone)


@asynccontextmanager
async def worker(place: Path, workers: WorkerStats) -> AsyncIterator[None]:
    """A process with a door, whose numbers `workers` hears; it ends when its standard input does."""
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WORKER, str(place), str(theirs.fileno())),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=(theirs.fileno(),),
    )
    theirs.close()
    reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
    listening = asyncio.create_task(workers.listen(reader))
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await listening
        writer.close()
