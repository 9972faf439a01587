"""Tiles: their paths, their hashes, and what becomes of them when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.tiles import (
    WIDTH,
    Tile,
    Tiler,
    list_tiles,
    numbered,
    parse_tile_path,
    read_tile,
    settle_tile,
    tile_root,
    write_tile,
)
from optout.evidence.tree import EMPTY_ROOT, Tree, leaf_hash, root_of
from tests.evidence.setting import fill, open_log, records

LEAVES = [leaf_hash(str(number).encode()) for number in range(600)]


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [
        (0, 256, "000"),
        (255, 256, "255"),
        (1000, 256, "x001/000"),
        (1234067, 256, "x001/x234/067"),
        (70, 112, "070.p/112"),
    ],
)
def test_a_tile_has_the_path_of_the_document(number: int, width: int, path: str) -> None:
    assert numbered(number, width) == path


@given(st.integers(0, 63), st.integers(0, 10**12))
def test_a_path_reads_back(level: int, number: int) -> None:
    assert parse_tile_path(f"{level}/{numbered(number)}") == (level, number)


@given(st.text("x0123456789/.p", max_size=20))
def test_a_path_has_one_spelling(path: str) -> None:
    found = parse_tile_path(path)
    assert found is None or f"{found[0]}/{numbered(found[1])}" == path


def test_tiles_hold_the_hashes_that_the_document_says() -> None:
    tiler = Tiler()
    for leaf in LEAVES:
        tiler.append(leaf)
    full = {(tile.level, tile.number): tile.hashes for tile in tiler.take_full()}
    assert full == {(0, number): b"".join(LEAVES[number * WIDTH : (number + 1) * WIDTH]) for number in range(2)}
    edge = {tile.path: tile.hashes for tile in tiler.partial()}
    assert edge == {
        "0/002.p/88": b"".join(LEAVES[512:]),
        "1/000.p/2": root_of(LEAVES[:256]) + root_of(LEAVES[256:512]),
    }
    assert tiler.counts() == (2, 0)


def test_the_root_is_that_of_the_tree_at_every_size() -> None:
    tiler, tree = Tiler(), Tree()
    assert tiler.root() == EMPTY_ROOT
    for number in range(70_000):
        leaf = LEAVES[number % 600]
        tiler.append(leaf)
        tree.append(leaf)
        if number < 1100 or number % 997 == 0 or (number >= 65_500 and number < 65_600):
            assert tiler.root() == tree.root(), number
            assert tiler.size == tree.size


def test_a_level_fills_the_next() -> None:
    tiler = Tiler()
    for number in range(WIDTH * WIDTH):
        tiler.append(LEAVES[number % 7])
    full = tiler.take_full()
    assert len(full) == WIDTH + 1
    assert full[-1].path == "1/000"
    assert [tile.path for tile in tiler.partial()] == ["2/000.p/1"]
    assert next(tiler.partial()).hashes == tile_root(full[-1].hashes)


def test_what_could_not_be_written_comes_again() -> None:
    tiler = Tiler()
    for leaf in LEAVES:
        tiler.append(leaf)
    taken = tiler.take_full()
    assert tiler.take_full() == []
    tiler.put_back(taken)
    assert tiler.take_full() == taken


def test_a_tile_is_written_whole_and_read_only(tmp_path: Path) -> None:
    tile = Tile(level=0, number=1234, hashes=bytes(8192))
    write_tile(tmp_path, tile)
    write_tile(tmp_path, tile)
    path = tmp_path / "0" / "x001" / "234"
    assert path.read_bytes() == read_tile(tmp_path, 0, 1234) == tile.hashes
    assert path.stat().st_mode & 0o777 == 0o444
    assert read_tile(tmp_path, 0, 1) is None
    assert list(list_tiles(tmp_path)) == [path]
    assert list(list_tiles(tmp_path / "none")) == []


def test_a_wrong_tile_is_made_anew(tmp_path: Path) -> None:
    tile = Tile(level=0, number=0, hashes=bytes(8192))
    assert settle_tile(tmp_path, tile)
    assert settle_tile(tmp_path, tile)
    (tmp_path / "0" / "000").unlink()
    (tmp_path / "0" / "000").write_bytes(b"x")
    assert not settle_tile(tmp_path, tile)
    assert read_tile(tmp_path, 0, 0) == tile.hashes


def test_a_log_keeps_the_tiles_of_what_it_signed(home: Path) -> None:
    fill(home, 300)
    assert [path.relative_to(home / "tile").as_posix() for path in list_tiles(home / "tile")] == ["0/000"]
    assert audit(home).verdict is Verdict.SOUND


@pytest.mark.parametrize("damage", [b"", b"x" * 8192])
def test_a_damaged_tile_is_named_and_mended_from_the_records(home: Path, damage: bytes) -> None:
    fill(home, 300)
    tile = home / "tile" / "0" / "000"
    before = tile.read_bytes()
    tile.unlink()
    tile.write_bytes(damage)
    report = audit(home)
    assert report.verdict is Verdict.NOT_SOUND
    assert [problem.file for problem in report.problems] == ["tile/0/000"]
    open_log(home).close()
    assert tile.read_bytes() == before
    assert [fault["reason"] for fault in records(home, "log.fault")] == ["tiles"]
    assert audit(home).verdict is Verdict.SOUND


def test_a_missing_tile_is_made_anew_without_a_word(home: Path) -> None:
    fill(home, 300)
    (home / "tile" / "0" / "000").unlink()
    assert audit(home).verdict is Verdict.SOUND
    open_log(home).close()
    assert (home / "tile" / "0" / "000").exists()
    assert records(home, "log.fault") == []


@pytest.mark.parametrize("path", ["0/001", "1/000", "0/000.p/3", "7/x", "readme"])
def test_a_tile_of_records_that_are_not_there_is_named(home: Path, path: str) -> None:
    fill(home, 300)
    foreign = Layout(home).tiles / path
    foreign.parent.mkdir(parents=True, exist_ok=True)
    foreign.write_bytes(bytes(8192))
    assert [problem.file for problem in audit(home).problems] == [f"tile/{path}"]
