"""The log's own files: what enters them from spools, within its size and on a failing disk."""

from __future__ import annotations

import time
from pathlib import Path

from optout.evidence.audit import Verdict, audit
from optout.evidence.log import Budget, EvidenceLog
from tests.evidence.setting import (
    SMALL,
    SOON_S,
    Disk,
    StoppedClock,
    crawl,
    open_log,
    open_spool,
    paths,
    records,
    settle,
    spools,
)


def test_spools_are_looked_at_without_anybodys_asking(home: Path) -> None:
    log = EvidenceLog.open(home, software="x", budget=SMALL)
    writer = open_spool(home)
    writer.append(crawl(1)).result(SOON_S)
    writer.close()
    until = time.monotonic() + SOON_S
    while (spools(home) or log.health.spooled_bytes) and time.monotonic() < until:
        time.sleep(0.01)
    assert paths(home) == ["/gallery/1.jpg"]
    assert (spools(home), log.health.spooled_bytes) == ([], 0)
    log.close()


def test_a_checkpoint_that_is_asked_for_covers_what_waited_in_spools(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    for number in range(3000):
        receipt = writer.append(crawl(number))
    receipt.result(SOON_S)
    assert log.sign().result(SOON_S).size == 3002
    assert log.health.spooled_bytes > 0  # its last file is the writer's still
    writer.close()
    log.close()


def test_own_records_do_not_wait_for_all_that_lies_in_spools(home: Path, disk: Disk) -> None:
    open_log(home).close()
    writer = open_spool(home, budget=Budget(ballast_bytes=0, queue_records=100_000))
    for number in range(6000):
        receipt = writer.append(crawl(number, **{"identity.claimed": "x" * 900}))
    receipt.result(SOON_S)
    log = open_log(home)
    before = disk.syncs
    mine = log.append(crawl(9999)).result(SOON_S)
    assert disk.syncs - before <= 4
    assert mine.index is not None
    settle(log)
    assert mine.index < 3000
    assert log.health.size == 2 + 1 + 6001
    writer.close()
    log.close()
    assert len(paths(home)) == 6001


def test_a_log_at_its_largest_size_leaves_spools_where_they_are_and_takes_them_when_it_may_grow(home: Path) -> None:
    small = Budget(max_bytes=300_000, ballast_bytes=0)
    log = open_log(home, budget=small)
    settle(log)
    writer = open_spool(home)
    for number in range(200):
        receipt = writer.append(crawl(number, **{"identity.claimed": "x" * 1000}))
    receipt.result(SOON_S)
    writer.close()
    settle(log)
    assert "spools" in log.health.trouble
    assert log.health.spooled_bytes > 200_000
    log.close()
    assert len(spools(home)) == 1
    assert audit(home).waiting == 201
    open_log(home).close()
    assert len(paths(home)) == 200
    assert spools(home) == []
    assert audit(home).verdict is Verdict.SOUND


def test_a_full_disk_keeps_spools_until_there_is_room(home: Path, clock: StoppedClock, disk: Disk) -> None:
    log = open_log(home, clock)
    writer = open_spool(home, clock)
    writer.append(crawl(1)).result(SOON_S)
    disk.full = True
    settle(log)
    assert not log.health.writable
    assert paths(home) == []
    disk.full = False
    clock.pass_(2)
    settle(log)
    settle(log)
    assert paths(home) == ["/gallery/1.jpg"]
    assert log.health.writable
    writer.close()
    log.close()
    assert records(home, "log.fault")[0]["reason"] == "write ENOSPC"
    assert audit(home).verdict is Verdict.SOUND


def test_a_batch_from_spools_whose_sync_failed_comes_once(home: Path, clock: StoppedClock, disk: Disk) -> None:
    log = open_log(home, clock)
    settle(log)
    writer = open_spool(home, clock)
    for number in range(5):
        writer.append(crawl(number)).result(SOON_S)
    disk.fail_sync = 1
    settle(log)
    settle(log)
    clock.pass_(2)
    settle(log)
    writer.close()
    log.close()
    assert paths(home) == [f"/gallery/{number}.jpg" for number in range(5)]
    assert audit(home).verdict is Verdict.SOUND


def test_a_document_whose_record_failed_does_not_pass_for_recorded(home: Path, disk: Disk) -> None:
    log = open_log(home)
    settle(log)
    disk.fail_sync = 1
    digest = log.snapshot("robots.txt", b"x")
    settle(log)
    assert not (home / "snapshots" / digest).exists()
    log.snapshot("robots.txt", b"x")
    log.close()
    assert (home / "snapshots" / digest).exists()
    assert len(records(home, "policy.snapshot")) == 1
