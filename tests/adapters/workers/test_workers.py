"""`optout serve --workers`: real processes on one port, one log, and workers that are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from optout.adapters.switch import Off, write_switch
from optout.evidence.audit import Verdict, audit
from optout.evidence.log import EvidenceLog
from tests.certificates import serial_of, trusting_nobody, write_certificate
from tests.doors.raw_origin import RawOrigin, Seen
from tests.evidence.setting import spools
from tests.judge import leaves
from tests.served import ask, connected
from tests.serving import Serving, serving

BOT = "GPTBot/1.4"
GUARD_S = 60.0


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    """An origin whose answers a test may set."""
    with RawOrigin() as running:
        yield running


def options(origin: RawOrigin, *more: str, policy: str = "no-training") -> tuple[str, ...]:
    """Two workers before the origin."""
    return ("--upstream", f"http://127.0.0.1:{origin.port}", "--policy", policy, "--workers", "2", *more)


def workers(served: Serving) -> set[int]:
    """The process ids of the supervisor's children."""
    pid = served.process.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what must come."""
    async with asyncio.timeout(GUARD_S):
        while not await holds():
            await asyncio.sleep(0.05)


async def statuses(port: int, path: str = "/x", count: int = 12) -> set[int]:
    """What so many crawlers are told, each on a connection of its own."""
    return {(await ask(port, path, BOT)).status for _ in range(count)}


def evidence(place: Path) -> Path:
    return place / "state" / "evidence"


def assert_sound(place: Path) -> None:
    """The log is whole and signed, and nothing waits."""
    report = audit(evidence(place))
    assert (report.verdict, report.problems, report.waiting) == (Verdict.SOUND, (), 0)
    assert report.covered == report.size
    assert spools(evidence(place)) == []


async def test_visitors_are_spread_over_the_workers_and_all_is_in_one_log(tmp_path: Path, origin: RawOrigin) -> None:
    with serving(tmp_path, *options(origin)) as served:
        assert len(workers(served)) == served.said["workers"] == 2
        for number in range(40):
            assert (await ask(served.port, f"/{number}", BOT)).status == 403
        assert (await ask(served.port, "/person")).status == 200
        assert await asyncio.to_thread(served.end) == 0
    found = [leaf for leaf in leaves(evidence(tmp_path)) if leaf["type"] == "crawl.request"]
    assert sorted(str(leaf["url.path"]) for leaf in found) == sorted(f"/{number}" for number in range(40))
    assert len({leaf["writer.boot"] for leaf in found}) == 2
    assert_sound(tmp_path)


async def test_a_worker_killed_under_load_loses_no_record_and_comes_back_while_the_other_goes_on(
    tmp_path: Path, origin: RawOrigin
) -> None:
    answered: list[str] = []
    ended = asyncio.Event()

    async def crawl(name: str, port: int) -> None:
        number = 0
        while not ended.is_set():
            path = f"/{name}/{number}"
            with suppress(OSError, EOFError):  # of those that the killed worker held
                if (await ask(port, path, BOT)).status == 403:
                    answered.append(path)
            number += 1

    with serving(tmp_path, *options(origin)) as served:
        crawlers = [asyncio.create_task(crawl(f"{name}", served.port)) for name in range(8)]

        async def has_answered(count: int) -> None:
            await until(lambda: asyncio.sleep(0, len(answered) >= count))

        await has_answered(200)
        before = workers(served)
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        await has_answered(len(answered) + 100)  # the other one goes on
        await until(lambda: asyncio.sleep(0, len(workers(served) - {killed}) == 2))
        await has_answered(len(answered) + 300)
        ended.set()
        await asyncio.gather(*crawlers)
        assert await asyncio.to_thread(served.end) == 0
        said = served.output()
    assert "ended by signal 9 (Killed); it is started again in 0.5 s" in said
    assert "serves again" in said
    recorded = Counter(str(leaf["url.path"]) for leaf in leaves(evidence(tmp_path)) if leaf["type"] == "crawl.request")
    assert [path for path in answered if recorded[path] != 1] == []
    assert_sound(tmp_path)


async def test_requests_under_way_are_finished_and_recorded_before_the_end(tmp_path: Path, origin: RawOrigin) -> None:
    entered, go_on = threading.Semaphore(0), threading.Event()

    async def slow(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
        entered.release()
        await asyncio.to_thread(go_on.wait)
        writer.write(b"56789")

    origin.answers[b"/slow"] = slow
    with serving(tmp_path, *options(origin, policy="observe")) as served:
        raws = [connected(served.port) for _ in range(6)]
        opened = [await each.__aenter__() for each in raws]
        for raw in opened:
            await raw.send(b"GET /slow HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
        for _ in opened:
            await asyncio.to_thread(entered.acquire)
        served.process.send_signal(signal.SIGTERM)
        await until(lambda: _is_refused(served.port))
        go_on.set()
        assert [(await raw.answer()).body for raw in opened] == [b"0123456789"] * 6
        for each in raws:
            await each.__aexit__(None, None, None)
        assert await asyncio.to_thread(served.end) == 0
    ended = [leaf for leaf in leaves(evidence(tmp_path)) if leaf["type"] == "crawl.outcome"]
    assert [(leaf["http.response.body.size"], leaf["outcome.aborted"]) for leaf in ended] == [(10, False)] * 6
    assert_sound(tmp_path)


async def _is_refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


async def test_switch_policy_and_sighup_reach_every_worker(tmp_path: Path, origin: RawOrigin) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n")
    cert, key = write_certificate(tmp_path, 1)
    tls = ("--tls-cert", str(cert), "--tls-key", str(key))
    with serving(tmp_path, *options(origin, *tls, policy=str(policy))) as served:

        async def visits() -> set[tuple[int, int]]:
            return {await _visit(served.port) for _ in range(12)}

        async def all_are(serial: int, status: int) -> bool:
            return await visits() == {(serial, status)}

        assert await all_are(1, 403)
        write_switch(tmp_path / "state", (Off(site="*", since_us=1),))
        await until(lambda: all_are(1, 200))
        write_switch(tmp_path / "state", ())
        await until(lambda: all_are(1, 403))
        policy.write_text("version: 1\nmode: observe\ndefault: deny\non_error: refuse\n")
        await until(lambda: all_are(1, 200))
        write_certificate(tmp_path, 2)
        served.process.send_signal(signal.SIGHUP)
        await until(lambda: all_are(2, 200))
        assert len(workers(served)) == 2
        assert await asyncio.to_thread(served.end, signal.SIGINT) == 0
    off = [leaf for leaf in leaves(evidence(tmp_path)) if leaf.get("reason") == "bypass"]
    assert len({leaf["writer.boot"] for leaf in off}) == 2
    assert_sound(tmp_path)


async def _visit(port: int) -> tuple[int, int]:
    """The certificate's serial number and the status that a crawler gets over TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting_nobody())
    writer.write(b"GET /x HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\nConnection: close\r\n\r\n")
    shown = writer.get_extra_info("ssl_object")
    serial, head = serial_of(shown.getpeercert(binary_form=True)), await reader.readline()
    writer.close()
    return serial, int(head.split()[1])


async def test_a_worker_that_cannot_start_again_is_told_and_tried_until_it_can(
    tmp_path: Path, origin: RawOrigin
) -> None:
    policy = tmp_path / "policy.yaml"
    good = "version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n"
    policy.write_text(good)
    with serving(tmp_path, *options(origin, policy=str(policy))) as served:
        policy.write_text("version: 1\nmode: sometimes\n")
        killed = min(workers(served))
        os.kill(killed, signal.SIGKILL)

        async def has_said(words: str) -> bool:
            return words in served.stderr.read_text()

        await until(lambda: has_said("cannot start: "))
        assert await statuses(served.port) == {403}  # the other one has the last good policy
        policy.write_text(good)
        await until(lambda: has_said("serves again"))
        assert len(workers(served)) == 2
        assert await asyncio.to_thread(served.end) == 0
    assert_sound(tmp_path)


async def test_workers_end_with_their_supervisor_and_the_next_start_takes_over_what_they_logged(
    tmp_path: Path, origin: RawOrigin
) -> None:
    with serving(tmp_path, *options(origin)) as served:
        left = workers(served)
        for number in range(20):
            assert (await ask(served.port, f"/{number}", BOT)).status == 403
        served.process.kill()

        async def have_ended() -> bool:
            return not any(Path(f"/proc/{pid}").exists() for pid in left)

        await until(have_ended)
    EvidenceLog.open(evidence(tmp_path), software="next").close()
    assert sum(leaf["type"] == "crawl.request" for leaf in leaves(evidence(tmp_path))) == 20
    assert_sound(tmp_path)


async def test_readiness_and_numbers_are_those_of_all_workers(tmp_path: Path, origin: RawOrigin) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with serving(tmp_path, *options(origin, "--status-listen", f"127.0.0.1:{port}")) as served:

        async def is_ready() -> bool:
            return (await ask(port, "/readyz")).status == 200

        await until(is_ready)
        for number in range(20):
            await ask(served.port, f"/{number}", BOT)

        async def counts_all() -> bool:
            text = (await ask(port, "/metrics")).body.decode()
            counted = [line for line in text.splitlines() if line.startswith("optout_") and 'status="403"' in line]
            return sum(float(line.rpartition(" ")[2]) for line in counted) == 20

        await until(counts_all)
        assert await asyncio.to_thread(served.end) == 0


def refused(place: Path, *words: str) -> str:
    """What `optout serve` says when it does not start."""
    with pytest.raises(AssertionError) as told, serving(place, *words):
        pass
    return str(told.value)


def test_what_keeps_one_worker_from_starting_stops_everything_with_one_reason(
    tmp_path: Path, origin: RawOrigin
) -> None:
    cert, _ = write_certificate(tmp_path, 1)
    said = refused(tmp_path, *options(origin, "--tls-cert", str(cert), "--tls-key", str(cert)))
    assert "Traceback" not in said
    assert said.count("optout: ") == 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused(tmp_path, *options(origin, "--listen", busy))
    assert f"optout: cannot listen on {busy}: Address already in use" in said
    (tmp_path / "broken.yaml").write_text("version: 1\nmode: sometimes\n")
    assert "mode" in refused(tmp_path, *options(origin, policy=str(tmp_path / "broken.yaml")))
    held = EvidenceLog.open(evidence(tmp_path), software="another")
    assert "another process writes the evidence log" in refused(tmp_path, *options(origin))
    held.close()
    assert "a unix socket" in refused(tmp_path, *options(origin, "--listen", f"unix:{tmp_path}/sock"))
    assert spools(evidence(tmp_path)) == []


async def test_a_second_ctrl_c_ends_at_once_and_a_second_sigterm_changes_nothing(
    tmp_path: Path, origin: RawOrigin
) -> None:
    entered = threading.Event()

    async def silent(_seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
        entered.set()
        await reader.read()

    origin.answers[b"/silent"] = silent
    with serving(tmp_path, *options(origin, policy="observe")) as served:
        async with connected(served.port) as raw:
            await raw.send(b"GET /silent HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
            await asyncio.to_thread(entered.wait)
            for _ in range(2):
                served.process.send_signal(signal.SIGTERM)
                await until(lambda: _is_refused(served.port))
            assert len(workers(served)) >= 1
            served.process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(served.process.wait, GUARD_S) == 0
    assert_sound(tmp_path)


async def test_what_one_worker_saw_the_records_of_the_other_tell(tmp_path: Path, origin: RawOrigin) -> None:
    with serving(tmp_path, *options(origin, policy="observe")) as served:
        for _ in range(3):
            await ask(served.port, "/robots.txt", BOT)  # the first ones may come before it is known
        for number in range(24):
            await ask(served.port, f"/{number}", BOT)
        assert await asyncio.to_thread(served.end) == 0
    requests = [leaf for leaf in leaves(evidence(tmp_path)) if leaf["type"] == "crawl.request"]
    fetches = {str(leaf["id"]) for leaf in requests if leaf["url.path"] == "/robots.txt"}
    pages = [leaf for leaf in requests if leaf["url.path"] != "/robots.txt"]
    assert len({leaf["writer.boot"] for leaf in pages}) == 2
    assert {str(leaf.get("notice.robots.id")) in fetches for leaf in pages} == {True}
    assert {leaf["observed.robots"] for leaf in pages} <= {"current"}
    counts = [int(str(leaf["observed.minute"])) for leaf in sorted(pages, key=lambda leaf: int(str(leaf["time_us"])))]
    assert max(counts) <= 24
    assert len(counts) == len(set(counts)) or 1 in counts[1:]  # a minute may begin in between
