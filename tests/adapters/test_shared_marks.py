"""A table that processes share: what one has put there the others find, and its size is fixed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from optout.adapters import shared_marks
from optout.adapters.shared_marks import SharedMarks, mark_of

ONE, OTHER = mark_of("one"), mark_of("other")


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for shared memory that goes with the test."""
    place = tmp_path / "shm"
    place.mkdir()
    monkeypatch.setattr(shared_marks, "_MEMORY", place)
    return place


@pytest.fixture
def marks(memory: Path, tmp_path: Path) -> Iterator[SharedMarks]:
    """A table."""
    table = SharedMarks(tmp_path, "test", 64)
    yield table
    table.close()


def test_what_is_put_is_found(marks: SharedMarks) -> None:
    assert marks.find(ONE) is None
    marks.put(ONE, 5)
    marks.put(OTHER, 6)
    marks.put(ONE, 7)
    assert (marks.find(ONE), marks.find(OTHER)) == (7, 6)


def test_another_table_of_the_same_state_finds_it_and_of_another_does_not(marks: SharedMarks, tmp_path: Path) -> None:
    marks.put(ONE, 5)
    again, named, elsewhere = (
        SharedMarks(place, name, 64)
        for place, name in ((tmp_path, "test"), (tmp_path, "more"), (tmp_path / "else", "test"))
    )
    assert (again.find(ONE), named.find(ONE), elsewhere.find(ONE)) == (5, None, None)
    assert SharedMarks(None, "test", 64).find(ONE) is None


def test_another_process_finds_it_and_the_real_memory_is_used(tmp_path: Path) -> None:
    table = SharedMarks(tmp_path, "test", 16)
    table.put(ONE, 9)
    code = (
        "import sys; from pathlib import Path; from optout.adapters.shared_marks import SharedMarks, mark_of;"
        "print(SharedMarks(Path(sys.argv[1]), 'test', 16).find(mark_of('one')))"
    )
    found = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "9"


def test_its_size_is_fixed_and_the_earliest_goes(memory: Path, tmp_path: Path) -> None:
    table = SharedMarks(tmp_path, "test", 16)  # one place for all marks
    for number in range(17):
        table.put(mark_of(str(number)), 100 + number)
    assert [table.find(mark_of(str(number))) is not None for number in range(17)] == [False, *[True] * 16]
    (file,) = memory.iterdir()
    assert file.stat().st_size == 16 * 24


def test_half_full_it_has_lost_next_to_nothing(marks: SharedMarks) -> None:
    table = SharedMarks(None, "test", 1024)
    for number in range(512):
        table.put(mark_of(str(number)), 1)
    assert sum(table.find(mark_of(str(number))) is None for number in range(512)) <= 8


def test_it_is_opened_when_it_is_used(marks: SharedMarks, memory: Path) -> None:
    assert list(memory.iterdir()) == []
    marks.close()
    assert marks.find(ONE) is None
    assert len(list(memory.iterdir())) == 1


def test_only_the_user_reads_it(marks: SharedMarks, memory: Path) -> None:
    marks.put(ONE, 1)
    (file,) = memory.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["link", "open to others", "directory"])
def test_what_others_may_have_put_there_is_not_used(memory: Path, tmp_path: Path, kind: str) -> None:
    first = SharedMarks(tmp_path, "test", 16)
    first.put(OTHER, 1)
    first.close()
    (file,) = memory.iterdir()
    file.unlink()
    if kind == "link":
        file.symlink_to(tmp_path / "target")
    elif kind == "directory":
        file.mkdir()
    else:
        file.write_bytes(b"\xff" * 384)
        file.chmod(0o666)
    table = SharedMarks(tmp_path, "test", 16)
    table.put(ONE, 1)
    assert table.find(ONE) == 1
    assert not (tmp_path / "target").exists()
    if kind == "open to others":
        assert file.read_bytes() == b"\xff" * 384


def test_without_room_in_memory_the_process_has_its_own(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    table = SharedMarks(tmp_path, "test", 16)
    table.put(ONE, 1)
    assert table.find(ONE) == 1


def test_a_process_that_holds_the_lock_and_stands_still_keeps_nobody_waiting(
    marks: SharedMarks, tmp_path: Path
) -> None:
    other = SharedMarks(tmp_path, "test", 64)
    with marks.alone(), other.alone():  # the second goes on without
        other.put(ONE, 1)
    with other.alone():
        assert marks.find(ONE) == 1


def test_parts_cannot_be_moved_from_one_to_the_other() -> None:
    assert mark_of("ab", "c") != mark_of("a", "bc")
    assert mark_of("\udcff") != mark_of("?")


def test_a_note_comes_back_whole_or_not_at_all(memory: Path, tmp_path: Path) -> None:
    table = SharedMarks(tmp_path, "notes", 16, note=8)
    table.put(ONE, 5, b"12345678")
    table.put(OTHER, 6, b"abcdefgh")
    assert (table.read(ONE), table.read(OTHER), table.find(OTHER)) == ((5, b"12345678"), (6, b"abcdefgh"), 6)
    assert table.read(mark_of("none")) is None
    table.put(ONE, 7, b"87654321")
    assert table.read(ONE) == (7, b"87654321")
    (file,) = memory.iterdir()
    data = file.read_bytes()
    for place in range(len(data)):  # as somebody sees it who looks while it is written
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert table.read(ONE) in (None, (7, b"87654321"))
    file.write_bytes(data)
    assert table.read(ONE) == (7, b"87654321")


def test_the_octets_of_a_mark_within_another_entry_are_no_mark(tmp_path: Path, memory: Path) -> None:
    table = SharedMarks(tmp_path, "notes", 16, note=48)
    table.put(OTHER, 1, ONE + ONE + ONE)
    assert table.find(ONE) is None
    table.put(ONE, 2, b"x" * 48)
    assert (table.find(ONE), table.read(OTHER)) == (2, (1, ONE + ONE + ONE))
