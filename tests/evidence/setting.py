"""What the tests of the log share: a clock that stands still, records, a log with a past, ways of reading it back."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.inbox import SignRequest
from optout.evidence.log import Budget, EvidenceLog
from optout.evidence.recorder import Recorder
from optout.evidence.schema import parse_record
from optout.evidence.segments import Entry, read_entries
from optout.evidence.spool import list_spools
from optout.evidence.spooled_log import SpooledLog

SOON_S = 20.0  # a guard against hanging, never a figure
SMALL = Budget(ballast_bytes=64 * 1024)


class StoppedClock:
    """A clock that moves only when told; `step` moves the wall clock alone."""

    def __init__(self) -> None:
        self.wall_us = 1_795_000_000_000_000
        self.steady_us = 5_000_000

    def now_us(self) -> int:
        return self.wall_us

    def mono_us(self) -> int:
        return self.steady_us

    def pass_(self, seconds: float) -> None:
        self.wall_us += int(seconds * 1_000_000)
        self.steady_us += int(seconds * 1_000_000)

    def step(self, seconds: float) -> None:
        self.wall_us += int(seconds * 1_000_000)


def crawl(number: int = 0, **more: object) -> dict[str, object]:
    """A record such as a door makes."""
    return {
        "type": "crawl.request",
        "id": f"00000000-0000-7000-8000-{number:012d}",
        "crawl.product": "GPTBot",
        "decision.action": "deny",
        "url.path": f"/gallery/{number}.jpg",
        "user_agent.original": "GPTBot/1.2",
        **more,
    }


def open_log(directory: Path, clock: StoppedClock | None = None, budget: Budget = SMALL) -> EvidenceLog:
    return EvidenceLog.open(directory, software="optout test", budget=budget, clock=clock or StoppedClock())


def fill(directory: Path, count: int, *, boots: int = 1, budget: Budget = SMALL) -> None:
    """A closed log: `count` records in each of `boots` starts, a document in the first."""
    for boot in range(boots):
        log = open_log(directory, budget=budget)
        log.snapshot("robots.txt", b"User-agent: *\nDisallow: /\n")
        for number in range(count):
            log.append(crawl(boot * count + number)).result(SOON_S)
        log.close()


def settle(log: Recorder) -> None:
    """Wait until the writer has done everything that was asked of it before, and looked around."""
    request = SignRequest()
    if log._put_job(request):
        with suppress(EvidenceError):
            request.future.result(SOON_S)


def entries(directory: Path) -> list[Entry]:
    """Every whole record of a log."""
    return [item for item in read_entries(directory / "segments") if isinstance(item, Entry)]


def records(directory: Path, kind: str = "") -> list[dict[str, object]]:
    """The fields of every record, or of those of one type."""
    found = [parse_record(entry.record) or {} for entry in entries(directory)]
    return [fields for fields in found if not kind or fields["type"] == kind]


def lost_in_gaps(directory: Path) -> int:
    """How many records the log says it did not write."""
    return sum(int(str(gap["count"])) for gap in records(directory, "log.gap"))


class Disk:
    """Faults of a disk, put in place of the calls of one module; without a fault the real calls are made."""

    def __init__(self, write: Callable[[int, bytes], None], sync: Callable[[int], None]) -> None:
        self._write, self._sync = write, sync
        self.full = False
        self.fail_sync: int | None = None  # how many more syncs fail; None: none, -1: all
        self.blocked = threading.Event()
        self.blocked.set()
        self.waiting = threading.Event()
        self.syncs = 0

    def write_all(self, descriptor: int, data: bytes) -> None:
        if self.full:
            # As a real one does it: a short count first, ENOSPC with the next call.
            os.write(descriptor, data[: max(1, len(data) // 2)])
            raise OSError(errno.ENOSPC, "No space left on device")
        self._write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        if not self.blocked.is_set():
            self.waiting.set()
            assert self.blocked.wait(SOON_S)
        if self.fail_sync is not None and self.fail_sync != 0:
            self.fail_sync -= 1 if self.fail_sync > 0 else 0
            raise OSError(errno.EIO, "Input/output error")
        self._sync(descriptor)


def open_spool(directory: Path, clock: StoppedClock | None = None, budget: Budget = SMALL) -> SpooledLog:
    """The log as a process holds it that found it taken; its start is in the spool already."""
    log = SpooledLog.open(directory, software="optout test", budget=budget, clock=clock or StoppedClock())
    log._inbox.nudge()  # else the start is written with the first record, or after a second
    until = time.monotonic() + SOON_S
    while not log.health.size and time.monotonic() < until:
        time.sleep(0.001)
    return log


def spools(directory: Path) -> list[Path]:
    """The spools that are there."""
    return list(list_spools(Layout(directory)))


def spooled(directory: Path) -> list[dict[str, object]]:
    """The fields of every record that lies in a spool's files, taken over or not."""
    found = [item for spool in spools(directory) for item in read_entries(spool) if isinstance(item, Entry)]
    return [parse_record(entry.record) or {} for entry in found]


def paths(directory: Path) -> list[str]:
    """The paths of the requests in the log."""
    return [str(fields["url.path"]) for fields in records(directory, "crawl.request")]


@contextmanager
def unusable(directory: Path) -> Iterator[None]:
    """A log's directory in which no log can be opened, until the context ends."""
    directory.mkdir(parents=True)
    (directory / "holiday.jpg").write_bytes(b"")
    try:
        yield
    finally:
        (directory / "holiday.jpg").unlink()
