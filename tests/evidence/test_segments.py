"""Frames and segments: reading what is whole, writing what is durable."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from optout.evidence.frames import MAX_FRAME, Damage, Framed, frame
from optout.evidence.segments import (
    Bookmark,
    Break,
    Entry,
    SegmentWriter,
    list_segments,
    read_entries,
    read_record,
    reread,
    segment_name,
)
from tests.evidence.setting import Disk

RECORDS = [b'{"n":%d}' % number * (number + 1) for number in range(6)]


def _writer(directory: Path, segment_bytes: int = 1 << 20) -> SegmentWriter:
    return SegmentWriter(directory, size=0, segment_bytes=segment_bytes)


def _read(directory: Path) -> list[bytes]:
    return [item.record for item in read_entries(directory) if isinstance(item, Entry)]


def _breaks(directory: Path) -> list[tuple[int, Damage, bool]]:
    return [(item.index, item.damage, item.last) for item in read_entries(directory) if isinstance(item, Break)]


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    writer = _writer(tmp_path)
    writer.append(RECORDS[:2])
    writer.append(RECORDS[2:])
    writer.close()
    found = [item for item in read_entries(tmp_path) if isinstance(item, Entry)]
    assert [item.record for item in found] == RECORDS
    assert [item.leaf_index for item in found] == list(range(6))
    assert found[3].path.read_bytes()[found[3].offset :].startswith(frame(RECORDS[3]))


def test_an_empty_directory_has_no_records_and_no_breaks(tmp_path: Path) -> None:
    assert list(read_entries(tmp_path)) == []


def test_a_full_segment_is_followed_by_another_named_for_its_first_record(tmp_path: Path) -> None:
    writer = _writer(tmp_path, segment_bytes=30)
    for record in RECORDS:
        writer.append([record])
    writer.close()
    names = [segment.path.name for segment in list_segments(tmp_path)]
    assert names[0] == segment_name(0)
    assert len(names) > 2
    assert _read(tmp_path) == RECORDS


def test_segments_are_for_their_owner_alone(tmp_path: Path) -> None:
    writer = _writer(tmp_path)
    writer.append(RECORDS)
    writer.close()
    assert list_segments(tmp_path)[0].path.stat().st_mode & 0o777 == 0o600


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "0.frames").write_text("not sixteen digits")
    assert list_segments(tmp_path) == ()


def test_a_writer_goes_on_where_it_was_left(tmp_path: Path) -> None:
    first = _writer(tmp_path)
    first.append(RECORDS[:3])
    first.close()
    path = list_segments(tmp_path)[0].path
    second = SegmentWriter(tmp_path, size=3, segment_bytes=1 << 20, resume=(path, path.stat().st_size))
    second.append(RECORDS[3:])
    second.close()
    assert _read(tmp_path) == RECORDS
    assert len(list_segments(tmp_path)) == 1


def test_no_cut_anywhere_makes_half_a_record(tmp_path: Path) -> None:
    data = b"".join(map(frame, RECORDS))
    ends = {sum(len(frame(record)) for record in RECORDS[:count]): count for count in range(len(RECORDS) + 1)}
    path = tmp_path / segment_name(0)
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        whole = max(count for end, count in ends.items() if end <= cut)
        assert _read(tmp_path) == RECORDS[:whole]
        assert _breaks(tmp_path) == ([] if cut in ends else [(whole, Damage.INCOMPLETE, True)])


@pytest.mark.parametrize(
    ("tail", "damage"),
    [
        (bytes(8), Damage.LENGTH),
        (bytes(4096), Damage.LENGTH),
        ((MAX_FRAME + 1).to_bytes(4, "big") + bytes(4), Damage.LENGTH),
        (b"\xff" * 100, Damage.LENGTH),
        (frame(b"{}")[:-1] + b"x", Damage.CHECKSUM),
        (frame(b"{}")[:-1], Damage.INCOMPLETE),
        (b"\x00", Damage.INCOMPLETE),
    ],
)
def test_an_end_that_is_no_frame_is_named(tmp_path: Path, tail: bytes, damage: Damage) -> None:
    (tmp_path / segment_name(0)).write_bytes(frame(RECORDS[0]) + tail)
    assert _read(tmp_path) == RECORDS[:1]
    assert _breaks(tmp_path) == [(1, damage, True)]


def test_the_next_segments_name_ends_a_segment(tmp_path: Path) -> None:
    (tmp_path / segment_name(0)).write_bytes(b"".join(map(frame, RECORDS[:2])) + b"an abandoned write")
    (tmp_path / segment_name(2)).write_bytes(b"".join(map(frame, RECORDS[2:])))
    assert _read(tmp_path) == RECORDS
    assert _breaks(tmp_path) == []


def test_records_missing_before_the_next_segment_are_a_break_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / segment_name(0)).write_bytes(frame(RECORDS[0]))
    (tmp_path / segment_name(2)).write_bytes(frame(RECORDS[2]))
    assert _read(tmp_path) == [RECORDS[0], RECORDS[2]]
    assert _breaks(tmp_path) == [(1, Damage.MISSING, False)]


def test_a_missing_first_segment_is_a_break(tmp_path: Path) -> None:
    (tmp_path / segment_name(2)).write_bytes(frame(RECORDS[2]))
    assert _breaks(tmp_path) == [(0, Damage.MISSING, False)]


def test_a_second_look_sees_what_a_writer_put_right(tmp_path: Path) -> None:
    path = tmp_path / segment_name(0)
    path.write_bytes(frame(RECORDS[0])[:-1] + b"x")
    (end,) = [item for item in read_entries(tmp_path) if isinstance(item, Break)]
    assert reread(end) is Damage.CHECKSUM
    path.write_bytes(frame(RECORDS[0]))
    assert reread(end) is None


def test_a_full_disk_leaves_no_torn_line(tmp_path: Path, disk: Disk) -> None:
    writer = _writer(tmp_path)
    writer.append(RECORDS[:2])
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        writer.append(RECORDS[2:4])
    assert _breaks(tmp_path) == []
    disk.full = False
    writer.append(RECORDS[4:])
    writer.close()
    assert _read(tmp_path) == RECORDS[:2] + RECORDS[4:]
    assert writer.size == 4
    assert len(list_segments(tmp_path)) == 1


def test_after_a_failed_sync_the_file_is_never_used_again(tmp_path: Path, disk: Disk) -> None:
    writer = _writer(tmp_path)
    writer.append(RECORDS[:2])
    disk.fail_sync = 1
    with pytest.raises(OSError, match="Input/output"):
        writer.append(RECORDS[2:4])
    writer.append(RECORDS[4:])
    writer.close()
    assert [segment.first for segment in list_segments(tmp_path)] == [0, 2]
    assert _read(tmp_path) == RECORDS[:2] + RECORDS[4:]


def test_a_failed_write_that_is_not_a_full_disk_opens_a_new_segment(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = _writer(tmp_path)
    writer.append(RECORDS[:2])

    def too_large(*_: object) -> None:
        raise OSError(errno.EFBIG, "File too large")

    with monkeypatch.context() as patch:
        patch.setattr("optout.evidence.segments.write_all", too_large)
        with pytest.raises(OSError, match="too large"):
            writer.append(RECORDS[2:4])
    writer.append(RECORDS[4:])
    writer.close()
    assert len(list_segments(tmp_path)) == 2


def test_a_write_that_cannot_be_cut_back_is_ended_by_the_next_segment(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = _writer(tmp_path)
    writer.append(RECORDS[:2])

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    disk.full = True
    with monkeypatch.context() as patch:
        patch.setattr("optout.evidence.segments.os.ftruncate", refuse)
        with pytest.raises(OSError, match="No space"):
            writer.append(RECORDS[2:4])
    disk.full = False
    writer.append(RECORDS[4:])
    writer.close()
    assert _read(tmp_path) == RECORDS[:2] + RECORDS[4:]
    assert _breaks(tmp_path) == []


@pytest.mark.parametrize("removable", [True, False])
def test_a_first_write_that_fails_leaves_room_for_the_next(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, removable: bool
) -> None:
    writer = _writer(tmp_path)
    disk.fail_sync = 1

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        if not removable:
            patch.setattr(Path, "unlink", refuse)
        with pytest.raises(OSError, match="Input/output"):
            writer.append(RECORDS[:2])
    writer.append(RECORDS[2:])
    writer.close()
    assert _read(tmp_path) == RECORDS[2:]
    assert len(list_segments(tmp_path)) == 1


def test_a_new_segment_is_refused_when_its_name_cannot_be_made_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    writer = _writer(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("optout.evidence.segments.sync_directory", refuse)
        with pytest.raises(OSError, match="Input/output"):
            writer.append(RECORDS)
    writer.append(RECORDS)
    writer.close()
    assert _read(tmp_path) == RECORDS


def test_every_append_is_synced_before_it_returns(tmp_path: Path, disk: Disk) -> None:
    writer = _writer(tmp_path)
    for record in RECORDS:
        before = disk.syncs
        writer.append([record])
        assert disk.syncs == before + 1
    writer.close()
    writer.close()


def test_reading_on_from_any_bookmark_gives_what_is_behind_it(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, size=0, segment_bytes=60)
    for number in range(12):
        writer.append([b"record %d" % number])
    writer.close()
    all_of_it = [item for item in read_entries(tmp_path) if isinstance(item, Entry)]
    assert len(list_segments(tmp_path)) > 2
    for entry in all_of_it:
        first = int(entry.path.name.partition(".")[0])
        before = Bookmark(entry.leaf_index, first, entry.offset)
        behind = Bookmark(entry.leaf_index + 1, first, entry.end)
        assert list(read_entries(tmp_path, before)) == all_of_it[entry.leaf_index :]
        assert list(read_entries(tmp_path, behind)) == all_of_it[entry.leaf_index + 1 :]
        assert list(read_entries(tmp_path, before, first=9)) == all_of_it[max(9, entry.leaf_index) :]


def test_a_record_is_read_by_its_place_or_its_damage_told(tmp_path: Path) -> None:
    path = tmp_path / segment_name(0)
    path.write_bytes(frame(b"one") + frame(b"two") + b"\x00")
    with path.open("rb") as file:
        assert [read_record(file, offset) for offset in (11, 0, 22, 23)] == [
            Framed(b"two", b""),
            Framed(b"one", b""),
            Damage.INCOMPLETE,
            None,
        ]
        assert isinstance(read_record(file, 1), Damage)
