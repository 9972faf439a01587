"""The reserve: taken only where there is room, given back at once."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from optout.evidence import ballast
from optout.evidence.ballast import Ballast

SIZE = 64 * 1024


@pytest.fixture
def reserve(tmp_path: Path) -> Ballast:
    return Ballast(tmp_path / "ballast", SIZE)


def test_a_reserve_takes_its_room_on_the_disk(reserve: Ballast, tmp_path: Path) -> None:
    assert reserve.restore()
    status = (tmp_path / "ballast").stat()
    assert status.st_size == SIZE
    assert status.st_blocks * 512 >= SIZE
    assert status.st_mode & 0o777 == 0o600


def test_a_released_reserve_is_gone_and_can_be_had_again(reserve: Ballast, tmp_path: Path) -> None:
    reserve.restore()
    reserve.release()
    assert not reserve.held
    assert not (tmp_path / "ballast").exists()
    reserve.release()
    assert reserve.restore()
    assert reserve.held


def test_a_reserve_of_an_earlier_start_is_taken_over(reserve: Ballast, tmp_path: Path) -> None:
    (tmp_path / "ballast").write_bytes(bytes(SIZE))
    assert reserve.restore()


def test_no_reserve_is_taken_from_a_disk_that_has_just_that_much(
    reserve: Ballast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballast.os, "statvfs", lambda _: SimpleNamespace(f_bavail=2 * SIZE - 1, f_frsize=1))
    assert not reserve.restore()
    monkeypatch.setattr(ballast.os, "statvfs", lambda _: SimpleNamespace(f_bavail=2 * SIZE, f_frsize=1))
    assert reserve.restore()


def test_a_small_disk_gives_a_thousandth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballast, "disk_size", lambda _: 10_000_000)
    Ballast(tmp_path / "ballast", 8 << 20).restore()
    assert (tmp_path / "ballast").stat().st_size == 10_000


def test_no_reserve_at_all_may_be_asked_for(tmp_path: Path) -> None:
    assert Ballast(tmp_path / "ballast", 0).restore()
    assert not (tmp_path / "ballast").exists()


def test_a_disk_that_refuses_is_no_error(reserve: Ballast, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ballast, "_allocate", refuse)
    assert not reserve.restore()
    monkeypatch.setattr(Path, "unlink", refuse)
    reserve.release()


def test_a_system_without_fallocate_writes_the_reserve(
    reserve: Ballast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(ballast.os, "posix_fallocate", raising=False)
    assert reserve.restore()
    assert (tmp_path / "ballast").read_bytes() == bytes(SIZE)
