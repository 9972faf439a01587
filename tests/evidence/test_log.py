"""The log as a door holds it: its promises, one by one, with the disk's faults among them."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout, create_log
from optout.evidence.log import Budget, EvidenceLog, Loss, NotLoggedError, Receipt
from optout.evidence.schema import MAX_RECORD
from optout.evidence.segments import list_segments
from optout.evidence.tree import leaf_hash
from tests.evidence.setting import (
    SMALL,
    SOON_S,
    Disk,
    StoppedClock,
    crawl,
    entries,
    fill,
    lost_in_gaps,
    open_log,
    records,
    settle,
)


def _loss(future: Future[Receipt]) -> Loss:
    fault = future.exception(SOON_S)
    assert isinstance(fault, NotLoggedError)
    return fault.loss


# What is written


def test_a_receipt_names_the_place_and_the_leaf_of_its_record(home: Path) -> None:
    log = open_log(home)
    receipts = [log.append(crawl(number)).result(SOON_S) for number in range(3)]
    log.close()
    stored = entries(home)
    assert [receipt.index for receipt in receipts] == [receipt.seq for receipt in receipts] == [1, 2, 3]
    assert [receipt.leaf for receipt in receipts] == [leaf_hash(entry.record) for entry in stored[1:]]


def test_a_record_is_on_disk_before_its_receipt(home: Path) -> None:
    log = open_log(home)
    log.append(crawl(5)).result(SOON_S)
    assert records(home)[-1]["url.path"] == "/gallery/5.jpg"
    log.close()


def test_the_writer_adds_its_name_its_start_and_contiguous_numbers(home: Path) -> None:
    fill(home, 3, boots=2)
    found = records(home)
    assert {fields["writer.id"] for fields in found} == {found[0]["log.origin"]}
    boots = [fields["writer.boot"] for fields in found]
    numbers = [fields["writer.seq"] for fields in found]
    assert numbers == [0, 1, 2, 3, 4, 0, 1, 2, 3]
    assert boots == [boots[0]] * 5 + [boots[5]] * 4
    assert boots[0] != boots[5]


def test_the_first_record_of_a_start_says_who_writes_with_which_key_and_after_what(home: Path) -> None:
    fill(home, 1)
    before = (home / "checkpoint").read_text(encoding="utf-8")
    log = open_log(home)
    log.close()
    start = records(home, "log.start")[1]
    assert start["software"] == "optout test"
    assert start["log.vkey"] == (home / "vkey").read_text().strip()
    assert start["log.previous.checkpoint"] == before
    assert start["log.size"] == 3


def test_times_and_identifiers_are_the_callers_or_the_logs_own(home: Path, clock: StoppedClock) -> None:
    log = open_log(home, clock)
    log.append({"type": "crawl.request", "id": "mine", "time_us": 5, "mono_us": 6}).result(SOON_S)
    log.append({"type": "crawl.request"}).result(SOON_S)
    log.close()
    given, made = records(home, "crawl.request")
    assert (given["id"], given["time_us"], given["mono_us"]) == ("mine", 5, 6)
    assert (made["time_us"], made["mono_us"]) == (clock.wall_us, clock.steady_us)
    assert len(str(made["id"])) == 36


def test_nobody_can_write_in_the_writers_name(home: Path) -> None:
    log = open_log(home)
    log.append(crawl(**{"writer.seq": 77, "writer.boot": "x", "writer.id": "y", "v": 9})).result(SOON_S)
    log.close()
    assert audit(home).verdict is Verdict.SOUND
    assert records(home)[1]["v"] == 1


def test_nothing_private_reaches_any_file_in_clear(home: Path) -> None:
    log = open_log(home)
    canary = {"client.address": "203.0.113.77", "url.query": "canary-query"}
    log.append(crawl(), canary).result(SOON_S)
    log.close()
    for path in home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"203.0.113.77" not in data
            assert b"canary-query" not in data


@pytest.mark.parametrize(
    "text",
    ["A" * 65_536, "\x00\r\n" * 20_000, "\udcff" * 3000, "\ud800" * 3000, "\u202e\x1b[2J", '"}\n{"type":"log.end"'],
    ids=["64 KiB", "NUL", "bytes", "surrogates", "bidi", "json"],
)
def test_hostile_text_is_recorded_bounded_and_whole_records_follow(home: Path, text: str) -> None:
    log = open_log(home)
    fields = crawl(**{"user_agent.original": text, "url.path": text, "http.request.header.from": [text, text]})
    log.append(fields).result(SOON_S)
    log.append(crawl(1)).result(SOON_S)
    log.close()
    assert all(len(entry.record) <= MAX_RECORD for entry in entries(home))
    assert len(records(home, "crawl.request")) == 2
    assert audit(home).verdict is Verdict.SOUND


def test_bytes_that_are_not_text_come_back_from_the_record(home: Path) -> None:
    raw = b"GPTBot \xc3\x28 \xff"
    log = open_log(home)
    log.append(crawl(**{"user_agent.original": raw.decode("utf-8", "surrogateescape")})).result(SOON_S)
    log.close()
    assert base64.b64decode(str(records(home)[1]["user_agent.original.b64"])) == raw


def test_a_fault_of_our_own_in_a_record_fails_its_future_and_is_counted(home: Path) -> None:
    log = open_log(home)
    assert _loss(log.append({"type": "crawl.request", "crawl.product": "GPTBot", "x": 1.5})) is Loss.CONTENT  # type: ignore[dict-item]
    assert log.append(crawl()).result(SOON_S)
    log.close()
    (gap,) = records(home, "log.gap")
    assert (gap["reason"], gap["counts"]) == ("content", ["GPTBot crawl.request 1"])


# Opening and closing


def test_a_new_directory_becomes_a_log_with_a_name_of_its_own(home: Path) -> None:
    open_log(home).close()
    assert (home / "vkey").read_text().startswith("optout.local/")


def test_a_log_that_was_made_before_keeps_its_name(home: Path) -> None:
    key = create_log(home, "example.org/log", now_us=1)
    open_log(home).close()
    assert records(home, "log.start")[0]["log.vkey"] == str(key)


def test_a_directory_with_something_else_in_it_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "holiday.jpg").write_bytes(b"")
    with pytest.raises(EvidenceError, match="holds files but no evidence log"):
        open_log(home)
    assert [path.name for path in home.iterdir()] == ["holiday.jpg"]


def test_a_second_log_on_one_directory_is_refused(home: Path) -> None:
    log = open_log(home)
    with pytest.raises(EvidenceError, match="another process"):
        open_log(home)
    log.close()
    open_log(home).close()


def test_a_second_process_on_one_directory_is_refused(home: Path) -> None:
    log = open_log(home)
    code = (
        "import sys, pathlib; from optout.evidence.log import EvidenceLog\n"
        "EvidenceLog.open(pathlib.Path(sys.argv[1]), software='second')"
    )
    done = subprocess.run([sys.executable, "-c", code, home], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "another process writes the evidence log" in done.stderr
    log.close()
    assert len(records(home, "log.start")) == 1


def test_an_opening_that_fails_lets_the_directory_go(home: Path) -> None:
    fill(home, 1)
    state = (home / "state").read_bytes()
    (home / "state").write_bytes(b"{}")
    with pytest.raises(EvidenceError, match="state"):
        open_log(home)
    (home / "state").write_bytes(state)
    open_log(home).close()


def test_a_file_system_that_refuses_the_opening_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> bool:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("optout.evidence.ballast.Ballast.restore", refuse)
        with pytest.raises(EvidenceError, match="Input/output"):
            open_log(home)
    open_log(home).close()


def test_a_log_with_a_dropped_tail_does_not_open(home: Path) -> None:
    fill(home, 5)
    path = list_segments(home / "segments")[0].path
    path.write_bytes(path.read_bytes()[: entries(home)[4].offset])
    with pytest.raises(EvidenceError, match="4 records are left of 7 that were signed"):
        open_log(home)


def test_a_torn_tail_is_cut_and_told(home: Path) -> None:
    fill(home, 2)
    path = list_segments(home / "segments")[0].path
    path.write_bytes(path.read_bytes() + b"\x00\x00\x01")
    open_log(home).close()
    (fault,) = records(home, "log.fault")
    assert fault["reason"] == "torn tail"
    assert fault["fault.detail"] == "3 bytes (incomplete) behind record 3 of 0000000000000000.frames"
    assert audit(home).verdict is Verdict.SOUND


def test_a_clock_far_behind_the_last_checkpoint_is_not_believed(home: Path, clock: StoppedClock) -> None:
    open_log(home, clock).close()
    clock.step(-3600)
    with pytest.raises(EvidenceError, match="3600 s behind"):
        open_log(home, clock)


def test_a_clock_a_little_behind_records_and_signs_when_it_has_caught_up(home: Path, clock: StoppedClock) -> None:
    open_log(home, clock).close()
    clock.step(-5)
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)
    with pytest.raises(EvidenceError, match="clock"):
        log.sign().result(SOON_S)
    assert "clock" in log.health.trouble
    clock.pass_(6)
    assert log.sign().result(SOON_S).size == log.health.size
    assert log.health.trouble == ""
    log.close()


def test_closing_twice_is_closing_once(home: Path) -> None:
    log = open_log(home)
    future = log.append(crawl())
    log.close()
    log.close()
    assert future.result(0).index == 1
    assert len(entries(home)) == 2


def test_a_closed_log_refuses_records_and_signatures(home: Path) -> None:
    log = open_log(home)
    log.close()
    assert _loss(log.append(crawl())) is Loss.CLOSED
    assert log.sign().exception(SOON_S)
    assert not log.health.writable


def test_closing_writes_everything_that_waits_and_signs_it(home: Path) -> None:
    log = open_log(home)
    futures = [log.append(crawl(number)) for number in range(3000)]
    log.lost("switched off", crawler="GPTBot", action="deny")
    log.close()
    indexes = [future.result(0).index for future in futures]
    assert indexes == sorted(set(indexes))
    assert lost_in_gaps(home) == 1
    report = audit(home)
    assert (report.verdict, report.size, report.covered) == (Verdict.SOUND, 3002, 3002)


def test_a_forked_child_has_no_share_in_the_log(home: Path) -> None:
    log = open_log(home)
    log._process = os.getpid() + 1
    future = log.append(crawl())
    with pytest.raises(NotLoggedError):
        future.result(0)
    log.close()
    log._process = os.getpid()
    log.close()
    assert records(home, "crawl.request") == []


# Nobody waits for the disk


def test_nobody_who_records_waits_for_a_blocked_disk(home: Path, disk: Disk) -> None:
    log = open_log(home, budget=Budget(queue_records=50, ballast_bytes=0))
    log.append(crawl()).result(SOON_S)
    disk.blocked.clear()
    first = log.append(crawl(1))
    assert disk.waiting.wait(SOON_S)
    queued = [log.append(crawl(number)) for number in range(2, 52)]
    refused = [log.append(crawl(number)) for number in range(52, 60)]
    assert log.snapshot("robots.txt", b"x")
    log.lost("fault", crawler="GPTBot", action="deny")
    log.gap("bypass", 1, 2)
    assert log.health.queue_depth == 50
    assert not first.done()
    assert not any(future.done() for future in queued)
    assert {_loss(future) for future in refused} == {Loss.QUEUE_FULL}
    disk.blocked.set()
    assert [future.result(SOON_S).seq for future in (first, *queued)] == sorted(
        future.result(0).seq for future in (first, *queued)
    )
    log.close()
    assert lost_in_gaps_of(home, "queue-full") == 8 + 1  # the document was the ninth


def lost_in_gaps_of(home: Path, reason: str) -> int:
    return sum(int(str(gap["count"])) for gap in records(home, "log.gap") if gap["reason"] == reason)


def test_the_queue_is_bounded_in_bytes(home: Path, disk: Disk) -> None:
    log = open_log(home, budget=Budget(queue_bytes=10_000, ballast_bytes=0))
    log.append(crawl()).result(SOON_S)
    disk.blocked.clear()
    held = log.append(crawl())
    assert disk.waiting.wait(SOON_S)
    futures = [log.append(crawl(**{"identity.claimed": "x" * 1000})) for _ in range(20)]
    assert sum(future.done() for future in futures) > 10
    disk.blocked.set()
    assert held.result(SOON_S)
    log.close()


def test_a_disk_that_never_answers_does_not_hold_the_closing_for_ever(
    home: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optout.evidence.recorder._CLOSE_WITHIN_S", 0.05)
    log = open_log(home)
    log.append(crawl()).result(SOON_S)
    disk.blocked.clear()
    log.append(crawl())
    assert disk.waiting.wait(SOON_S)
    with pytest.raises(EvidenceError, match="does not answer"):
        log.close()
    disk.blocked.set()
    monkeypatch.undo()
    log.close()


async def test_a_cancelled_request_does_not_take_its_record_with_it(home: Path, disk: Disk) -> None:
    log = open_log(home)
    log.append(crawl()).result(SOON_S)
    disk.blocked.clear()
    future = log.append(crawl(1))
    waiting = asyncio.ensure_future(asyncio.wrap_future(future))
    await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    assert not future.cancel()
    disk.blocked.set()
    assert (await asyncio.to_thread(future.result, SOON_S)).index == 2
    await asyncio.to_thread(log.close)


def test_many_threads_append_and_every_number_is_used_once(home: Path) -> None:
    log = open_log(home)
    futures: list[list[Future[Receipt]]] = [[] for _ in range(8)]

    def run(place: int) -> None:
        futures[place] = [log.append(crawl(place * 1000 + number)) for number in range(100)]

    threads = [threading.Thread(target=run, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = sorted(future.result(SOON_S).seq for group in futures for future in group)
    log.close()
    assert numbers == list(range(1, 801))
    assert audit(home).verdict is Verdict.SOUND


# Checkpoints


def test_a_checkpoint_is_signed_every_ten_seconds_if_the_log_grew(home: Path, clock: StoppedClock) -> None:
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)
    first = log.sign().result(SOON_S)
    clock.pass_(9)
    log.append(crawl()).result(SOON_S)
    assert log.health.checkpoint_size == first.size
    clock.pass_(2)
    log.append(crawl()).result(SOON_S)
    log.append(crawl()).result(SOON_S)
    assert log.health.checkpoint_size > first.size
    assert log.health.checkpoint_us == clock.wall_us
    log.close()


def test_asking_for_a_checkpoint_covers_what_was_appended_before(home: Path) -> None:
    log = open_log(home)
    futures = [log.append(crawl(number)) for number in range(2000)]
    checkpoint = log.sign().result(SOON_S)
    assert checkpoint.size == futures[-1].result(0).index + 1
    log.close()


def test_health_tells_sizes_queue_and_checkpoint(home: Path) -> None:
    log = open_log(home, budget=Budget(max_bytes=10_000_000, ballast_bytes=0))
    log.append(crawl()).result(SOON_S)
    log.sign().result(SOON_S)
    health = log.health
    assert (health.writable, health.trouble, health.queue_depth, health.notes_pending) == (True, "", 0, 0)
    assert health.size == health.checkpoint_size == 2
    assert health.used_bytes == sum(segment.path.stat().st_size for segment in list_segments(home / "segments"))
    assert health.max_bytes == 10_000_000
    log.close()


# Snapshots


def test_a_document_is_kept_once_by_the_hash_of_its_bytes(home: Path) -> None:
    log = open_log(home)
    digests = [log.snapshot("robots.txt", b"User-agent: *\n", **{"server.address": "example.org"}) for _ in range(3)]
    settle(log)
    log.close()
    again = open_log(home)
    digests.append(again.snapshot("robots.txt", b"User-agent: *\n"))
    again.close()
    assert len(set(digests)) == 1
    assert (home / "snapshots" / digests[0]).read_bytes() == b"User-agent: *\n"
    (record,) = records(home, "policy.snapshot")
    assert record["snapshot.sha256"] == digests[0]
    assert (record["snapshot.kind"], record["snapshot.size"]) == ("robots.txt", 14)
    assert record["server.address"] == "example.org"


def test_a_document_is_recorded_before_the_records_that_name_it(home: Path) -> None:
    log = open_log(home)
    digest = log.snapshot("robots.txt", b"x")
    log.append(crawl(**{"robots.sha256": digest})).result(SOON_S)
    log.close()
    assert [fields["type"] for fields in records(home)] == ["log.start", "policy.snapshot", "crawl.request"]


def test_a_document_whose_record_failed_is_recorded_the_next_time(home: Path, disk: Disk) -> None:
    log = open_log(home)
    log.append(crawl()).result(SOON_S)
    disk.fail_sync = 1
    log.snapshot("robots.txt", b"x")
    settle(log)
    log.snapshot("robots.txt", b"x")
    log.close()
    assert len(records(home, "policy.snapshot")) == 1


# Gaps


def test_what_never_reached_the_log_is_counted_in_a_gap(home: Path, clock: StoppedClock) -> None:
    log = open_log(home, clock)
    for _ in range(3):
        log.lost("recognition failed", crawler="GPTBot", action="allow")
        clock.pass_(1)
    log.close()
    assert lost_in_gaps(home) == 3
    assert records(home, "log.gap")[0]["reason"] == "recognition failed"


def test_a_loss_is_told_without_any_record_to_follow_it(home: Path) -> None:
    log = open_log(home)
    log.lost("fault", crawler="GPTBot", action="deny")
    log.sign().result(SOON_S)
    assert lost_in_gaps(home) == 1
    log.close()


def test_the_time_that_optout_was_off_is_a_gap_of_its_own(home: Path) -> None:
    log = open_log(home)
    log.gap("bypass", 100, 200, **{"server.address": "example.org"})
    log.close()
    (gap,) = records(home, "log.gap")
    assert (gap["reason"], gap["from_us"], gap["to_us"]) == ("bypass", 100, 200)
    assert gap["server.address"] == "example.org"


def test_a_flood_of_one_key_is_counted_in_one_gap_a_minute(home: Path, clock: StoppedClock) -> None:
    log = open_log(home, clock, Budget(flood_records=10, ballast_bytes=0))
    losses = []
    for _minute in range(3):
        for _ in range(50):
            future = log.append(crawl(), flood_key="GPTBot deny")
            losses.append(future.exception(SOON_S) is not None)
        clock.pass_(60)
    other = log.append(crawl(), flood_key="CCBot deny")
    assert other.result(SOON_S)
    log.close()
    assert sum(losses) == 120
    assert lost_in_gaps_of(home, "flood") == 120
    assert len(records(home, "log.gap")) <= 4


def test_the_budget_ends_the_log_not_the_disk_and_is_told(home: Path) -> None:
    log = open_log(home, budget=Budget(max_bytes=300_000, ballast_bytes=0))
    futures = [log.append(crawl(number, **{"identity.claimed": "x" * 1000})) for number in range(400)]
    refused = [future for future in futures if future.exception(SOON_S)]
    assert 0 < len(refused) < 400
    assert {_loss(future) for future in refused} == {Loss.BUDGET}
    assert "largest size" in log.health.trouble
    log.close()
    assert lost_in_gaps_of(home, "budget") == len(refused)
    assert list_segments(home / "segments")[0].path.stat().st_size < 300_000


def test_a_step_of_the_wall_clock_is_told_and_a_drift_is_not(home: Path, clock: StoppedClock) -> None:
    log = open_log(home, clock)
    for _ in range(20):
        clock.step(0.1)
        log.append(crawl()).result(SOON_S)
    clock.step(-3600)
    log.append(crawl()).result(SOON_S)
    clock.step(3600)
    log.append(crawl()).result(SOON_S)
    log.close()
    assert [fields["clock.step_us"] for fields in records(home, "log.clock")] == [-3_600_000_000, 3_600_000_000]
    assert [entry.leaf_index for entry in entries(home)] == list(range(25))


# Faults of the disk


def test_a_full_disk_refuses_counts_and_recovers_without_a_restart(home: Path, clock: StoppedClock, disk: Disk) -> None:
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)
    ballast = Layout(home).ballast
    assert ballast.exists()
    disk.full = True
    futures = [log.append(crawl(number)) for number in range(100)]
    assert {_loss(future) for future in futures} == {Loss.DISK_FULL}
    assert not ballast.exists()
    assert not log.health.writable
    assert "No space" in log.health.trouble
    settle(log)
    disk.full = False
    clock.pass_(2)
    assert log.append(crawl(100)).result(SOON_S)
    assert ballast.exists()
    assert log.health.writable
    log.close()
    assert lost_in_gaps(home) == 100
    assert records(home, "log.fault")[0]["reason"] == "write ENOSPC"
    assert audit(home).verdict is Verdict.SOUND


def test_the_ballast_lets_the_log_say_that_the_disk_is_full(home: Path, clock: StoppedClock, disk: Disk) -> None:
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)
    ballast = Layout(home).ballast

    def full_while_the_ballast_is_there(descriptor: int, data: bytes) -> None:
        disk.full = ballast.exists()
        Disk.write_all(disk, descriptor, data)
        disk.full = True

    disk_full = pytest.MonkeyPatch()
    disk_full.setattr("optout.evidence.segments.write_all", full_while_the_ballast_is_there)
    futures = [log.append(crawl(number)) for number in range(50)]
    assert all(_loss(future) is Loss.DISK_FULL for future in futures)
    settle(log)
    assert records(home, "log.fault")[0]["reason"] == "write ENOSPC"
    assert lost_in_gaps(home) > 0
    disk_full.undo()
    disk.full = False
    log.close()
    assert lost_in_gaps(home) == 50


def test_a_sync_that_fails_once_loses_its_batch_and_no_other(home: Path, clock: StoppedClock, disk: Disk) -> None:
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)
    disk.fail_sync = 1
    assert _loss(log.append(crawl(1))) is Loss.DISK_FAULT
    assert log.append(crawl(2)).result(SOON_S)
    assert log.health.writable
    log.close()
    assert [fields["url.path"] for fields in records(home, "crawl.request")] == ["/gallery/0.jpg", "/gallery/2.jpg"]
    assert len(list_segments(home / "segments")) == 2
    assert records(home, "log.fault")[0]["reason"] == "write EIO"
    assert lost_in_gaps(home) == 1
    assert audit(home).verdict is Verdict.SOUND


def test_a_sync_that_always_fails_acknowledges_nothing_and_recovers_when_it_works_again(
    home: Path, clock: StoppedClock, disk: Disk
) -> None:
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)
    disk.fail_sync = -1
    for number in range(20):
        assert _loss(log.append(crawl(number))) is Loss.DISK_FAULT
        settle(log)
        clock.pass_(0.5)
    assert not log.health.writable
    settle(log)
    disk.fail_sync = 0
    clock.pass_(2)
    assert log.append(crawl(99)).result(SOON_S)
    assert log.health.writable
    log.close()
    assert lost_in_gaps(home) == 20
    assert [fields["url.path"] for fields in records(home, "crawl.request")] == ["/gallery/0.jpg", "/gallery/99.jpg"]
    assert audit(home).verdict is Verdict.SOUND


def test_a_broken_disk_is_tried_once_a_second_and_not_with_every_record(
    home: Path, clock: StoppedClock, disk: Disk
) -> None:
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)
    disk.fail_sync = -1
    before = disk.syncs
    for number in range(200):
        assert _loss(log.append(crawl(number))) is Loss.DISK_FAULT
    assert disk.syncs - before <= 2
    settle(log)
    disk.fail_sync = 0
    clock.pass_(2)
    log.close()


def test_a_start_on_a_full_disk_opens_and_tells_its_start_later(home: Path, clock: StoppedClock, disk: Disk) -> None:
    fill(home, 1)
    disk.full = True
    log = open_log(home, clock)
    assert _loss(log.append(crawl(1))) is Loss.DISK_FULL
    settle(log)
    disk.full = False
    clock.pass_(2)
    log.append(crawl(2)).result(SOON_S)
    log.close()
    assert [fields["type"] for fields in records(home)][3:5] == ["log.start", "log.fault"]
    assert audit(home).verdict is Verdict.SOUND


def test_a_checkpoint_that_cannot_be_written_is_told_and_signed_later(
    home: Path, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(home, clock)
    log.append(crawl()).result(SOON_S)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("optout.evidence.signing.replace_file", refuse)
        with pytest.raises(EvidenceError, match="No space"):
            log.sign().result(SOON_S)
    assert log.sign().result(SOON_S).size >= 2
    log.close()
    assert records(home, "log.fault")[0]["reason"] == "sign ENOSPC"
    assert audit(home).verdict is Verdict.SOUND


def test_a_fault_of_our_own_stops_the_log_and_refuses_what_waits(
    home: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(home)
    log.append(crawl()).result(SOON_S)
    disk.blocked.clear()
    held = log.append(crawl(1))
    assert disk.waiting.wait(SOON_S)
    waiting = [log.append(crawl(number)) for number in range(2, 5)]
    wish = log.sign()

    def break_down(*_: object) -> bytes:
        raise RuntimeError("a bug")

    monkeypatch.setattr("optout.evidence.writer.encode", break_down)
    disk.blocked.set()
    assert held.result(SOON_S)
    assert {_loss(future) for future in waiting} == {Loss.CLOSED}
    assert wish.exception(SOON_S)
    assert _loss(log.append(crawl(9))) is Loss.CLOSED
    assert "a bug" in log.health.trouble
    log.close()
    assert "stopped by a fault of its own" in caplog.text


# A process that is killed

_KILLED = """
import sys, pathlib
from optout.evidence.log import EvidenceLog
log = EvidenceLog.open(pathlib.Path(sys.argv[1]), software="killed")
def tell(future):
    sys.stdout.write(f"{future.result().index}\\n")
    sys.stdout.flush()
number = 0
while True:
    futures = []
    for _ in range(32):
        futures.append(log.append({"type": "crawl.request", "url.path": f"/{number}"}))
        futures[-1].add_done_callback(tell)
        number += 1
    futures[-1].result()
"""


def _kill_while_writing(home: Path, acknowledged: int) -> int:
    """The highest index that a writer acknowledged before it was killed in the middle of its work."""
    process = subprocess.Popen([sys.executable, "-c", _KILLED, home], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = -1
    for line in process.stdout:
        last = int(line)
        if last >= acknowledged:
            break
    process.kill()
    for line in process.stdout.read().splitlines():
        last = max(last, int(line)) if line.isdecimal() else last
    process.wait(SOON_S)
    process.stdout.close()
    return last


def test_a_killed_writer_loses_nothing_that_it_acknowledged(home: Path) -> None:
    last = _kill_while_writing(home, 500)
    open_log(home, clock=_now()).close()
    assert len(entries(home)) > last
    assert audit(home).verdict is Verdict.SOUND


@pytest.mark.slow
def test_a_writer_killed_again_and_again_loses_nothing_and_doubles_nothing(home: Path) -> None:
    for trial in range(12):
        size = len(entries(home)) if home.exists() else 0
        last = _kill_while_writing(home, size + 37 * (trial + 1))
        assert len(entries(home)) > last
    open_log(home, clock=_now()).close()
    assert len(records(home, "log.start")) == 13
    assert audit(home).verdict is Verdict.SOUND


def _now() -> StoppedClock:
    """A stopped clock set to the present, for a log that a real clock wrote."""
    clock = StoppedClock()
    clock.wall_us = time.time_ns() // 1000
    return clock


_LIMITED = """
import resource, sys, pathlib, signal
from optout.evidence.log import Budget, EvidenceLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = EvidenceLog.open(pathlib.Path(sys.argv[1]), software="limited", budget=Budget(ballast_bytes=0))
log.append({"type": "crawl.request"}).result()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
failed = 0
for number in range(300):
    future = log.append({"type": "crawl.request", "url.path": "/" + "x" * 500, "crawl.product": "GPTBot"})
    failed += future.exception() is not None
log.close()
print(failed)
"""


def test_files_that_the_kernel_will_not_let_grow_are_followed_by_others(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _LIMITED, home], capture_output=True, text=True, check=True)
    failed = int(done.stdout)
    assert failed > 0
    assert lost_in_gaps(home) == failed
    assert len(records(home, "crawl.request")) == 301 - failed
    assert len(list_segments(home / "segments")) == failed + 1
    assert audit(home).verdict is Verdict.SOUND


def test_a_log_runs_on_the_clock_of_the_system_unless_told_otherwise(home: Path) -> None:
    log = EvidenceLog.open(home, software="x", budget=SMALL)
    assert log.append(crawl()).result(SOON_S)
    log.close()
    assert int(str(records(home)[0]["time_us"])) > 1_700_000_000_000_000
