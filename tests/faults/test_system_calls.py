"""T2: EIO and a kill at every single system call with which a log touches its files, by strace; and the next log, too.

A first run shows which calls those are, in which thread; then each of them fails, or kills the process, in a run of its
own. Afterwards the log opens, is sound, and holds every record of which the program had said that it was on disk, once.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict
from optout.evidence.chain import audit_chain
from optout.evidence.log import EvidenceLog
from optout.evidence.succession import logs_of
from tests.faults.reading import check

pytestmark = pytest.mark.fault

_KINDS = ("openat", "write", "pwrite64", "fdatasync", "fsync", "rename", "close", "mkdir", "link", "unlink")
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)")
_UNFINISHED = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")

_PROGRAM = """
import sys
from pathlib import Path
from optout.errors import EvidenceError
from optout.evidence.log import Budget, EvidenceLog
from optout.evidence.schema import encode
import optout.evidence.private, optout.evidence.keys
directory = Path(sys.argv[1])
try:
    log = EvidenceLog.open(directory, software="faults", budget=Budget(ballast_bytes=65536, segment_bytes=6000))
    log.snapshot("robots.txt", b"User-agent: *")
    for number in range(12):
        told = log.append({"type": "crawl.request", "tenant": "t", "url.path": f"/{number}"}, {"url.query": "q"})
        try:
            told.result(20)
            print(f"ack /{number}", flush=True)
        except EvidenceError:
            pass
        if number == 6:
            try:
                log.sign().result(20)
            except EvidenceError:
                pass
    log.close()
except EvidenceError:
    sys.exit(3)
"""

_SUCCESSION = """
import sys, time
from pathlib import Path
from optout.errors import EvidenceError
from optout.evidence import ledger
from optout.evidence.log import Budget, EvidenceLog
import optout.evidence.private, optout.evidence.keys
ledger._LOOK_FOR_END_US = 0
directory = Path(sys.argv[1])
try:
    log = EvidenceLog.open(directory, software="faults", budget=Budget(ballast_bytes=65536))
    log.snapshot("robots.txt", b"User-agent: *")
    for number in range(12):
        if number == 6:
            (directory / "rotate").touch()
            until = time.monotonic() + 3
            while time.monotonic() < until and not log.health.trouble:
                log.lost("test", crawler="x", action="y")
                if (directory / "past").exists() and not (directory / "turning").exists():
                    break
                time.sleep(0.01)
        told = log.append({"type": "crawl.request", "tenant": "t", "url.path": f"/{number}"})
        try:
            told.result(20)
            print(f"ack /{number}", flush=True)
        except EvidenceError:
            pass
    log.close()
except (EvidenceError, OSError):
    sys.exit(3)
"""


def _traced(home: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["strace", "-f", "-qq", *options, sys.executable, "-c", program, str(home)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def _calls(place: Path, program: str) -> Iterator[tuple[str, int]]:
    """The calls that touch the log's files: kind, and its number among those of its kind in its thread."""
    home, trace = place / "first", place / "trace"
    done = _traced(home, program, "-o", str(trace), "-e", f"trace={','.join(_KINDS)}")
    assert done.stdout.count("ack") == 12, done.stderr
    counts: Counter[tuple[str, str]] = Counter()
    ours: set[str] = set()
    for line in trace.read_text().splitlines():
        match = _CALL.match(line) or _UNFINISHED.match(line)
        if match is None:
            continue
        thread, kind, rest = match.group(1), match.group(2), match.group(3)
        counts[thread, kind] += 1
        descriptor = rest.partition(",")[0]
        is_ours = str(home) in rest if kind in ("openat", "rename", "mkdir", "link", "unlink") else descriptor in ours
        if kind == "openat" and is_ours and match.re is _CALL and match.group(4) != "?":
            ours.add(match.group(4))
        if kind == "close":
            ours.discard(descriptor)
        if is_ours:
            yield kind, counts[thread, kind]


def _faulty(place: Path, program: str, name: str, kind: str, number: int, fault: str) -> str:
    """What is wrong after a run with this fault; "" if nothing is."""
    home = place / name / "log"
    home.parent.mkdir()
    done = _traced(
        home, program, "-o", "/dev/null", "-e", f"trace={kind}", "-e", f"inject={kind}:{fault}:when={number}"
    )
    acknowledged = [line.removeprefix("ack ") for line in done.stdout.splitlines() if line.startswith("ack ")]
    try:
        EvidenceLog.open(home, software="faults").close()
        for one in audit_chain(home):
            if one.report.verdict is not Verdict.SOUND:
                return f"{one.log.name}: {one.report.problems}"
        fields = [one for log in logs_of(home) for one in check(log)]
        paths = Counter(one.get("url.path") for one in fields if one["type"] == "crawl.request")
    except Exception as fault_found:
        return f"{type(fault_found).__name__}: {fault_found}"
    missing = [path for path in acknowledged if paths[path] != 1]
    doubled = [path for path, count in paths.items() if count > 1]
    return f"missing {missing}, doubled {doubled}" if missing or doubled else ""


@pytest.mark.parametrize("program", [_PROGRAM, _SUCCESSION], ids=["one log", "a log and the next one"])
@pytest.mark.parametrize("fault", ["error=EIO", "signal=SIGKILL"])
def test_every_call_may_fail(tmp_path: Path, fault: str, program: str) -> None:
    places = sorted(set(_calls(tmp_path, program)))
    assert len(logs_of(tmp_path / "first")) == (2 if program is _SUCCESSION else 1)
    assert {kind for kind, _ in places} >= {"openat", "write", "fdatasync", "fsync", "rename", "close"}
    assert len(places) > 60
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(
            lambda one: (one[1], _faulty(tmp_path, program, str(one[0]), *one[1], fault)), enumerate(places)
        )
        wrong = {place: text for place, text in found if text}
    assert wrong == {}
