"""Following a spool: what is due is read, what is not due is not, and no bytes at all upset it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.evidence import spool_reader
from optout.evidence.frames import Damage, frame
from optout.evidence.schema import encode
from optout.evidence.segments import Break, segment_name
from optout.evidence.spool_reader import SpoolReader

BOOT = str(uuid.UUID(int=7))


def record(seq: int, boot: str = BOOT, size: int = 10) -> bytes:
    """A record as a writer makes it."""
    return encode(
        {
            "v": 1,
            "type": "crawl.request",
            "id": str(seq),
            "time_us": seq,
            "url.path": "x" * size,
            "writer.id": "example.org/log",
            "writer.boot": boot,
            "writer.seq": seq,
        }
    )


def frames(first: int, end: int) -> bytes:
    """The frames of the records from `first` up to `end`."""
    return b"".join(frame(record(seq)) for seq in range(first, end))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty spool."""
    found = tmp_path / BOOT
    found.mkdir()
    return found


def put(path: Path, first: int, data: bytes) -> Path:
    """A file of a spool."""
    file = path / segment_name(first)
    file.write_bytes(data)
    return file


def read_all(reader: SpoolReader, until: int | None) -> tuple[list[int], Break | None]:
    """The numbers of the records up to where reading ends, and the break there."""
    seen: list[int] = []
    while True:
        stretch = reader.read(until)
        if not stretch.records:
            return seen, stretch.end
        reader.advance(stretch.records)
        seen += [each.envelope.seq for each in stretch.records]


def test_records_are_read_in_order_over_several_files(path: Path) -> None:
    for first in (0, 3, 7):
        put(path, first, frames(first, first + 4 if first else 3))
    assert read_all(SpoolReader(path, 0), None) == (list(range(11)), None)


def test_what_is_read_is_given_again_until_it_was_taken(path: Path) -> None:
    put(path, 0, frames(0, 3))
    reader = SpoolReader(path, 0)
    first = reader.read(None)
    assert reader.read(None) == first
    assert [each.record for each in first.records] == [record(seq) for seq in range(3)]
    reader.advance(first.records)
    assert reader.read(None).records == ()


@pytest.mark.parametrize("seq", range(11))
def test_reading_begins_at_any_record(path: Path, seq: int) -> None:
    for first in (0, 3, 7):
        put(path, first, frames(first, first + 4 if first else 3))
    assert read_all(SpoolReader(path, seq), None) == (list(range(seq, 11)), None)


def test_of_a_living_writer_nothing_is_read_past_its_count(path: Path) -> None:
    put(path, 0, frames(0, 5))
    reader = SpoolReader(path, 0)
    assert read_all(reader, 0) == ([], None)
    assert read_all(reader, 3) == ([0, 1, 2], None)
    # The writer cuts back what did not become durable, and gives the numbers to others.
    put(path, 0, frames(0, 3) + frame(record(3, size=500)))
    stretch = reader.read(4)
    assert [each.record for each in stretch.records] == [record(3, size=500)]


def test_records_longer_than_what_is_read_at_once_are_read_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_reader, "_WINDOW", 1000)
    put(path, 0, b"".join(frame(record(seq, size=300)) for seq in range(50)))
    assert read_all(SpoolReader(path, 0), None) == (list(range(50)), None)
    assert read_all(SpoolReader(path, 33), None) == (list(range(33, 50)), None)


def test_no_cut_anywhere_makes_half_a_record(path: Path) -> None:
    data = frames(0, 4)
    ends = [len(frames(0, count)) for count in range(5)]
    for cut in range(len(data) + 1):
        file = put(path, 0, data[:cut])
        whole = max(count for count, end in enumerate(ends) if end <= cut)
        seen, end = read_all(SpoolReader(path, 0), None)
        assert seen == list(range(whole))
        expected = Break(index=whole, path=file, offset=ends[whole], damage=Damage.INCOMPLETE, last=True)
        assert end == (None if cut in ends else expected)
        assert read_all(SpoolReader(path, 0), whole) == (list(range(whole)), None)


def test_damage_before_another_file_is_a_hole_and_reading_goes_on_behind_it(path: Path) -> None:
    file = put(path, 0, frames(0, 2) + b"\xff" * 40)
    put(path, 5, frames(5, 7))
    reader = SpoolReader(path, 0)
    seen, end = read_all(reader, 7)
    assert seen == [0, 1]
    assert end == Break(index=2, path=file, offset=len(frames(0, 2)), damage=Damage.LENGTH, last=False)
    assert reader.following(end) == 5
    reader.go_to(5)
    assert read_all(reader, 7) == ([5, 6], None)


def test_a_file_that_is_gone_is_a_hole(path: Path) -> None:
    put(path, 0, frames(0, 2))
    put(path, 5, frames(5, 7))
    (path / segment_name(0)).unlink()
    _, end = read_all(SpoolReader(path, 0), None)
    assert end is not None
    assert (end.index, end.damage, end.last) == (0, Damage.MISSING, False)


def test_all_files_of_a_living_writer_gone_is_a_hole_and_of_a_dead_one_the_end(path: Path) -> None:
    assert read_all(SpoolReader(path, 3), None) == ([], None)
    _, end = read_all(SpoolReader(path, 3), 5)
    assert end is not None
    assert end.damage is Damage.MISSING


def test_an_abandoned_write_is_ended_by_the_next_file(path: Path) -> None:
    put(path, 0, frames(0, 3) + frame(record(3, size=99)) + b"half")
    put(path, 3, frames(3, 5))
    seen, end = read_all(SpoolReader(path, 0), None)
    assert (seen, end) == ([0, 1, 2, 3, 4], None)


@pytest.mark.parametrize(
    "wrong",
    [record(3), record(1), record(2, boot=str(uuid.UUID(int=8))), b"{}", b'{"v":1}', b"\xff\xfe", b"[" * 9000],
    ids=["later", "earlier", "another's", "empty", "no envelope", "bytes", "deep"],
)
def test_a_whole_frame_with_another_record_than_is_due_is_not_believed(path: Path, wrong: bytes) -> None:
    put(path, 0, frames(0, 2) + frame(wrong) + frame(record(3)))
    seen, end = read_all(SpoolReader(path, 0), None)
    assert seen == [0, 1]
    assert end is not None
    assert (end.index, end.damage) == (2, Damage.FOREIGN)


def test_files_are_removed_when_all_of_them_was_taken_and_another_follows(path: Path) -> None:
    put(path, 0, frames(0, 3))
    put(path, 3, frames(3, 5))
    reader = SpoolReader(path, 0)
    reader.advance(reader.read(2).records)
    reader.remove_read()
    assert len(list(path.iterdir())) == 2
    read_all(reader, None)
    reader.remove_read()
    assert [file.name for file in path.iterdir()] == [segment_name(3)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.integers(0, 9), st.one_of(st.binary(max_size=200), st.integers(0, 5)), max_size=4),
    st.integers(0, 9),
    st.one_of(st.none(), st.integers(0, 20)),
)
def test_any_files_at_all_give_records_that_are_due_or_a_break(
    path: Path, files: dict[int, bytes | int], seq: int, until: int | None
) -> None:
    for old in path.iterdir():
        old.unlink()
    for first, content in files.items():
        put(path, first, content if isinstance(content, bytes) else frames(first, first + content))
    reader = SpoolReader(path, seq)
    due = seq
    while True:
        stretch = reader.read(until)
        for each in stretch.records:
            assert (each.envelope.seq, each.envelope.boot) == (due, BOOT)
            assert until is None or due < until
            due += 1
        if stretch.records:
            reader.advance(stretch.records)
            continue
        following = reader.following(stretch.end) if stretch.end is not None else None
        if following is None:
            break
        assert following > due
        due = following
        reader.go_to(following)


@pytest.mark.parametrize("count", [100, 1000])
def test_the_work_grows_in_step_with_the_bytes(path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Followed record by record, as a slow writer makes it, and at once: each byte is read a few times at most."""
    data = frames(0, count)
    monkeypatch.setattr(spool_reader, "_WINDOW", 4096)
    work = 0
    real = spool_reader._read

    def counted(file: Path, offset: int) -> bytes:
        nonlocal work
        found = real(file, offset)
        work += len(found)
        return found

    monkeypatch.setattr(spool_reader, "_read", counted)
    put(path, 0, data)
    assert len(read_all(SpoolReader(path, 0), None)[0]) == count
    assert work <= 3 * len(data)
    work = 0
    reader = SpoolReader(path, 0)
    for end in range(1, 101):
        put(path, 0, frames(0, end))
        reader.advance(reader.read(end).records)
    put(path, 0, data)
    read_all(reader, None)
    assert work <= 3 * len(data)
