"""An index that does not fit its log, or is damaged, or cannot be written, is nobody's error."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.index import opening
from optout.evidence.index.asking import find_rows
from optout.evidence.index.catalog import open_catalog
from optout.evidence.index.figures import figures
from optout.evidence.index.opening import NAME, move_aside, open_index
from optout.evidence.index.question import Question
from optout.evidence.index.tables import FACETS
from optout.evidence.segments import list_segments
from tests.evidence.index.setting import Scan, add, make_log, record

_BY = tuple(FACETS)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A log of two hundred records in several segments, with an index."""
    home = make_log(tmp_path / "log", [record(n, **{"url.path": f"/{n}"}) for n in range(200)], segment_bytes=9000)
    with open_index(home):
        pass
    return home


def _sound(home: Path, replaced: str | None = None) -> Path | None:
    """Ask everything of it; where the index lies."""
    with open_index(home) as index:
        assert [row.leaf for row in find_rows(index, Question())] == list(Scan(home).facts)
        assert figures([index], Question(), _BY) == Scan(home).figures(Question(), _BY)
        assert replaced is None or replaced in index.replaced
        return index.path


def test_the_index_is_only_for_the_owner_of_the_log(home: Path) -> None:
    with open_index(home):
        names = sorted(path.name for path in home.glob("index*"))
        assert names == ["index.sqlite", "index.sqlite-shm", "index.sqlite-wal"]
        assert {path.stat().st_mode & 0o777 for path in home.glob("index*")} == {0o600}


def test_an_index_that_is_gone_is_made_again(home: Path) -> None:
    (home / NAME).unlink()
    assert _sound(home, "") == home / NAME


def test_a_rebuilt_index_is_a_new_file(home: Path) -> None:
    before = (home / NAME).stat().st_ino
    with (home / NAME).open("rb"), open_index(home, rebuild=True) as index:
        assert (home / NAME).stat().st_ino != before
        assert (index.size, index.replaced) == (200, "")


def _noise(path: Path, seed: int) -> None:
    data = bytearray(path.read_bytes())
    chance = random.Random(seed)
    start, length = chance.randrange(len(data)), chance.randrange(1, 200)
    data[start : start + length] = chance.randbytes(len(data[start : start + length]))
    path.write_bytes(data)


@pytest.mark.parametrize("seed", range(60))
def test_random_bytes_in_the_index_change_no_answer(home: Path, seed: int) -> None:
    _noise(home / NAME, seed)
    with open_catalog(home) as catalog:
        found = list(catalog.records(Question()))
        assert [item.found.row.leaf for item in found] == list(Scan(home).facts)  # type: ignore[union-attr]
        assert catalog.figures(Question(), _BY) == Scan(home).figures(Question(), _BY)
    _sound(home)


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 20_000])
def test_an_index_that_was_cut_is_made_again(home: Path, size: int) -> None:
    os.truncate(home / NAME, size)
    assert _sound(home) == home / NAME


def test_a_file_that_is_no_database_is_kept_aside(home: Path) -> None:
    (home / NAME).write_bytes(b"not a database " * 1000)
    assert _sound(home, "file is not a database") == home / NAME
    assert (home / "index.damaged.sqlite").read_bytes().startswith(b"not a database")


def test_the_index_of_another_log_is_not_asked(home: Path, tmp_path: Path) -> None:
    other = make_log(tmp_path / "other", [record(n) for n in range(5)])
    shutil.copy(home / NAME, other / NAME)
    _sound(other, "another log")


def test_the_index_of_another_version_is_not_asked(home: Path) -> None:
    connection = apsw.Connection(str(home / NAME))
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    _sound(home, "version 999")


def _put_back(home: Path) -> None:
    """A copy from before, written on."""
    records = [record(n, **{"url.path": f"/{n}"}) for n in range(150)] + [record(n + 900) for n in range(90)]
    shutil.rmtree(home / "segments")
    (home / "segments").mkdir()
    add(home, records, segment_bytes=9000)


def _cut_back(home: Path) -> None:
    last = list_segments(home / "segments")[-1].path
    last.unlink()


def _other_segments(home: Path) -> None:
    records = [record(n, **{"url.path": f"/{n}"}) for n in range(200)]
    shutil.rmtree(home / "segments")
    (home / "segments").mkdir()
    add(home, records, segment_bytes=5000)


def _another_last_record(home: Path) -> None:
    """A write that failed after it was read, and the next one in its place."""
    with open_index(home) as index:
        offset = [row.offset for row in find_rows(index, Question())][-1]
    os.truncate(list_segments(home / "segments")[-1].path, offset)
    add(home, [record(700), record(701)], segment_bytes=9000)


@pytest.mark.parametrize("change", [_put_back, _cut_back, _other_segments, _another_last_record])
def test_a_log_that_was_changed_is_read_anew(home: Path, change: Callable[[Path], None]) -> None:
    change(home)
    _sound(home, "the log has other")
    _sound(home, "")


def test_where_nothing_can_be_written_the_index_is_a_temporary_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(home, [record(200)], segment_bytes=9000)

    def refuse(path: Path) -> apsw.Connection:
        raise apsw.ReadOnlyError("attempt to write a readonly database")

    monkeypatch.setattr(opening, "_connect", refuse)
    before = {path: path.stat().st_mtime_ns for path in home.iterdir()}
    assert _sound(home) is None
    assert {path: path.stat().st_mtime_ns for path in home.iterdir()} == before


def test_a_name_that_cannot_be_a_file_is_moved_aside_or_done_without(home: Path) -> None:
    (home / NAME).unlink()
    (home / NAME).mkdir()
    _sound(home)


def test_an_index_that_another_process_holds_too_long_is_done_without(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_BUSY_MS", 10)
    holder = apsw.Connection(str(home / NAME))
    holder.execute("BEGIN IMMEDIATE")
    assert _sound(home) is None
    holder.execute("ROLLBACK")
    holder.close()
    assert _sound(home) == home / NAME


def test_what_cannot_be_moved_is_said_so(home: Path) -> None:
    layout = Layout(home)
    assert move_aside(layout)
    assert move_aside(layout)  # nothing there is fine, too
    (home / NAME).write_bytes(b"x")
    (home / "index.damaged.sqlite").unlink()
    (home / "index.damaged.sqlite").mkdir()
    assert not move_aside(layout)


def test_no_log_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError), open_index(tmp_path):
        pass
    home = make_log(tmp_path / "log", [record(1)])
    shutil.rmtree(home / "segments")
    with pytest.raises(EvidenceError), open_index(home):
        pass


def test_pages_are_checked_where_the_extension_is_there(home: Path) -> None:
    with open_index(home) as index:
        assert index.connection.open_vfs == ("cksmvfs" if apsw.sqlite_extra.has("cksumvfs") else "unix")
