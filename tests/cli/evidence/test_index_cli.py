"""`optout evidence index` as a person or a script runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from tests.cli.evidence.setting import run
from tests.evidence.index.setting import make_log, record


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A log with one before it."""
    make_log(tmp_path / "log" / "past" / "2026q3", [record(n) for n in range(2)])
    return make_log(tmp_path / "log", [record(n) for n in range(3)])


def test_the_index_of_each_log_is_told(two: Path) -> None:
    assert json.loads(run("index", two, "--json").output) == [
        {
            "log": str(where),
            "file": str(where / "index.sqlite"),
            "records": records,
            "replaced": "",
            "damaged": [],
        }
        for where, records in ((two / "past" / "2026q3", 2), (two, 3))
    ]


def test_an_index_can_be_thrown_away_and_made_again(two: Path) -> None:
    run("index", two)
    before = (two / "index.sqlite").stat().st_ino
    with (two / "index.sqlite").open("rb"):
        assert f"3 records in {two / 'index.sqlite'}" in run("index", two, "--rebuild").output
        assert (two / "index.sqlite").stat().st_ino != before


def test_what_was_wrong_with_it_is_said(two: Path) -> None:
    (two / "index.sqlite").write_bytes(b"nothing of the kind" * 100)
    assert "moved aside: file is not a database" in run("index", two).output


def test_where_it_cannot_lie_is_said(two: Path) -> None:
    (two / "index.sqlite").mkdir()
    assert f"3 records in nowhere: {two} cannot be written" in run("index", two).output


def test_no_log_is_an_error(tmp_path: Path, two: Path) -> None:
    assert isinstance(run("index", tmp_path / "none").exception, EvidenceError)
    shutil.rmtree(two / "segments")
    assert isinstance(run("index", two).exception, EvidenceError)
