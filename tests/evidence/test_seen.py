"""What somebody noted of a log: it fits, or the log was rewritten or cut off."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.audit import Verdict, audit
from optout.evidence.checkpoint import NoteFault
from optout.evidence.seen import Seen, parse_seen, parse_seen_file
from optout.evidence.tree import Tree, leaf_hash
from tests.evidence.setting import entries, fill

LINE = f"example.org/log 7 {base64.b64encode(bytes(32)).decode()}"


def _at(home: Path, size: int) -> Seen:
    tree = Tree()
    for entry in entries(home)[:size]:
        tree.append(leaf_hash(entry.record))
    origin = (home / "vkey").read_text().partition("+")[0]
    return Seen(origin=origin, size=size, root=tree.root())


def test_a_line_reads_back() -> None:
    seen = parse_seen(LINE)
    assert isinstance(seen, Seen)
    assert str(seen) == LINE
    assert parse_seen(f"  {LINE.replace(' ', '   ')}\n") == seen


@pytest.mark.parametrize(
    "line", ["", "a b", "a b c d", LINE.replace(" 7 ", " -7 "), LINE.replace(" 7 ", " ٧ "), LINE[:-4], "x" * 5000]
)
def test_what_is_no_line_says_so(line: str) -> None:
    assert isinstance(parse_seen(line), NoteFault)


@given(st.binary(max_size=200))
def test_any_file_is_a_value(data: bytes) -> None:
    assert isinstance(parse_seen_file(data), tuple | NoteFault)


def test_a_kept_checkpoint_or_lines_are_read(home: Path) -> None:
    fill(home, 3)
    kept = parse_seen_file((home / "checkpoint").read_bytes())
    assert kept == (_at(home, len(entries(home))),)
    assert parse_seen_file(f"{LINE}\n\n{LINE}\n".encode()) == (parse_seen(LINE), parse_seen(LINE))
    assert isinstance(parse_seen_file(b"no line\n"), NoteFault)


def test_a_log_is_held_against_what_was_seen_of_it(home: Path) -> None:
    fill(home, 5)
    whole = len(entries(home))
    for size in (0, 1, 4, whole):
        seen = _at(home, size)
        report = audit(home, seen=(replace(seen, by="counsel"),))
        assert report.verdict is Verdict.SOUND
        assert f"the first {size} are those that were seen by counsel" in report.proved
        if size:
            assert audit(home, seen=(replace(seen, root=bytes(32)),)).verdict is Verdict.NOT_SOUND
        assert audit(home, seen=(replace(seen, origin="other"),)).verdict is Verdict.NOT_SOUND


def test_a_log_that_was_cut_off_is_found_out(home: Path) -> None:
    fill(home, 5)
    seen = replace(_at(home, 3), size=99)
    (problem,) = audit(home, seen=(seen,)).problems
    assert "it was cut off" in problem.text
    (problem,) = audit(home, seen=(replace(seen, origin="other"),)).problems
    assert "another log" in problem.text
