"""The writer's rules that are not visible in a single call: batching, order, numbers."""

from __future__ import annotations

from pathlib import Path

from optout.evidence.log import Budget
from optout.evidence.segments import list_segments
from tests.evidence.setting import SOON_S, Disk, StoppedClock, crawl, open_log, records, settle


def test_what_came_during_one_sync_shares_the_next(home: Path, disk: Disk) -> None:
    log = open_log(home)
    settle(log)
    disk.blocked.clear()
    first = log.append(crawl(0))
    assert disk.waiting.wait(SOON_S)
    before = disk.syncs
    others = [log.append(crawl(number)) for number in range(1, 200)]
    disk.blocked.set()
    assert first.result(SOON_S)
    assert all(future.result(SOON_S) for future in others)
    assert disk.syncs == before + 1
    log.close()


def test_a_lone_record_is_synced_without_waiting_for_company(home: Path, disk: Disk) -> None:
    log = open_log(home)
    settle(log)
    before = disk.syncs
    for number in range(5):
        log.append(crawl(number)).result(SOON_S)
    assert disk.syncs == before + 5
    log.close()


def test_a_gap_stands_before_the_records_that_follow_it(home: Path, clock: StoppedClock, disk: Disk) -> None:
    log = open_log(home, clock)
    settle(log)
    disk.fail_sync = 1
    assert log.append(crawl(0)).exception(SOON_S)
    assert log.append(crawl(1)).result(SOON_S)
    log.close()
    assert [fields["type"] for fields in records(home)] == ["log.start", "log.fault", "log.gap", "crawl.request"]


def test_a_failed_batch_uses_up_no_numbers(home: Path, disk: Disk) -> None:
    log = open_log(home)
    settle(log)
    disk.fail_sync = 1
    assert log.append(crawl(0)).exception(SOON_S)
    log.append(crawl(1)).result(SOON_S)
    log.close()
    assert [fields["writer.seq"] for fields in records(home)] == [0, 1, 2, 3]


def test_one_document_twice_in_a_batch_is_written_once(home: Path, disk: Disk) -> None:
    log = open_log(home)
    settle(log)
    disk.blocked.clear()
    log.append(crawl(0))
    assert disk.waiting.wait(SOON_S)
    for _ in range(3):
        log.snapshot("robots.txt", b"x")
    disk.blocked.set()
    log.close()
    assert len(records(home, "policy.snapshot")) == 1


def test_a_document_that_cannot_be_stored_refuses_its_batch(home: Path, clock: StoppedClock) -> None:
    log = open_log(home, clock)
    settle(log)
    (home / "snapshots").rmdir()
    log.snapshot("robots.txt", b"x")
    settle(log)
    assert "No such file" in log.health.trouble
    log.append(crawl(0)).result(SOON_S)
    (home / "snapshots").mkdir()
    log.close()
    assert [fields["reason"] for fields in records(home, "log.fault")] == ["write ENOENT"]
    assert records(home, "log.gap")[0]["counts"] == ["- policy.snapshot 1"]


def test_a_log_that_is_closed_on_a_full_disk_closes(home: Path, clock: StoppedClock, disk: Disk) -> None:
    log = open_log(home, clock)
    settle(log)
    disk.full = True
    assert log.append(crawl(0)).exception(SOON_S)
    settle(log)
    clock.pass_(2)
    assert log.append(crawl(1)).exception(SOON_S)
    log.close()
    assert [fields["type"] for fields in records(home)] == ["log.start"]
    assert log.health.notes_pending > 0


def test_a_segment_that_is_full_is_followed_by_another(home: Path) -> None:
    log = open_log(home, budget=Budget(segment_bytes=1000, ballast_bytes=0))
    for number in range(10):
        log.append(crawl(number)).result(SOON_S)
    log.close()
    assert len(list_segments(home / "segments")) > 3
    assert len(records(home)) == 11


def test_a_log_past_its_size_still_says_so_and_then_nothing_more(home: Path) -> None:
    log = open_log(home, budget=Budget(max_bytes=1000, ballast_bytes=0))
    for number in range(5):
        assert log.append(crawl(number)).exception(SOON_S)
    for number in range(50):
        log.gap(f"reason {number}", 1, 2)
        settle(log)
    log.close()
    used = sum(path.stat().st_size for path in (home / "segments").iterdir())
    assert records(home, "log.gap")[0]["reason"] == "budget"
    assert used < 2000
