"""adapters.policy_directory: every change is seen, and a look costs the same however many files there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optout.adapters import policy_directory
from optout.adapters.policy_directory import PolicyDirectory, read_policy
from optout.policy.yaml_positions import MAX_BYTES


def _filled(place: Path, count: int) -> PolicyDirectory:
    for number in range(count):
        (place / f"{number:03}.yaml").write_text("a")
    directory = PolicyDirectory(place)
    _take(directory)
    return directory


def _take(directory: PolicyDirectory) -> dict[str, bool]:
    """What the next look finds, taken in: names, and whether there is a file."""
    found = directory.look()
    directory.take(found)
    return {name: state is not None for name, state in found.items()}


def test_the_first_look_finds_every_policy_and_the_next_finds_nothing(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "README.md", "c.yaml~", "yaml"):
        (tmp_path / name).write_text(name)
    (tmp_path / "cases.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "nowhere.yaml").symlink_to("nothing")
    directory = PolicyDirectory(tmp_path)
    assert _take(directory) == {"a.yml": True, "b.yaml": True}
    assert len(directory) == 2
    assert [_take(directory) for _ in range(3)] == [{}, {}, {}]


@pytest.mark.parametrize("at_a_look", [4_000, 0])
def test_what_was_found_is_found_again_until_it_is_taken_in(
    at_a_look: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = _filled(tmp_path, 3)
    monkeypatch.setattr(policy_directory, "AT_A_LOOK", at_a_look)
    (tmp_path / "new").write_text("ab")
    (tmp_path / "new").rename(tmp_path / "001.yaml")
    for _ in range(3):
        assert directory.look().keys() == {"001.yaml"}
    directory.take(directory.look())
    assert directory.look() == {}


def test_files_that_come_go_and_are_replaced_are_seen_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_directory, "AT_A_LOOK", 0)  # by the directory alone
    directory = _filled(tmp_path, 50)
    (tmp_path / "new.yaml").write_text("a")
    (tmp_path / "007.yaml").unlink()
    (tmp_path / "other").write_text("b")
    (tmp_path / "other").rename(tmp_path / "009.yaml")
    assert _take(directory) == {"new.yaml": True, "007.yaml": False, "009.yaml": True}


def test_a_directory_that_changes_twice_under_one_time_stamp_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_directory, "AT_A_LOOK", 0)
    directory = _filled(tmp_path, 3)
    times = tmp_path.stat()
    (tmp_path / "new.yaml").write_text("a")
    os.utime(tmp_path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert _take(directory) == {"new.yaml": True}


def test_a_file_written_in_place_is_seen_within_one_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_directory, "AT_A_LOOK", 10)
    directory = _filled(tmp_path, 95)
    changed = {"000.yaml", "042.yaml", "094.yaml"}
    for name in changed:
        (tmp_path / name).write_text("ab")
    found: set[str] = set()
    for _ in range(11):
        found |= _take(directory).keys()
    assert found == changed


def test_a_look_asks_for_the_state_of_a_bounded_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_directory, "AT_A_LOOK", 10)
    directory = _filled(tmp_path, 95)
    asked: list[str] = []
    real = policy_directory._state

    def counted(name: str, place: int) -> int | None:
        asked.append(name)
        return real(name, place)

    monkeypatch.setattr(policy_directory, "_state", counted)
    for look in range(1, 30):
        directory.look()
        assert len(asked) <= 10 * look
    assert set(asked) == {f"{number:03}.yaml" for number in range(95)}


def test_what_a_link_leads_to_may_change_with_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Kubernetes mounts a ConfigMap: links through a directory that is itself a link and is replaced."""
    monkeypatch.setattr(policy_directory, "AT_A_LOOK", 0)
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(version)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    directory = PolicyDirectory(tmp_path)
    assert _take(directory) == {"a.yaml": True}
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert _take(directory) == {"a.yaml": True}


def test_a_file_that_is_still_written_is_not_still(tmp_path: Path) -> None:
    directory = _filled(tmp_path, 3)
    (tmp_path / "001.yaml").write_text("ab")
    found = directory.look()
    assert directory.is_still(found)
    (tmp_path / "001.yaml").write_text("abc")
    assert not directory.is_still(found)


def test_a_directory_that_is_gone_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        PolicyDirectory(tmp_path / "nothing").look()


def test_of_a_huge_file_no_more_is_read_than_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"#" * (MAX_BYTES + 1000))
    assert len(read_policy(str(tmp_path / "a.yaml"))) == MAX_BYTES + 1
    (tmp_path / "b.yaml").write_bytes(b"#" * MAX_BYTES)
    assert len(read_policy(str(tmp_path / "b.yaml"))) == MAX_BYTES
