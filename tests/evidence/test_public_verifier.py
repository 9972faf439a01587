"""Another project's program reads what we write: `aics-tlog`, in an environment of its own (`make tlog-verifier`)."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from optout.evidence.directory import Layout
from optout.evidence.export import encode_bundle, export_tiles
from optout.evidence.proofs import Hashes
from optout.evidence.tiles import WIDTH, Tiler, numbered, write_derived, write_tile
from optout.evidence.tree import leaf_hash, root_of
from tests.evidence.setting import crawl, entries, open_log

pytestmark = pytest.mark.tlog

SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, 767, 1000, 1023, 1024, 1025, 1030)


def _ask(*words: object) -> subprocess.CompletedProcess[str]:
    command = [os.environ["TLOG_VERIFIER"], *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _files(directory: Path) -> dict[str, bytes]:
    tiles = directory / "tile"
    return {str(path.relative_to(tiles)): path.read_bytes() for path in sorted(tiles.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("size", SIZES)
def test_it_makes_the_same_tiles_of_the_same_records(tmp_path: Path, size: int) -> None:
    records = [b'{"n":%d}' % number for number in range(size)]
    (tmp_path / "leaves").write_bytes(b"".join(record + b"\n" for record in records))
    assert _ask("build-tiles", "--leaves", tmp_path / "leaves", "--out", tmp_path / "theirs").returncode == 0
    tiler = Tiler()
    for record in records:
        tiler.append(leaf_hash(record))
    for tile in (*tiler.take_full(), *tiler.partial()):
        write_tile(tmp_path / "ours" / "tile", tile)
    for number in range(-(-size // WIDTH)):
        part = records[number * WIDTH : (number + 1) * WIDTH]
        write_derived(tmp_path / "ours" / "tile" / "entries" / numbered(number, len(part)), encode_bundle(part))
    assert _files(tmp_path / "ours") == _files(tmp_path / "theirs")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A log of 1,030 records, and what it exports."""
    home = tmp_path_factory.mktemp("log")
    log = open_log(home / "evidence")
    for each in [log.append(crawl(number)) for number in range(1029)]:
        each.result(20)
    log.close()
    export_tiles(Layout(home / "evidence"), home / "out")
    return home / "evidence", home / "out"


def test_it_accepts_the_checkpoint_and_each_record(exported: tuple[Path, Path], tmp_path: Path) -> None:
    home, out = exported
    key = ("--vkey-file", home / "vkey")
    assert _ask("verify-checkpoint", *key, "--note", out / "checkpoint").returncode == 0
    every = entries(home)
    for index in (0, 1, 255, 256, 777, 1029):
        (tmp_path / "leaf").write_bytes(every[index].record)
        inclusion = ("verify-inclusion", "--leaf", tmp_path / "leaf", "--index", index, "--tiles", out, *key)
        found = _ask(*inclusion)
        assert found.returncode == 0, found
        (tmp_path / "leaf").write_bytes(every[index].record + b" ")
        assert _ask(*inclusion).returncode != 0


@pytest.mark.parametrize("size", [2, 3, 255, 256, 257, 1029])
def test_it_accepts_our_proofs_and_no_others(exported: tuple[Path, Path], tmp_path: Path, size: int) -> None:
    home, _ = exported
    leaves = [leaf_hash(entry.record) for entry in entries(home)]
    hashes = Hashes(Layout(home))

    def told(name: str, proof: tuple[bytes, ...]) -> tuple[str, Path]:
        file = tmp_path / name
        file.write_text("".join(base64.b64encode(each).decode() + "\n" for each in proof))
        return "--proof", file

    def root(size: int) -> str:
        return base64.b64encode(root_of(leaves[:size])).decode()

    for index in {0, size // 2, size - 1}:
        leaf = ("--leaf-hash", leaves[index].hex(), "--index", index, "--size", size, "--root")
        proof = told("inclusion", hashes.inclusion(index, size))
        assert _ask("verify-inclusion", *leaf, root(size), *proof).returncode == 0
        assert _ask("verify-inclusion", *leaf, root(size + 1), *proof).returncode != 0
    proof = told("consistency", hashes.consistency(size, 1030))
    sizes = ("verify-consistency", "--old-size", size, "--new-size", 1030, "--new-root", root(1030), *proof)
    assert _ask(*sizes, "--old-root", root(size)).returncode == 0
    assert _ask(*sizes, "--old-root", root(size - 1)).returncode != 0
