"""Records as lines: nothing that a stranger wrote acts on a terminal or in a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.cli.evidence.rows import HEADER, csv_row, line, moment
from optout.evidence.segments import Entry
from tests.cli.evidence.setting import HOSTILE, run
from tests.evidence.index.setting import make_log, record


@given(st.lists(st.text() | st.integers() | st.none() | st.booleans(), min_size=2))
def test_a_row_is_one_line_that_cannot_act(values: list[object]) -> None:
    text = csv_row(values)
    assert text.isprintable()
    (cells,) = csv.reader(io.StringIO(text))
    assert len(cells) == len(values)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://evil.example")'])
def test_a_formula_is_a_text(tmp_path: Path, text: str) -> None:
    home = make_log(
        tmp_path / "log", [record(0, **{"crawl.product": text, "url.path": text, "server.address": HOSTILE[:-1]})]
    )
    header, row = csv.reader(io.StringIO(run("list", home, "--csv").output))
    cells = dict(zip(header, row, strict=True))
    assert tuple(header) == HEADER
    assert cells["crawl.product"][0] in "'\\"
    assert cells["url.path"].isprintable()
    assert "\x1b" not in cells["server.address"]


@given(st.binary(max_size=100))
def test_any_bytes_are_a_line(data: bytes) -> None:
    assert line(Entry(1, data, Path("x"), 0)).isprintable()


def test_a_moment_that_no_calendar_has_is_its_number() -> None:
    assert moment(0) == "1970-01-01 00:00:00Z"
    assert moment(10**30) == str(10**30)
    assert moment("\x1b") == "\\x1b"
