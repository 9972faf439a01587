"""What is cut off is kept first."""

from __future__ import annotations

from pathlib import Path

from optout.evidence.directory import Layout
from optout.evidence.torn import keep_torn


def test_the_end_of_a_file_is_copied_and_named_for_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "0000000000000000.frames"
    file.write_bytes(b"whole|torn")
    assert keep_torn(Layout(tmp_path), file, 6, "boot.") == 4
    (kept,) = (tmp_path / "torn").iterdir()
    assert kept.read_bytes() == b"torn"
    assert kept.name.startswith("boot.0000000000000000.frames.6.")
    assert file.read_bytes() == b"whole|torn"


def test_the_same_end_is_kept_once_and_another_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a"
    for data in (b"xx", b"xx", b"xy"):
        file.write_bytes(data)
        keep_torn(Layout(tmp_path), file, 0)
    assert len(list((tmp_path / "torn").iterdir())) == 2
