"""T17: the machine's clock is set back and forward under a running log, by libfaketime."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict, audit
from tests.evidence.setting import records

pytestmark = pytest.mark.fault

_PROGRAM = """
import sys
from pathlib import Path
from optout.errors import EvidenceError
from optout.evidence.log import Budget, EvidenceLog
directory, clock = Path(sys.argv[1]), Path(sys.argv[2])
log = EvidenceLog.open(directory, software="clock", budget=Budget(ballast_bytes=65536))
for number, step in enumerate(["+0", "-2s", "-1h", "-10y", "+0", "+10y", "+0"]):
    clock.write_text(step + "\\n")
    log.append({"type": "crawl.request", "url.path": f"/{number}"}).result(20)
    try:
        size = log.sign().result(20).size
        print(step, "signed", flush=True)
    except EvidenceError as fault:
        print(step, "refused", flush=True)
log.close()
"""


def _library() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "faketime is missing: .ci/system-packages.sh installs it"
    return str(found[0])


def test_a_clock_that_steps_changes_no_order_and_signs_no_past(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    environment = {
        **os.environ,
        "LD_PRELOAD": _library(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    home = tmp_path / "evidence"
    command = [sys.executable, "-c", _PROGRAM, str(home), str(clock)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [
        "+0 signed",
        "-2s refused",
        "-1h refused",
        "-10y refused",
        "+0 signed",
        "+10y signed",
        "+0 refused",
    ]
    every = records(home)
    assert [one["url.path"] for one in every if one["type"] == "crawl.request"] == [f"/{number}" for number in range(7)]
    steps = [int(str(one["clock.step_us"])) // 1_000_000 for one in every if one["type"] == "log.clock"]
    assert [round(step, -1) for step in steps if abs(step) > 100][:2] != []
    assert any(step < -300_000_000 for step in steps)
    assert any(step > 300_000_000 for step in steps)
    report = audit(home)
    assert report.verdict is Verdict.SOUND
    assert report.covered < report.size  # what came after the clock was ten years ahead is not signed in the past
