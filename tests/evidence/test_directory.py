"""A log's directory: made once, for its owner alone, held by one process."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout, create_log, lock_directory
from optout.evidence.signing import load_signer, load_verifier_key
from tests.evidence.setting import fill


def test_a_new_log_has_a_key_pair_and_a_signed_empty_tree(home: Path) -> None:
    key = create_log(home, "example.org/log", now_us=1)
    layout = Layout(home)
    assert load_signer(layout.key, layout.vkey).verifier == key
    assert layout.checkpoint.read_bytes().startswith(b"example.org/log\n0\n")


def test_a_log_without_a_name_gets_one_of_its_own(tmp_path: Path) -> None:
    one = create_log(tmp_path / "one", now_us=1)
    other = create_log(tmp_path / "other", now_us=1)
    assert one.name.startswith("optout.local/")
    assert one.name != other.name


def test_directories_and_files_are_for_their_owner_alone(home: Path) -> None:
    create_log(home, now_us=1)
    modes = {path.relative_to(home).as_posix(): path.stat().st_mode & 0o777 for path in home.rglob("*")}
    assert {modes[name] for name in ("key", "vkey", "state", "checkpoint", "lock")} == {0o600}
    assert {modes[name] for name in ("segments", "snapshots")} == {home.stat().st_mode & 0o777} == {0o700}


def test_the_longest_name_fits_into_every_record(home: Path) -> None:
    create_log(home, "é" * 100, now_us=1)
    fill(home, 2, boots=2)
    assert audit(home).verdict is Verdict.SOUND


def test_a_log_is_made_only_once(home: Path) -> None:
    create_log(home, now_us=1)
    before = (home / "key").read_bytes()
    with pytest.raises(EvidenceError, match="already"):
        create_log(home, now_us=1)
    assert (home / "key").read_bytes() == before


def test_a_directory_with_something_else_in_it_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(EvidenceError, match="holds files but no evidence log"):
        create_log(home, now_us=1)
    assert [path.name for path in home.iterdir()] == ["holiday.jpg"]


def test_an_empty_volume_counts_as_new(home: Path) -> None:
    (home / "lost+found").mkdir(parents=True)
    assert create_log(home, now_us=1)


@pytest.mark.parametrize("survivors", [("key",), ("key", "state"), ("key", "state", "checkpoint")])
def test_a_log_whose_making_broke_off_is_made_again_with_the_same_key(home: Path, survivors: tuple[str, ...]) -> None:
    first = create_log(home, now_us=1)
    for name in ("vkey", "state", "checkpoint"):
        if name not in survivors:
            (home / name).unlink()
    assert create_log(home, now_us=1).public == first.public


def test_a_disk_that_refuses_a_new_log_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("optout.evidence.directory.replace_file", refuse)
        with pytest.raises(EvidenceError, match="No space"):
            create_log(home, now_us=1)
    assert create_log(home, now_us=1)


def test_records_without_a_vkey_are_not_taken_for_a_new_log(home: Path) -> None:
    create_log(home, now_us=1)
    (home / "segments" / "0000000000000000.frames").write_bytes(b"x")
    (home / "vkey").unlink()
    with pytest.raises(EvidenceError, match="no evidence log"):
        create_log(home, now_us=1)


@pytest.mark.parametrize("origin", ["a b", "a+b", "a\nb", "é" * 101])
def test_a_name_that_no_note_can_carry_is_refused(home: Path, origin: str) -> None:
    with pytest.raises(EvidenceError, match="cannot name a log"):
        create_log(home, origin, now_us=1)
    assert not (home / "vkey").exists()


def test_one_process_at_a_time_holds_a_directory(home: Path) -> None:
    with lock_directory(Layout(home)), pytest.raises(EvidenceError, match="another process"):
        lock_directory(Layout(home))
    lock = lock_directory(Layout(home))
    lock.release()
    lock.release()


def test_a_place_that_cannot_be_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EvidenceError, match="cannot keep evidence"):
        create_log(tmp_path / "file", now_us=1)


def test_a_key_without_a_log_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no evidence log here") as caught:
        load_verifier_key(Layout(tmp_path).vkey)
    assert "optout evidence init" in caught.value.remedy
