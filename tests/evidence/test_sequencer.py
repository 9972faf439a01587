"""Taking over what waits in spools: byte for byte, in order, once; and saying what is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.frames import frame
from optout.evidence.notes import Notes
from optout.evidence.segments import Entry, list_segments, read_entries
from optout.evidence.sequencer import Sequencer
from optout.evidence.spool import DURABLE, LOCK, encode_count
from tests.evidence.setting import (
    SOON_S,
    StoppedClock,
    crawl,
    entries,
    lost_in_gaps,
    open_log,
    open_spool,
    paths,
    records,
    settle,
    spools,
)


def abandoned(home: Path, count: int, *, first: int = 0, files: bool = False) -> Path:
    """The spool of a writer that is gone: its start and `count` requests, each in a file of its own if `files`."""
    writer = open_spool(home)
    path = writer._spool.path
    if files:
        writer._spool._segments._segment_bytes = 1
    for number in range(first, first + count):
        receipt = writer.append(crawl(number))
        if files:
            receipt.result(SOON_S)
    writer.close()
    return path


@pytest.fixture
def made(home: Path) -> Path:
    """A log that nobody holds."""
    open_log(home).close()
    return home


def taken_over(home: Path) -> None:
    """Open the log, take over what waits, twice for what the first time had to tell, and close it."""
    log = open_log(home)
    settle(log)
    settle(log)
    log.close()


def test_records_are_taken_over_byte_for_byte_in_their_order(made: Path) -> None:
    spool = abandoned(made, 5)
    written = [item.record for item in read_entries(spool) if isinstance(item, Entry)]
    taken_over(made)
    stored = [entry.record for entry in entries(made)]
    assert [record for record in stored if record in written] == written
    assert spools(made) == []
    assert audit(made).verdict is Verdict.SOUND


def test_a_living_writers_records_are_taken_while_it_writes_on(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    for number in range(3):
        writer.append(crawl(number)).result(SOON_S)
        settle(log)
        assert paths(home) == [f"/gallery/{each}.jpg" for each in range(number + 1)]
    assert len(spools(home)) == 1
    writer.close()
    settle(log)
    assert spools(home) == []
    log.close()
    assert audit(home).verdict is Verdict.SOUND


def test_several_writers_and_the_holder_interleave_and_each_keeps_its_order(home: Path) -> None:
    log = open_log(home)
    writers = [open_spool(home) for _ in range(3)]
    for number in range(0, 40, 4):
        log.append(crawl(number)).result(SOON_S)
        for place, writer in enumerate(writers):
            writer.append(crawl(number + place + 1)).result(SOON_S)
        if number % 8 == 0:
            settle(log)
    for writer in writers:
        writer.close()
    log.close()
    assert sorted(paths(home)) == sorted(f"/gallery/{number}.jpg" for number in range(40))
    by_writer: dict[object, list[object]] = {}
    for fields in records(home):
        by_writer.setdefault(fields["writer.boot"], []).append(fields["writer.seq"])
    assert len(by_writer) == 4
    assert all(numbers == list(range(len(numbers))) for numbers in by_writer.values())
    report = audit(home)
    assert (report.verdict, report.boots, report.waiting) == (Verdict.SOUND, 4, 0)


@pytest.mark.parametrize("taken", range(7))
def test_whatever_the_log_has_already_is_not_taken_twice(made: Path, taken: int) -> None:
    """As after a crash between a durable batch and everything that follows it, the spool still being whole."""
    spool = abandoned(made, 5, files=True)
    whole = made.parent / "kept"
    shutil.copytree(spool, whole)
    data = [item.record for item in read_entries(spool) if isinstance(item, Entry)]
    path = list_segments(made / "segments")[-1].path
    path.write_bytes(path.read_bytes() + b"".join(map(frame, data[:taken])))
    taken_over(made)
    shutil.copytree(whole, spool)
    taken_over(made)
    assert [entry.record for entry in entries(made) if entry.record in data] == data
    assert audit(made).verdict is Verdict.SOUND


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_a_removal_that_was_broken_off_is_finished(made: Path, left: int) -> None:
    spool = abandoned(made, 3, files=True)
    kept = made.parent / "kept"
    shutil.copytree(spool, kept)
    taken_over(made)
    spool.mkdir()
    for name in sorted(path.name for path in kept.iterdir())[-left:] if left else ():
        shutil.copy(kept / name, spool / name)
    before = len(entries(made))
    taken_over(made)
    assert spools(made) == []
    assert len(entries(made)) == before + 1  # the start of the log, and nothing of the spool
    assert audit(made).gaps == 0


def test_files_are_removed_as_they_are_taken_over(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    writer._spool._segments._segment_bytes = 1
    for number in range(5):
        writer.append(crawl(number)).result(SOON_S)
    assert len(list_segments(spools(home)[0])) == 6
    settle(log)
    settle(log)
    assert len(list_segments(spools(home)[0])) == 1
    writer.append(crawl(5)).result(SOON_S)
    writer.close()
    log.close()
    assert len(paths(home)) == 6


# Documents


def test_documents_come_with_the_records_that_name_them(made: Path) -> None:
    writer = open_spool(made)
    digest = writer.snapshot("robots.txt", b"User-agent: *\n")
    writer.append(crawl()).result(SOON_S)
    writer.close()
    assert not (made / "snapshots" / digest).exists()
    taken_over(made)
    assert (made / "snapshots" / digest).read_bytes() == b"User-agent: *\n"
    report = audit(made)
    assert (report.verdict, report.snapshots) == (Verdict.SOUND, 1)


def test_a_document_leaves_the_spool_of_a_living_writer_once_the_log_has_it(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    digest = writer.snapshot("robots.txt", b"User-agent: *\n")
    writer.append(crawl()).result(SOON_S)
    assert (spools(home)[0] / digest).exists()
    settle(log)
    assert not (spools(home)[0] / digest).exists()
    assert (home / "snapshots" / digest).exists()
    writer.snapshot("robots.txt", b"User-agent: *\n")
    writer.close()
    log.close()
    assert len(records(home, "policy.snapshot")) == 1
    assert audit(home).verdict is Verdict.SOUND


def test_a_document_that_is_gone_from_a_spool_is_told(made: Path) -> None:
    writer = open_spool(made)
    digest = writer.snapshot("robots.txt", b"User-agent: *\n")
    writer.append(crawl()).result(SOON_S)
    writer.close()
    (spools(made)[0] / digest).write_bytes(b"another")
    taken_over(made)
    assert [fault["reason"] for fault in records(made, "log.fault")] == ["document missing"]
    assert not (made / "snapshots" / digest).exists()


def test_a_name_that_is_no_hash_reaches_no_path(made: Path) -> None:
    writer = open_spool(made)
    writer.append({"type": "policy.snapshot", "snapshot.sha256": "../../key"}).result(SOON_S)
    writer.close()
    before = (made / "key").read_bytes()
    taken_over(made)
    assert (made / "key").read_bytes() == before


# What is missing


def test_a_torn_end_is_kept_and_told(made: Path) -> None:
    spool = abandoned(made, 2)
    file = list_segments(spool)[-1].path
    file.write_bytes(file.read_bytes() + b"\x00\x00\x01")
    taken_over(made)
    (fault,) = records(made, "log.fault")
    assert fault["reason"] == "torn tail"
    assert fault["fault.detail"] == f"3 bytes (incomplete) behind record 2 of spool/{spool.name}/{file.name}"
    assert [path.read_bytes() for path in (made / "torn").iterdir()] == [b"\x00\x00\x01"]
    assert lost_in_gaps(made) == 0
    assert spools(made) == []
    assert audit(made).verdict is Verdict.SOUND


def test_logged_records_that_are_gone_from_the_end_are_a_gap_with_their_numbers(made: Path) -> None:
    spool = abandoned(made, 5)
    file = list_segments(spool)[-1].path
    end = [item.offset for item in read_entries(spool) if isinstance(item, Entry)][4]
    file.write_bytes(file.read_bytes()[: end + 9])
    taken_over(made)
    (gap,) = records(made, "log.gap")
    assert (gap["reason"], gap["count"]) == ("spool-fault", 2)
    assert (gap["lost.boot"], gap["lost.first_seq"], gap["lost.last_seq"]) == (spool.name, 4, 5)
    assert len(paths(made)) == 3
    assert spools(made) == []


@pytest.mark.parametrize("damage", ["gone", "flipped"])
def test_a_hole_is_told_before_the_records_behind_it_and_the_log_stays_sound(made: Path, damage: str) -> None:
    spool = abandoned(made, 6, files=True)
    files = [segment.path for segment in list_segments(spool)]
    for file in files[2:4]:
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-1] + b"?")
    for _ in range(2):
        taken_over(made)
    gaps = records(made, "log.gap")
    assert sum(int(str(gap["count"])) for gap in gaps) == 2
    assert {gap["lost.boot"] for gap in gaps} == {spool.name}
    assert paths(made) == [f"/gallery/{number}.jpg" for number in (0, 3, 4, 5)]
    kinds = [fields["type"] for fields in records(made)]
    assert kinds.index("log.gap") < kinds.index("crawl.request") + 3
    report = audit(made)
    assert (report.verdict, report.gaps) == (Verdict.SOUND, len(gaps))
    assert "no number is missing in 4 starts of a writer but those that a log.gap names" in report.proved
    assert spools(made) == []


def test_a_living_writer_goes_on_behind_a_hole_in_its_spool(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    writer._spool._segments._segment_bytes = 1
    for number in range(4):
        writer.append(crawl(number)).result(SOON_S)
    list_segments(spools(home)[0])[2].path.unlink()
    settle(log)
    settle(log)
    writer.append(crawl(4)).result(SOON_S)
    settle(log)
    writer.close()
    log.close()
    assert paths(home) == [f"/gallery/{number}.jpg" for number in (0, 2, 3, 4)]
    assert lost_in_gaps(home) == 1
    assert audit(home).verdict is Verdict.SOUND


def test_a_hole_that_nobody_told_is_no_sound_log(made: Path) -> None:
    spool = abandoned(made, 3)
    data = [item.record for item in read_entries(spool) if isinstance(item, Entry)]
    shutil.rmtree(spool)
    path = list_segments(made / "segments")[-1].path
    path.write_bytes(path.read_bytes() + b"".join(map(frame, (data[0], data[2]))))
    report = audit(made)
    assert report.verdict is Verdict.NOT_SOUND
    assert "its writer's number is 2 where 1 is due" in report.problems[0].text


def test_all_that_a_living_writer_wrote_gone_is_told_and_leaves_it_its_spool(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    writer.append(crawl(0)).result(SOON_S)
    for segment in list_segments(spools(home)[0]):
        segment.path.unlink()
    settle(log)
    settle(log)
    assert [path.name for path in spools(home)] == [writer._spool.path.name]
    log.close()
    assert lost_in_gaps(home) == 2
    writer.close()


# What is in the way


def test_a_spool_that_cannot_be_read_keeps_nobody_elses_records(made: Path) -> None:
    broken, fine = abandoned(made, 1), abandoned(made, 1, first=1)
    (broken / DURABLE).unlink()
    (broken / DURABLE).mkdir()
    taken_over(made)
    assert paths(made) == ["/gallery/1.jpg"]
    assert spools(made) == [broken]
    assert "spool EISDIR" in {fault["reason"] for fault in records(made, "log.fault")}
    (broken / DURABLE).rmdir()
    (broken / DURABLE).write_bytes(encode_count(2))
    taken_over(made)
    assert sorted(paths(made)) == ["/gallery/0.jpg", "/gallery/1.jpg"]
    assert fine not in spools(made)


def test_a_spool_that_its_owner_removed_is_forgotten(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    writer.append(crawl()).result(SOON_S)
    settle(log)
    shutil.rmtree(spools(home)[0])
    settle(log)
    settle(log)
    log.close()
    assert records(home, "log.fault") == []
    writer.close()


def test_a_file_in_the_way_of_a_removal_is_left_and_nothing_is_taken_twice(made: Path) -> None:
    spool = abandoned(made, 1)
    (spool / "notes").mkdir()
    taken_over(made)
    taken_over(made)
    assert spools(made) == [spool]
    assert len(paths(made)) == 1


def test_files_that_cannot_be_removed_are_not_taken_again(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = abandoned(made, 3)
    real = Path.unlink

    def refuse(path: Path, **more: bool) -> None:
        if path.suffix == ".frames":
            raise PermissionError(1, "Operation not permitted")
        real(path, **more)

    log = open_log(made)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        for _ in range(4):
            settle(log)
    assert spools(made) == [spool]
    for _ in range(2):
        settle(log)
    log.close()
    assert spools(made) == []
    assert len(paths(made)) == 3
    assert audit(made).verdict is Verdict.SOUND


def test_a_spool_that_was_taken_away_and_comes_back_is_not_taken_again(made: Path) -> None:
    spool = abandoned(made, 3)
    shutil.copytree(spool, made.parent / "kept")
    log = open_log(made)
    settle(log)
    assert spools(made) == []
    settle(log)
    shutil.copytree(made.parent / "kept", spool)
    settle(log)
    settle(log)
    log.close()
    assert len(paths(made)) == 3
    assert spools(made) == []


def test_many_spools_cost_as_much_as_their_records(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is opened a few times however many spools wait beside it."""
    for number in range(20):
        abandoned(made, 3, first=number * 3)
    opened: list[object] = []
    real = os.open

    def counted(path: object, *rest: object, **more: object) -> int:
        opened.append(path)
        return real(path, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("optout.evidence.spool_reader.os.open", counted)
        taken_over(made)
    in_spools = [path for path in opened if "/spool/" in str(path) and str(path).endswith(".frames")]
    assert len(in_spools) <= 20 * 4
    assert len(paths(made)) == 60


def test_a_batch_is_bounded_and_every_spool_gets_its_turn(made: Path) -> None:
    found = [abandoned(made, 700, first=1000 * number) for number in range(8)]
    sequencer = Sequencer(Layout(made), {}, Notes(), StoppedClock())
    sequencer.look()
    seen: set[str] = set()
    batches = 0
    while (batch := sequencer.batch()).parts:
        assert batch.size < 2 << 20
        seen |= {spool.reader.path.name for spool, _ in batch.parts}
        sequencer.took(batch)
        batches += 1
    assert seen == {path.name for path in found}
    assert batches > 1
    assert spools(made) == []


def test_a_batch_that_could_not_be_written_is_given_again(made: Path) -> None:
    abandoned(made, 3)
    sequencer = Sequencer(Layout(made), {}, Notes(), StoppedClock())
    sequencer.look()
    first = sequencer.batch()
    assert sequencer.batch().records == first.records
    sequencer.close()
    assert (spools(made)[0] / LOCK).exists()
