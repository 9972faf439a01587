"""When whoever held the log ends, another process holds it, beside its spool."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import HeldError
from optout.evidence.log import EvidenceLog
from optout.evidence.stand_in import StandIn
from tests.evidence.setting import SMALL, SOON_S, StoppedClock, crawl, open_log, open_spool, paths, spools


def _until(happened: Callable[[], object]) -> None:
    until = time.monotonic() + SOON_S
    while not happened() and time.monotonic() < until:
        time.sleep(0.005)
    assert happened()


def _opening(home: Path) -> Callable[[], EvidenceLog]:
    return partial(EvidenceLog.open, home, software="stand-in", budget=SMALL, clock=StoppedClock())


def test_it_takes_the_log_when_nobody_holds_it_any_more_and_takes_over_every_spool(home: Path) -> None:
    log = open_log(home)
    writer, other = open_spool(home), open_spool(home)
    stand_in = StandIn(_opening(home), every_s=0.01)
    writer.append(crawl(1)).result(SOON_S)
    log.close()
    _until(lambda: stand_in._log)
    other.append(crawl(2)).result(SOON_S)
    writer.close()
    other.close()
    stand_in.close()
    assert sorted(paths(home)) == ["/gallery/1.jpg", "/gallery/2.jpg"]
    assert spools(home) == []
    assert audit(home).verdict is Verdict.SOUND
    open_log(home).close()


def test_it_leaves_a_log_alone_that_somebody_holds(home: Path) -> None:
    log = open_log(home)
    tried: list[int] = []

    def hold() -> EvidenceLog:
        tried.append(1)
        return _opening(home)()

    stand_in = StandIn(hold, every_s=0.001)
    _until(lambda: len(tried) > 3)
    stand_in.close()
    assert log.append(crawl()).result(SOON_S)
    log.close()


def test_a_log_that_does_not_open_is_told_once_and_tried_again(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_log(home).close()
    state = (home / "state").read_bytes()
    (home / "state").write_bytes(b"{}")
    tried: list[int] = []

    def hold() -> EvidenceLog:
        tried.append(1)
        return _opening(home)()

    stand_in = StandIn(hold, every_s=0.001)
    _until(lambda: len(tried) > 3)
    assert caplog.text.count("records wait in spools") == 1
    (home / "state").write_bytes(state)
    _until(lambda: stand_in._log)
    stand_in.close()


def test_a_log_that_opens_after_the_end_is_let_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optout.evidence.stand_in._CLOSE_WITHIN_S", 0.01)
    opening, go_on = [False], [False]

    def slow() -> EvidenceLog:
        opening[0] = True
        while not go_on[0]:
            time.sleep(0.001)
        return _opening(home)()

    stand_in = StandIn(slow, every_s=0.001)
    _until(lambda: opening[0])
    stand_in.close()
    go_on[0] = True
    stand_in._thread.join(SOON_S)
    open_log(home).close()


def test_a_spooled_log_has_its_stand_in_until_it_is_closed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optout.evidence.stand_in._TRY_EVERY_S", 0.01)
    log = open_log(home)
    writer = open_spool(home)
    writer.stand_in(_opening(home))
    log.close()
    _until(lambda: writer._stand_in is not None and writer._stand_in._log)
    with pytest.raises(HeldError):
        open_log(home)
    writer.append(crawl(1)).result(SOON_S)
    writer.close()
    assert paths(home) == ["/gallery/1.jpg"]
    assert spools(home) == []
    with pytest.raises(EvidenceError):
        writer.append(crawl(2)).result(SOON_S)
    open_log(home).close()
