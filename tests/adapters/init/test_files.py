"""Files are written all or none, over nothing; undoing removes what is still as it was written, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optout.adapters.init.files import MANIFEST, Undone, undo, write_files
from optout.errors import UsageError

FILES = {"policy.yaml": "version: 1\n", "maps/a.map": "a\n", "UNDO.md": "# Going back\n"}


def _there(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


def test_what_was_written_is_taken_away_with_its_directory(tmp_path: Path) -> None:
    write_files(tmp_path / "optout", FILES)
    assert _there(tmp_path / "optout") == {*FILES, MANIFEST}
    assert undo(tmp_path / "optout") == Undone(removed=tuple(FILES), kept=())
    assert not (tmp_path / "optout").exists()


def test_a_directory_that_was_there_stays_with_what_others_put_into_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    write_files(tmp_path, FILES)
    undo(tmp_path)
    assert _there(tmp_path) == {"mine.txt"}


def test_a_file_that_was_changed_stays(tmp_path: Path) -> None:
    write_files(tmp_path / "optout", FILES)
    (tmp_path / "optout" / "policy.yaml").write_text("version: 1\nmode: enforce\n")
    (tmp_path / "optout" / "UNDO.md").unlink()
    assert undo(tmp_path / "optout") == Undone(removed=("maps/a.map",), kept=("policy.yaml",))
    assert _there(tmp_path / "optout") == {"policy.yaml"}


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_nothing_is_written_over_and_then_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        write_files(tmp_path, FILES)
    assert _there(tmp_path) == {name}
    assert (tmp_path / name).read_text() == "mine"


def test_what_cannot_be_written_whole_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file where a directory is wanted")
    with pytest.raises(UsageError, match="cannot write"):
        write_files(tmp_path, FILES)
    assert _there(tmp_path) == {"maps"}


def test_undoing_where_nothing_was_written_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="wrote nothing"):
        undo(tmp_path)


@pytest.mark.parametrize("path", ["../mine.txt", "/etc/passwd", "a/../../mine.txt"])
def test_a_list_that_names_a_file_elsewhere_removes_nothing(tmp_path: Path, path: str) -> None:
    (tmp_path / "mine.txt").write_text("")
    write_files(tmp_path / "optout", FILES)
    entry = {"path": path, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
    listed = {"version": 1, "made_directory": True, "files": [entry]}
    (tmp_path / "optout" / MANIFEST).write_text(json.dumps(listed))
    with pytest.raises(UsageError, match="elsewhere"):
        undo(tmp_path / "optout")
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 7}', '{"files": [{}]}'])
def test_a_damaged_list_is_an_error_in_words(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(UsageError, match="cannot be read"):
        undo(tmp_path)
