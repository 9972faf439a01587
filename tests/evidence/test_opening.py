"""Which part a process takes in a log."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import HeldError, Layout, lock_directory
from optout.evidence.log import EvidenceLog
from optout.evidence.opening import Opening, open_log
from optout.evidence.spooled_log import SpooledLog
from tests.evidence.setting import SOON_S, crawl, records, spools


def test_a_log_is_held_alone_or_not_at_all(home: Path) -> None:
    log = open_log(home, Opening.HOLD, software="first")
    with pytest.raises(HeldError, match="another process writes"):
        open_log(home, Opening.HOLD, software="second")
    log.close()


def test_a_worker_writes_a_spool_whether_anybody_holds_the_log_or_not(home: Path) -> None:
    with pytest.raises(EvidenceError, match="no evidence log here"):
        open_log(home, Opening.SPOOL, software="worker")
    EvidenceLog.open(home, software="supervisor").close()
    worker = open_log(home, Opening.SPOOL, software="worker")
    assert isinstance(worker, SpooledLog)
    worker.close()


def test_of_equal_processes_the_first_holds_the_log_and_the_others_record_beside_it(home: Path) -> None:
    logs = [open_log(home, Opening.JOIN, software=f"worker {number}") for number in range(3)]
    assert [type(log) for log in logs] == [EvidenceLog, SpooledLog, SpooledLog]
    for number, log in enumerate(logs):
        log.append(crawl(number)).result(SOON_S)
    for log in reversed(logs):
        log.close()
    assert len(records(home, "crawl.request")) == 3
    assert spools(home) == []
    assert audit(home).verdict is Verdict.SOUND


def test_a_log_that_is_being_made_is_waited_for(home: Path) -> None:
    lock = lock_directory(Layout(home))
    opened: list[object] = []
    joining = threading.Thread(target=lambda: opened.append(open_log(home, Opening.JOIN, software="second")))
    joining.start()
    lock.release()
    joining.join(SOON_S)
    (log,) = opened
    assert isinstance(log, EvidenceLog)
    log.close()


def test_a_log_that_is_never_made_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optout.evidence.opening._MADE_WITHIN_S", 0.05)
    with lock_directory(Layout(home)), pytest.raises(HeldError):
        open_log(home, Opening.JOIN, software="second")


def test_a_directory_with_something_else_in_it_is_refused_by_all(home: Path) -> None:
    home.mkdir()
    (home / "holiday.jpg").write_bytes(b"")
    for how in Opening:
        with pytest.raises(EvidenceError):
            open_log(home, how, software="x")


_EQUAL = """
import sys, pathlib
from optout.evidence.opening import Opening, open_log
log = open_log(pathlib.Path(sys.argv[1]), Opening.JOIN, software="equal")
futures = [log.append({"type": "crawl.request", "url.path": f"/{sys.argv[2]}/{n}"}) for n in range(200)]
for future in futures:
    future.result()
log.close()
"""


def test_processes_that_start_at_once_on_an_empty_directory_make_one_log(home: Path) -> None:
    started = [subprocess.Popen([sys.executable, "-c", _EQUAL, home, str(number)]) for number in range(4)]
    assert [process.wait(SOON_S * 2) for process in started] == [0] * 4
    EvidenceLog.open(home, software="next").close()
    assert len(records(home, "crawl.request")) == 800
    assert spools(home) == []
    assert audit(home).verdict is Verdict.SOUND
