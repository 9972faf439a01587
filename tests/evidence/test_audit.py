"""The audit: what it finds, what it does not claim, and that it disturbs nobody."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from optout.evidence.audit import AuditReport, Verdict, audit
from optout.evidence.checkpoint import Checkpoint, VerifierKey
from optout.evidence.directory import Layout, create_log
from optout.evidence.frames import frame
from optout.evidence.log import Budget
from optout.evidence.schema import encode
from optout.evidence.segments import list_segments, segment_name
from optout.evidence.signing import State, load_signer, load_verifier_key
from optout.evidence.tree import leaf_hash, root_of
from tests.evidence.setting import SMALL, SOON_S, StoppedClock, crawl, entries, fill, open_log, records

SEGMENTED = Budget(segment_bytes=2000, ballast_bytes=0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed log of two starts, several segments and a document."""
    home = tmp_path_factory.mktemp("audit") / "evidence"
    fill(home, 8, boots=2, budget=SEGMENTED)
    return home


@pytest.fixture
def log(template: Path, tmp_path: Path) -> Layout:
    """A copy of it to damage."""
    shutil.copytree(template, tmp_path / "evidence")
    return Layout(tmp_path / "evidence")


@pytest.fixture
def key(template: Path) -> VerifierKey:
    return load_verifier_key(template / "vkey")


def _rewrite(log: Layout, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """The records in other company, in one segment with good checksums."""
    kept = change([entry.record for entry in entries(log.root)])
    for segment in list_segments(log.segments):
        segment.path.unlink()
    (log.segments / segment_name(0)).write_bytes(b"".join(map(frame, kept)))


def _sign_anew(log: Layout) -> None:
    """A checkpoint over whatever is there, by the log's own key: what only its owner could do."""
    leaves = [leaf_hash(entry.record) for entry in entries(log.root)]
    signer = load_signer(log.key, log.vkey)
    note = signer.sign(Checkpoint(origin=signer.name, size=len(leaves), root=root_of(leaves)))
    log.checkpoint.write_bytes(note)
    log.state.write_bytes(State(note=note, time_us=1).encode())


def _texts(report: AuditReport) -> str:
    return "\n".join(map(str, report.problems))


def test_an_untouched_log_is_sound(log: Layout, key: VerifierKey) -> None:
    report = audit(log.root, key)
    assert report.verdict is Verdict.SOUND
    assert (report.size, report.covered, report.boots, report.snapshots, report.gaps) == (19, 19, 2, 1, 0)
    assert (report.origin, report.vkey, report.self_attested) == (key.name, str(key), False)
    assert report.problems == ()
    assert len(report.proved) == 3


def test_how_far_it_is_is_told(tmp_path: Path) -> None:
    fill(tmp_path / "log", 520)
    told: list[tuple[int, int]] = []
    report = audit(tmp_path / "log", progress=lambda done, whole: told.append((done, whole)))
    assert told == [(256, report.covered), (512, report.covered)]


def test_without_a_key_from_elsewhere_a_log_attests_itself(log: Layout) -> None:
    report = audit(log.root)
    assert (report.verdict, report.self_attested) == (Verdict.SOUND, True)
    assert any("self-attested" in sentence for sentence in report.not_proved)


def test_a_report_always_says_what_it_does_not_prove(log: Layout, key: VerifierKey) -> None:
    words = " ".join(audit(log.root, key).not_proved)
    assert "only the log's own clock" in words
    assert "that every request was recorded" in words


def test_another_key_than_the_expected_one_is_found(log: Layout, tmp_path: Path) -> None:
    other = create_log(tmp_path / "other", "example.org/log", now_us=1)
    report = audit(log.root, other)
    assert report.verdict is Verdict.NOT_SOUND
    assert "not the one expected" in _texts(report)


def test_a_log_whose_owner_made_a_new_key_and_signed_again_is_found(
    log: Layout, key: VerifierKey, tmp_path: Path
) -> None:
    create_log(tmp_path / "other", key.name, now_us=1)
    for name in ("key", "vkey"):
        (log.root / name).write_bytes((tmp_path / "other" / name).read_bytes())
    _sign_anew(log)
    assert audit(log.root, key).verdict is Verdict.NOT_SOUND
    own = audit(log.root)
    assert own.verdict is Verdict.NOT_SOUND
    assert "names another key" in _texts(own)


@pytest.mark.parametrize(
    "change",
    [
        lambda all_: all_[:-1],
        lambda all_: all_[:-10],
        lambda all_: [],
        lambda all_: all_[:5] + all_[6:],
        lambda all_: all_[1:],
        lambda all_: [*all_[:5], all_[6], all_[5], *all_[7:]],
        lambda all_: [*all_[:5], all_[4], *all_[5:]],
        lambda all_: [*all_[:5], all_[5].replace(b'"deny"', b'"pass"'), *all_[6:]],
        lambda all_: [*all_[:5], all_[5] + b" ", *all_[6:]],
    ],
    ids=["last", "ten last", "all", "middle", "first", "swapped", "inserted", "edited", "one space more"],
)
def test_dropped_moved_inserted_and_edited_records_are_found(
    log: Layout, key: VerifierKey, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    _rewrite(log, change)
    assert audit(log.root, key).verdict is Verdict.NOT_SOUND


def test_a_forged_record_at_the_end_is_not_covered(log: Layout, key: VerifierKey) -> None:
    forged = encode(
        {"v": 1, "type": "x", "id": "y", "time_us": 1, "writer.id": "w", "writer.boot": "b", "writer.seq": 0}
    )
    _rewrite(log, lambda all_: [*all_, forged])
    report = audit(log.root, key)
    assert (report.size, report.covered) == (20, 19)
    assert "a start of the writer does not begin with log.start" in _texts(report)


def test_a_missing_segment_is_found_and_the_others_are_still_read(log: Layout, key: VerifierKey) -> None:
    segments = list_segments(log.segments)
    segments[1].path.unlink()
    report = audit(log.root, key)
    assert report.verdict is Verdict.NOT_SOUND
    assert f"record {segments[1].first}" in _texts(report)
    assert "missing" in _texts(report)


def test_a_missing_number_is_found_even_under_a_good_signature(log: Layout, key: VerifierKey) -> None:
    _rewrite(log, lambda all_: all_[:5] + all_[6:])
    _sign_anew(log)
    report = audit(log.root, key)
    assert report.verdict is Verdict.NOT_SOUND
    assert "its writer's number is 6 where 5 is due" in _texts(report)


def test_bytes_that_are_no_record_are_found_even_under_a_good_signature(log: Layout, key: VerifierKey) -> None:
    _rewrite(log, lambda all_: [*all_, b"not a record"])
    _sign_anew(log)
    assert "not a record of this log" in _texts(audit(log.root, key))


def test_a_start_after_more_than_there_was_is_found(log: Layout, key: VerifierKey) -> None:
    signer = load_signer(log.key, log.vkey)
    ahead = signer.sign(Checkpoint(origin=signer.name, size=99, root=bytes(32))).decode()
    starts = [index for index, fields in enumerate(records(log.root)) if fields["type"] == "log.start"]

    def boast(all_: list[bytes]) -> list[bytes]:
        fields = json.loads(all_[starts[1]])
        fields["log.previous.checkpoint"] = ahead
        return [*all_[: starts[1]], encode(fields), *all_[starts[1] + 1 :]]

    _rewrite(log, boast)
    _sign_anew(log)
    assert "covers more than there was" in _texts(audit(log.root, key))


def test_a_rolled_back_state_is_found(log: Layout, key: VerifierKey) -> None:
    signer = load_signer(log.key, log.vkey)
    leaves = [leaf_hash(entry.record) for entry in entries(log.root)][:5]
    note = signer.sign(Checkpoint(origin=signer.name, size=5, root=root_of(leaves)))
    log.state.write_bytes(State(note=note, time_us=1).encode())
    assert "rolled back" in _texts(audit(log.root, key))


def test_an_older_checkpoint_does_not_hide_a_dropped_tail(log: Layout, key: VerifierKey) -> None:
    signer = load_signer(log.key, log.vkey)
    leaves = [leaf_hash(entry.record) for entry in entries(log.root)][:5]
    log.checkpoint.write_bytes(signer.sign(Checkpoint(origin=signer.name, size=5, root=root_of(leaves))))
    _rewrite(log, lambda all_: all_[:5])
    report = audit(log.root, key)
    assert report.verdict is Verdict.NOT_SOUND
    assert "5 records are left of 19" in _texts(report)


@pytest.mark.parametrize("present", ["checkpoint", "state"])
def test_either_of_checkpoint_and_state_is_enough(log: Layout, key: VerifierKey, present: str) -> None:
    ({"checkpoint": log.state, "state": log.checkpoint}[present]).unlink()
    assert audit(log.root, key).verdict is Verdict.SOUND


def test_without_any_signature_nothing_can_be_told(log: Layout, key: VerifierKey) -> None:
    log.checkpoint.unlink()
    log.state.unlink()
    assert audit(log.root, key).verdict is Verdict.COULD_NOT_TELL


def test_what_is_no_log_cannot_be_told(tmp_path: Path, key: VerifierKey) -> None:
    for directory in (tmp_path, tmp_path / "absent"):
        report = audit(directory)
        assert report.verdict is Verdict.COULD_NOT_TELL
        assert "is missing" in report.not_proved[0]
        assert audit(directory, key).verdict is Verdict.COULD_NOT_TELL


def test_files_that_cannot_be_read_cannot_be_told(log: Layout, key: VerifierKey) -> None:
    shutil.rmtree(log.segments)
    report = audit(log.root, key)
    assert report.verdict is Verdict.COULD_NOT_TELL
    assert "cannot read" in report.not_proved[0]


def test_a_document_that_does_not_fit_its_name_is_found(log: Layout, key: VerifierKey) -> None:
    (document,) = log.snapshots.iterdir()
    document.write_bytes(b"User-agent: *\nDisallow:\n")
    report = audit(log.root, key)
    assert report.verdict is Verdict.NOT_SOUND
    assert document.name in _texts(report)


def test_a_document_that_is_gone_is_found_with_the_record_that_names_it(log: Layout, key: VerifierKey) -> None:
    (document,) = log.snapshots.iterdir()
    document.unlink()
    (problem,) = audit(log.root, key).problems
    assert problem.index == 1
    assert document.name in problem.text


def test_a_document_under_way_is_no_problem(log: Layout, key: VerifierKey) -> None:
    (log.snapshots / ".half.tmp").write_bytes(b"half")
    assert audit(log.root, key).verdict is Verdict.SOUND


def test_records_after_the_last_checkpoint_are_told_apart(home: Path) -> None:
    log = open_log(home)
    log.sign().result(SOON_S)
    for number in range(3):
        log.append(crawl(number)).result(SOON_S)
    report = audit(home)
    log.close()
    assert (report.verdict, report.size, report.covered) == (Verdict.SOUND, 4, 1)
    assert "3 records after the last checkpoint: not yet signed" in report.not_proved


def test_an_unfinished_write_behind_the_last_record_is_told_and_no_damage(log: Layout, key: VerifierKey) -> None:
    last = list_segments(log.segments)[-1].path
    last.write_bytes(last.read_bytes() + b"\x00\x00\x01\x00half a rec")
    report = audit(log.root, key)
    assert report.verdict is Verdict.SOUND
    assert any("unfinished write" in sentence for sentence in report.not_proved)


def test_damage_behind_the_last_checkpoint_is_damage(log: Layout, key: VerifierKey) -> None:
    last = list_segments(log.segments)[-1].path
    last.write_bytes(last.read_bytes() + frame(b"{}")[:-1] + b"x")
    report = audit(log.root, key)
    assert report.verdict is Verdict.NOT_SOUND
    assert "checksum" in _texts(report)


def test_a_thousand_random_bit_flips_are_all_found(log: Layout, key: VerifierKey) -> None:
    files = [log.checkpoint, log.state, log.vkey, *log.snapshots.iterdir(), *log.segments.iterdir()]
    dice = random.Random(6962)
    places = [(path, place) for path in files for place in range(len(path.read_bytes()) * 8)]
    for number, (path, place) in enumerate(dice.sample(places, 1000)):
        data = path.read_bytes()
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        from_elsewhere = key if number % 5 else None  # every fifth is left to attest itself
        assert audit(log.root, from_elsewhere).verdict is Verdict.NOT_SOUND, (path.name, place)
        path.write_bytes(data)
    assert audit(log.root, key).verdict is Verdict.SOUND


def test_a_flipped_bit_in_a_record_is_named_with_file_and_index(log: Layout, key: VerifierKey) -> None:
    entry = entries(log.root)[7]
    data = bytearray(entry.path.read_bytes())
    data[entry.offset + 30] ^= 4
    entry.path.write_bytes(data)
    problem = audit(log.root, key).problems[0]
    assert (problem.file, problem.index) == (f"segments/{entry.path.name}", 7)


def test_a_list_of_problems_ends_somewhere(log: Layout, key: VerifierKey) -> None:
    _rewrite(log, lambda all_: [b"not a record"] * 500)
    assert len(audit(log.root, key).problems) == 100


def test_an_audit_changes_nothing(log: Layout, key: VerifierKey) -> None:
    def state() -> dict[str, tuple[bytes, int]]:
        return {
            str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in log.root.rglob("*") if path.is_file()
        }

    before = state()
    audit(log.root, key)
    assert state() == before


def test_a_log_that_is_being_written_is_sound_at_every_moment(home: Path) -> None:
    clock = StoppedClock()
    log = open_log(home, clock, Budget(segment_bytes=20_000, ballast_bytes=SMALL.ballast_bytes))
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            log.append(crawl(number)).result(SOON_S)
            number += 1
            if number % 20 == 0:
                log.snapshot("robots.txt", b"%d" % number)
                log.sign()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        reports = [audit(home)]
        while reports[-1].size < 500:
            reports.append(audit(home))
    finally:
        stop.set()
        thread.join(SOON_S)
        log.close()
    assert {report.verdict for report in reports} == {Verdict.SOUND}
    assert reports[-1].size > reports[0].size
