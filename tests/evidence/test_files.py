"""Durable writes, with a file system that takes less than it is given."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from optout.evidence import files
from optout.evidence.files import is_full, replace_file, sync, sync_directory, write_all


@pytest.fixture
def descriptor(tmp_path: Path) -> int:
    return os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def test_a_short_count_is_followed_by_the_rest(
    descriptor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(files.os, "write", lambda fd, data: real(fd, bytes(data)[:3]))
    write_all(descriptor, b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_file_system_that_takes_nothing_is_an_error(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.os, "write", lambda fd, data: 0)
    with pytest.raises(OSError, match="took no byte"):
        write_all(descriptor, b"x")


def test_a_file_is_synced_where_the_system_has_no_fdatasync(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.delattr(files.os, "fdatasync", raising=False)
    monkeypatch.setattr(files.os, "fsync", called.append)
    sync(descriptor)
    assert called == [descriptor]


def test_a_replaced_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    replace_file(tmp_path / "state", b"one")
    replace_file(tmp_path / "state", b"two")
    assert (tmp_path / "state").read_bytes() == b"two"
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_replacement_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    replace_file(tmp_path / "state", b"one")

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "state", b"two")
    monkeypatch.undo()
    assert (tmp_path / "state").read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_directory_can_be_synced(tmp_path: Path) -> None:
    sync_directory(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        sync_directory(tmp_path / "absent")


def test_full_means_no_room_on_the_disk_or_in_the_quota() -> None:
    assert is_full(OSError(errno.ENOSPC, ""))
    assert is_full(OSError(errno.EDQUOT, ""))
    assert not is_full(OSError(errno.EIO, ""))
