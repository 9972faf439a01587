"""The export: a static log as its readers fetch it, whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.checkpoint import NoteFault, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.export import export_tiles
from optout.evidence.signing import load_verifier_key
from optout.evidence.tiles import WIDTH, numbered
from optout.evidence.tree import leaf_hash, root_of
from tests.evidence.setting import entries, fill


def _bundle(path: Path) -> list[bytes]:
    data, found = path.read_bytes(), []
    while data:
        length = int.from_bytes(data[:2], "big")
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


@pytest.mark.parametrize("count", [0, 1, 253, 254, 255, 600])
def test_a_log_is_exported_as_it_was_signed(home: Path, tmp_path: Path, count: int) -> None:
    fill(home, count)
    out = tmp_path / "out"
    checkpoint = export_tiles(Layout(home), out)
    read = open_checkpoint((out / "checkpoint").read_bytes(), load_verifier_key(out / "vkey"))
    assert read == checkpoint
    assert not isinstance(read, NoteFault)
    exported: list[bytes] = []
    for number in range(-(-read.size // WIDTH)):
        width = min(WIDTH, read.size - number * WIDTH)
        bundle = _bundle(out / "tile" / "entries" / numbered(number, width))
        tile = (out / "tile" / "0" / numbered(number, width)).read_bytes()
        assert tile == b"".join(map(leaf_hash, bundle))
        exported += bundle
    assert exported == [entry.record for entry in entries(home)][: read.size]
    assert root_of([leaf_hash(record) for record in exported]) == read.root


def test_nothing_is_written_over(home: Path, tmp_path: Path) -> None:
    fill(home, 1)
    (tmp_path / "mine").write_bytes(b"")
    with pytest.raises(EvidenceError, match="is not empty"):
        export_tiles(Layout(home), tmp_path)


def test_records_that_were_not_signed_get_no_checkpoint(home: Path, tmp_path: Path) -> None:
    fill(home, 3)
    next((home / "segments").iterdir()).write_bytes(b"")
    with pytest.raises(EvidenceError, match="not those that were signed"):
        export_tiles(Layout(home), tmp_path / "out")
    assert not (tmp_path / "out" / "checkpoint").exists()


def test_a_place_that_cannot_be_written_is_an_error(home: Path, tmp_path: Path) -> None:
    fill(home, 1)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EvidenceError, match="cannot export"):
        export_tiles(Layout(home), tmp_path / "file" / "out")
