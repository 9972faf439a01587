"""How far each file was read is kept over restarts, by one process at a time."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from optout.adapters.ingest.lines import Position
from optout.adapters.ingest.positions import Positions
from optout.errors import EvidenceError


def _opened(tmp_path: Path, log: str = "access.log") -> Positions:
    return Positions(tmp_path, tmp_path / log)


def test_a_position_is_there_after_a_restart(tmp_path: Path) -> None:
    first, place = _opened(tmp_path), Position(head="aa", offset=10, tail="bb", within=True)
    first.put(place)
    first.save()
    first.close()
    second = _opened(tmp_path)
    assert second.of("aa") == place
    assert second.of("cc") == Position(head="cc")
    second.close()


def test_what_was_not_saved_is_forgotten(tmp_path: Path) -> None:
    first = _opened(tmp_path)
    first.put(Position(head="aa", offset=10, tail="bb"))
    first.close()
    second = _opened(tmp_path)
    assert second.of("aa").offset == 0
    second.close()


def test_only_one_process_has_the_positions_of_a_log(tmp_path: Path) -> None:
    first, other = _opened(tmp_path), _opened(tmp_path, "other.log")
    with pytest.raises(EvidenceError, match="another process ingests"):
        _opened(tmp_path)
    first.close()
    _opened(tmp_path).close()
    other.close()


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"read": 7}', b'{"read": [["aa"]]}', b'{"read": [[1, "x", 2, 3]]}']
)
def test_a_damaged_file_costs_reading_again_and_nothing_else(tmp_path: Path, damage: bytes) -> None:
    first = _opened(tmp_path)
    first.put(Position(head="aa", offset=10, tail="bb"))
    first.save()
    first.close()
    (file,) = (path for path in (tmp_path / "ingest").iterdir() if not path.suffix)
    file.write_bytes(damage)
    second = _opened(tmp_path)
    assert second.of("aa") == Position(head="aa")
    second.close()


def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    first = _opened(tmp_path)
    first.save()
    first.close()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "ingest").iterdir()} == {0o600}


def test_files_that_are_gone_are_remembered_in_a_bounded_number(tmp_path: Path) -> None:
    first = _opened(tmp_path)
    for count in range(1000):
        first.put(Position(head=f"{count}", offset=1, tail="t"))
    first.save(frozenset({"0"}))
    assert (first.of("0").offset, first.of("999").offset, first.of("1").offset) == (1, 1, 0)
    first.close()


def test_a_place_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "ingest").write_bytes(b"")
    with pytest.raises(EvidenceError, match="cannot keep positions"):
        _opened(tmp_path)
