"""The log in a process that does not hold it: the same promises, kept by a spool."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.audit import Verdict, audit
from optout.evidence.log import Budget, Loss, NotLoggedError
from optout.evidence.spool import BALLAST
from optout.evidence.spooled_log import SpooledLog
from tests.evidence.setting import (
    SOON_S,
    Disk,
    StoppedClock,
    crawl,
    entries,
    fill,
    lost_in_gaps,
    open_log,
    open_spool,
    paths,
    records,
    settle,
    spooled,
    spools,
)


@pytest.fixture
def made(home: Path) -> Path:
    """A log that nobody holds."""
    open_log(home).close()
    return home


def _taken_over(home: Path) -> None:
    log = open_log(home)
    settle(log)
    log.close()


def test_a_record_is_on_disk_before_its_receipt_and_has_no_place_yet(made: Path) -> None:
    writer = open_spool(made)
    receipt = writer.append(crawl(5)).result(SOON_S)
    assert (receipt.index, receipt.seq) == (None, 1)
    assert spooled(made)[-1]["url.path"] == "/gallery/5.jpg"
    writer.close()


def test_a_start_says_who_writes_for_which_log_and_after_what(made: Path) -> None:
    before = (made / "checkpoint").read_text()
    writer = open_spool(made)
    writer.close()
    (start,) = spooled(made)
    assert (start["type"], start["writer.seq"], start["software"]) == ("log.start", 0, "optout test")
    assert start["log.vkey"] == (made / "vkey").read_text().strip()
    assert start["log.previous.checkpoint"] == before
    assert start["writer.boot"] == writer._spool.path.name
    assert start["log.spooled"] is True


def test_where_there_is_no_log_there_is_no_spool(home: Path) -> None:
    with pytest.raises(EvidenceError, match="no evidence log here"):
        SpooledLog.open(home, software="x")
    assert not home.exists()


def test_a_checkpoint_of_another_key_is_not_recorded_after(made: Path, tmp_path: Path) -> None:
    fill(tmp_path / "other", 1)
    (made / "checkpoint").write_bytes((tmp_path / "other" / "checkpoint").read_bytes())
    with pytest.raises(EvidenceError, match="checkpoint"):
        SpooledLog.open(made, software="x")
    assert spools(made) == []


def test_a_spool_that_cannot_be_made_is_an_error(made: Path) -> None:
    (made / "spool").write_bytes(b"in the way")
    with pytest.raises(EvidenceError, match="cannot write a spool"):
        SpooledLog.open(made, software="x")


def test_gaps_and_losses_are_told_in_the_spool(made: Path, clock: StoppedClock) -> None:
    writer = open_spool(made, clock)
    writer.lost("fault", crawler="GPTBot", action="deny")
    writer.gap("bypass", 1, 2)
    writer.close()
    _taken_over(made)
    assert {gap["reason"] for gap in records(made, "log.gap")} == {"fault", "bypass"}
    assert audit(made).verdict is Verdict.SOUND


def test_a_flood_is_bounded_for_each_writer(made: Path, clock: StoppedClock) -> None:
    writer = open_spool(made, clock, Budget(flood_records=10, ballast_bytes=0))
    losses = [writer.append(crawl(), flood_key="GPTBot deny").exception(SOON_S) for _ in range(50)]
    writer.close()
    assert sum(loss is not None for loss in losses) == 40
    _taken_over(made)
    assert lost_in_gaps(made) == 40


def test_spools_together_have_a_share_of_the_logs_size_and_get_it_back_when_they_are_taken_over(made: Path) -> None:
    budget, clock = Budget(max_bytes=8 * 400_000, ballast_bytes=0), StoppedClock()
    writer, other = open_spool(made, clock, budget), open_spool(made, clock, budget)
    futures = [writer.append(crawl(number, **{"identity.claimed": "x" * 1000})) for number in range(300)]
    refused = [future for future in futures if future.exception(SOON_S)]
    assert {_loss(future) for future in refused} == {Loss.QUEUE_FULL}
    assert "nobody takes them over" in writer.health.trouble
    settle(other)
    assert _loss(other.append(crawl())) is Loss.QUEUE_FULL
    settle(writer)
    log = open_log(made)
    settle(log)
    settle(log)
    settle(writer)
    assert writer.append(crawl(1001)).result(SOON_S)
    writer.close()
    other.close()
    log.close()
    assert len(paths(made)) == 300 - len(refused) + 1
    assert lost_in_gaps(made) >= len(refused)
    assert audit(made).verdict is Verdict.SOUND


def test_beside_a_log_at_its_largest_size_a_full_spool_is_the_owners_choice_and_no_fault(home: Path) -> None:
    budget = Budget(max_bytes=8 * 400_000, ballast_bytes=0)
    log = open_log(home, budget=budget)
    while log.append(crawl(**{"identity.claimed": "x" * 1000})).exception(SOON_S) is None:
        pass
    log.close()
    writer = open_spool(home, budget=budget)
    while writer.append(crawl(**{"identity.claimed": "x" * 1000})).exception(SOON_S) is None:
        pass
    settle(writer)
    assert _loss(writer.append(crawl(**{"identity.claimed": "x" * 1000}))) is Loss.BUDGET
    settle(writer)
    assert "largest size" in writer.health.trouble
    writer.close()


def _loss(future: object) -> Loss:
    fault = future.exception(SOON_S)  # type: ignore[attr-defined]
    assert isinstance(fault, NotLoggedError)
    return fault.loss


def test_a_full_disk_refuses_counts_and_recovers_without_a_restart(made: Path, clock: StoppedClock, disk: Disk) -> None:
    writer = open_spool(made, clock)
    reserve = spools(made)[0] / BALLAST
    assert reserve.exists()
    disk.full = True
    futures = [writer.append(crawl(number)) for number in range(100)]
    assert {_loss(future) for future in futures} == {Loss.DISK_FULL}
    assert not reserve.exists()
    assert not writer.health.writable
    settle(writer)
    disk.full = False
    clock.pass_(2)
    assert writer.append(crawl(100)).result(SOON_S)
    assert reserve.exists()
    writer.close()
    _taken_over(made)
    assert lost_in_gaps(made) == 100
    assert audit(made).verdict is Verdict.SOUND


def test_numbers_of_a_batch_that_failed_are_given_again_and_never_taken_twice(made: Path, disk: Disk) -> None:
    log = open_log(made)
    settle(log)
    writer = open_spool(made)
    disk.fail_sync = 1
    assert _loss(writer.append(crawl(1))) is Loss.DISK_FAULT
    settle(log)  # may look at the file that was left behind
    assert writer.append(crawl(2)).result(SOON_S)
    writer.close()
    log.close()
    assert paths(made) == ["/gallery/2.jpg"]
    assert audit(made).verdict is Verdict.SOUND


def test_a_document_that_the_log_has_is_not_recorded_again(home: Path) -> None:
    fill(home, 1)
    log = open_log(home)
    first, second = open_spool(home), open_spool(home)
    for writer in (first, second):
        writer.snapshot("robots.txt", b"User-agent: *\nDisallow: /\n")
        writer.append(crawl()).result(SOON_S)
    first.snapshot("policy", b"version: 1\n")
    first.append(crawl()).result(SOON_S)
    settle(log)
    second.snapshot("policy", b"version: 1\n")
    second.append(crawl()).result(SOON_S)
    first.close()
    second.close()
    log.close()
    assert len(records(home, "policy.snapshot")) == 2


def test_nobody_who_records_waits_for_a_blocked_disk(made: Path, disk: Disk) -> None:
    writer = open_spool(made)
    disk.blocked.clear()
    first = writer.append(crawl(1))
    assert disk.waiting.wait(SOON_S)
    others = [writer.append(crawl(number)) for number in range(2, 10)]
    writer.snapshot("robots.txt", b"x")
    assert writer.health.queue_depth == 9
    assert not first.done()
    disk.blocked.set()
    assert all(future.result(SOON_S) for future in others)
    writer.close()


def test_health_tells_the_spool_and_the_checkpoint_of_the_log(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home, budget=Budget(max_bytes=80_000_000, ballast_bytes=0))
    writer.append(crawl()).result(SOON_S)
    settle(log)
    writer.close()
    health = writer.health
    assert (health.size, health.notes_pending, health.trouble) == (2, 0, "")
    assert not health.writable
    assert (health.checkpoint_size, health.max_bytes) == (3, 10_000_000)
    assert health.checkpoint_us == (home / "checkpoint").stat().st_mtime_ns // 1000
    log.close()


def test_a_closed_spool_refuses_records_and_closing_twice_is_closing_once(made: Path) -> None:
    writer = open_spool(made)
    writer.close()
    writer.close()
    assert _loss(writer.append(crawl())) is Loss.CLOSED
    _taken_over(made)
    assert spools(made) == []


def test_a_forked_child_has_no_share_in_the_spool(made: Path) -> None:
    writer = open_spool(made)
    child = os.fork()
    if not child:  # pragma: no cover  another process
        refused = writer.append(crawl(1)).exception(0) is not None
        writer.close()
        os._exit(0 if refused else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    writer.append(crawl(2)).result(SOON_S)
    log = open_log(made)
    settle(log)
    assert len(spools(made)) == 1  # its writer lives, whatever became of the child
    writer.close()
    log.close()
    assert paths(made) == ["/gallery/2.jpg"]


def test_nothing_private_reaches_a_spool(made: Path) -> None:
    writer = open_spool(made)
    writer.append(crawl(), {"client.address": "203.0.113.77"}).result(SOON_S)
    writer.close()
    assert all(b"203.0.113.77" not in path.read_bytes() for path in spools(made)[0].iterdir())
    _taken_over(made)
    assert len(entries(made)) > 0
