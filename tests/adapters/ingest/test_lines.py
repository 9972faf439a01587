"""Lines of a log whose files are renamed, copied, compressed and cut while they are read."""

from __future__ import annotations

import gzip
import io
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.adapters.ingest.lines import (
    PIECE,
    UNREADABLE,
    Position,
    generations,
    head_of,
    open_log_file,
    read_on,
)
from optout.compilers.access_log import LONGEST_LINE, LineFault


def _read(data: bytes, position: Position | None = None) -> tuple[list[bytes | LineFault], Position]:
    file = io.BytesIO(data)
    position = position or Position(head=head_of(file))
    lines: list[bytes | LineFault] = []
    for piece in read_on(file, position):
        lines += piece.lines
        position = piece.position
    return lines, position


def test_whole_lines_are_read_and_a_part_of_one_is_left() -> None:
    lines, position = _read(b"one\ntwo\nthr")
    assert lines == [b"one", b"two"]
    assert _read(b"one\ntwo\nthree\n", position)[0] == [b"three"]


def test_nothing_is_read_twice() -> None:
    _, position = _read(b"one\ntwo\n")
    assert _read(b"one\ntwo\n", position) == ([], position)


def test_empty_lines_are_no_lines() -> None:
    assert _read(b"one\n\n\ntwo\n")[0] == [b"one", b"two"]


def test_a_file_that_does_not_hold_what_was_read_is_read_from_its_beginning() -> None:
    _, position = _read(b"same\nold one\n")
    assert _read(b"same\nnew one\nnew two\n", position)[0] == [b"same", b"new one", b"new two"]


def test_a_file_that_was_cut_is_read_from_its_beginning() -> None:
    _, position = _read(b"one\ntwo\nthree\n")
    assert _read(b"one\n", position)[0] == [b"one"]


def test_a_line_without_end_is_one_fault_and_is_not_held_in_memory() -> None:
    lines, position = _read(b"one\n" + b"x" * (5 * PIECE) + b"\ntwo\n")
    assert lines == [b"one", LineFault.TOO_LONG, b"two"]
    assert not position.within


def test_the_rest_of_a_line_without_end_is_skipped_the_next_time_too() -> None:
    data = b"one\n" + b"x" * (3 * PIECE)
    lines, position = _read(data)
    assert (lines, position.within) == ([b"one", LineFault.TOO_LONG], True)
    assert _read(data + b"xxx\ntwo\n", position)[0] == [b"two"]


def test_a_longest_line_is_still_a_line() -> None:
    assert _read(b"x" * LONGEST_LINE + b"\ntwo\n")[0] == [b"x" * LONGEST_LINE, b"two"]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=12), st.integers(0, 400))
def test_wherever_the_reading_is_broken_off_every_line_comes_once(lines: list[bytes], cut: int) -> None:
    data = b"".join(line + b"\n" for line in (b"first", *lines))
    before, position = _read(data[:cut])
    if not position.head:  # not even the first line was whole
        position = Position(head=head_of(io.BytesIO(data)))
    after, _ = _read(data, position)
    assert before + after == [line for line in (b"first", *lines) if line]


def test_a_file_is_known_by_its_first_line_whatever_becomes_of_it(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"first\nsecond\n")
    renamed, packed = tmp_path / "access.log.1", tmp_path / "access.log.2.gz"
    shutil.copy(log, renamed)
    packed.write_bytes(gzip.compress(log.read_bytes()))
    heads = set()
    for path in (log, renamed, packed):
        with open_log_file(path) as file:
            heads.add(head_of(file))
    assert len(heads) == 1


def test_a_file_is_known_only_when_its_first_line_is_whole() -> None:
    assert head_of(io.BytesIO(b"")) == head_of(io.BytesIO(b"fir")) == ""
    assert head_of(io.BytesIO(b"first\n")) == head_of(io.BytesIO(b"first\nsecond"))


def test_a_first_line_without_end_is_known_by_its_beginning() -> None:
    assert head_of(io.BytesIO(b"x" * 5000))


def test_a_position_is_found_again_in_the_packed_file(tmp_path: Path) -> None:
    _, position = _read(b"one\ntwo\n")
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(b"one\ntwo\nthree\n"))
    with open_log_file(packed) as file:
        assert [piece.lines for piece in read_on(file, position)] == [(b"three",)]


def test_a_packed_file_that_is_still_being_written_is_unreadable_and_no_fault(tmp_path: Path) -> None:
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(os.urandom(50_000))[:2_000])
    with pytest.raises(UNREADABLE), open_log_file(packed) as file:
        list(read_on(file, Position(head=head_of(file))))


@pytest.mark.parametrize(
    "name",
    [
        "access.log.1",
        "access.log.2.gz",
        "access.log-20261125",
        "access.log-20261125.gz",
        "access.log-20261125-1795000000",
        "access-20261125.log",
        "access-2026-11-25T10-00-00.000.log.gz",
    ],
)
def test_names_of_rotated_files_belong_to_the_log(tmp_path: Path, name: str) -> None:
    for path in (tmp_path / name, tmp_path / "access.log"):
        path.write_bytes(b"")
    assert [path.name for path in generations(tmp_path / "access.log")] == [name, "access.log"]


@pytest.mark.parametrize(
    "name",
    ["access.log.old", "access.log.1.bz2", "access.log.tmp", "other.log.1", "my-access.log", "access.log.1.gz.tmp"],
)
def test_names_of_other_files_do_not(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert generations(tmp_path / "access.log") == ()


def test_the_oldest_file_comes_first(tmp_path: Path) -> None:
    for age, name in enumerate(("access.log", "access.log.1", "access.log.2.gz", "access.log.10.gz")):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (10_000 - age, 10_000 - age))
    names = [path.name for path in generations(tmp_path / "access.log")]
    assert names == ["access.log.10.gz", "access.log.2.gz", "access.log.1", "access.log"]
