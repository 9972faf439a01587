"""Several processes on one log, some of them killed: nothing that was acknowledged is lost, and nothing comes twice."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict, audit
from optout.evidence.log import Budget, EvidenceLog
from tests.evidence.setting import SOON_S, lost_in_gaps, records, spools

_WRITER = """
import sys, pathlib
from optout.evidence.spooled_log import SpooledLog
log = SpooledLog.open(pathlib.Path(sys.argv[1]), software="writer")
number = 0
def tell(future):
    sys.stdout.write(f"{future.path}\\n")
    sys.stdout.flush()
while True:
    log.snapshot("robots.txt", b"User-agent: %d" % (number // 320))
    for _ in range(32):
        path = f"/{sys.argv[2]}/{number}"
        future = log.append({"type": "crawl.request", "url.path": path, "user_agent.original": "x" * 200})
        future.path = path
        future.add_done_callback(tell)
        number += 1
    future.result()
"""
_HOLDER = """
import sys, pathlib, time
from optout.evidence.log import Budget, EvidenceLog
log = EvidenceLog.open(pathlib.Path(sys.argv[1]), software="holder", budget=Budget(checkpoint_every_s=1))
print("holds", flush=True)
while True:
    log.append({"type": "crawl.request", "url.path": "/holder"})
    time.sleep(0.001)
"""


class Acknowledged:
    """A process that writes, and every path that it was given a receipt for."""

    def __init__(self, home: Path, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, home, name], stdout=subprocess.PIPE, text=True, errors="replace"
        )
        self.paths: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.paths.append(line.strip())

    def until(self, count: int) -> None:
        """Wait until so many were acknowledged."""
        until = time.monotonic() + SOON_S
        while len(self.paths) < count and time.monotonic() < until:
            time.sleep(0.002)
        assert len(self.paths) >= count

    def kill(self) -> list[str]:
        """Kill it in the middle of its work; all that it acknowledged."""
        self.process.kill()
        self.process.wait(SOON_S)
        self._reading.join(SOON_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.paths


def _hold(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _HOLDER, home], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(SOON_S)
    assert process.stdout is not None
    process.stdout.close()


def _close(home: Path) -> None:
    """Open the log and close it: whatever waits is taken over."""
    EvidenceLog.open(home, software="last", budget=Budget(ballast_bytes=0)).close()


def _check(home: Path, acknowledged: list[str]) -> None:
    """All that was acknowledged is in the log, once; nothing waits; the log is sound."""
    counted = Counter(str(fields["url.path"]) for fields in records(home, "crawl.request"))
    del counted["/holder"]
    assert [path for path in acknowledged if path not in counted] == []
    assert [path for path, count in counted.items() if count > 1] == []
    numbers = Counter((fields["writer.boot"], fields["writer.seq"]) for fields in records(home))
    assert max(numbers.values()) == 1
    assert spools(home) == []
    report = audit(home)
    assert (report.verdict, report.waiting, report.problems) == (Verdict.SOUND, 0, ())
    assert lost_in_gaps(home) == 0


def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(home: Path) -> None:
    log = EvidenceLog.open(home, software="holder", budget=Budget(ballast_bytes=0))
    writer, other = Acknowledged(home, "a"), Acknowledged(home, "b")
    writer.until(500)
    acknowledged = list(writer.kill())
    other.until(1000)
    acknowledged += other.kill()
    log.close()
    _check(home, acknowledged)


def test_a_holder_that_is_killed_loses_nothing_and_the_next_one_takes_nothing_twice(home: Path) -> None:
    holder = _hold(home)
    writers = [Acknowledged(home, name) for name in ("a", "b")]
    for count in (400, 900):
        for writer in writers:
            writer.until(count)
        _kill(holder)
        holder = _hold(home)
    acknowledged = [path for writer in writers for path in writer.kill()]
    _kill(holder)
    _close(home)
    _check(home, acknowledged)


def test_a_log_that_is_written_by_many_is_sound_at_every_moment(home: Path) -> None:
    log = EvidenceLog.open(home, software="holder", budget=Budget(ballast_bytes=0))
    writers = [Acknowledged(home, name) for name in ("a", "b")]
    for moment in range(10):
        for writer in writers:
            writer.until(100 * moment)
        assert audit(home).problems == ()
    acknowledged = [path for writer in writers for path in writer.kill()]
    log.close()
    _check(home, acknowledged)


@pytest.mark.slow
def test_writers_and_holders_killed_again_and_again_at_random_moments(home: Path) -> None:
    chance = random.Random(20261125)
    holder = _hold(home)
    acknowledged: list[str] = []
    writers = [Acknowledged(home, f"{number}") for number in range(3)]
    for trial in range(20):
        time.sleep(chance.random() * 0.5)
        if chance.random() < 0.5:
            _kill(holder)
            holder = _hold(home)
        else:
            place = chance.randrange(3)
            acknowledged += writers[place].kill()
            writers[place] = Acknowledged(home, f"{trial}-{place}")
    for writer in writers:
        acknowledged += writer.kill()
    _kill(holder)
    _close(home)
    assert len(acknowledged) > 1000
    _check(home, acknowledged)
