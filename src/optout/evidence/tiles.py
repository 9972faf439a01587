"""Hash tiles: the tree's hashes in files of 256, as public readers of a log fetch them (C2SP tlog-tiles).

A tile of level 0 holds leaf hashes; one of level L holds the roots of full tiles below it. Tiles follow from the
records and can be made anew from them at any time. They are therefore written without waiting for the disk, compared
with the records whenever a log is opened or audited, and never stand in for a record.

`tile/<L>/<N>` within a log's directory holds full tiles only; the partial ones at the tree's edge, which change with
every record, are made where somebody asks for them (`export`, `proofs`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from optout.evidence.files import write_all
from optout.evidence.tree import EMPTY_ROOT, node_hash

WIDTH = 256
"""How many hashes a full tile holds."""
HASH_BYTES = 32
_TILE_BYTES = WIDTH * HASH_BYTES
_PATH = re.compile(r"([0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Up to 256 hashes of one level, one behind the other; `number` counts the tiles of a level from 0."""

    level: int
    number: int
    hashes: bytes

    @property
    def width(self) -> int:
        """How many hashes it holds."""
        return len(self.hashes) // HASH_BYTES

    @property
    def path(self) -> str:
        """Its path below `tile/`."""
        return f"{self.level}/{numbered(self.number, self.width)}"


def numbered(number: int, width: int = WIDTH) -> str:
    """A tile's number as its path (tlog-tiles, "Merkle Tree"): 1234067 is `x001/x234/067`, then `.p/<width>`."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[place : place + 3] for place in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return path if width == WIDTH else f"{path}.p/{width}"


def parse_tile_path(path: str) -> tuple[int, int] | None:
    """Level and number of a full tile's path below `tile/`; None where it is not the one spelling of any."""
    found = _PATH.match(path)
    if found is None:
        return None
    number = int(found.group(2).replace("x", "").replace("/", ""))
    return (int(found.group(1)), number) if numbered(number) == found.group(2) else None


def tile_root(hashes: bytes) -> bytes:
    """The root over a power of two of hashes, a full tile's or a part of one."""
    while len(hashes) > HASH_BYTES:
        # A pair of hashes lies as a node wants it: one slice instead of two, half the time.
        pairs = [hashes[place : place + 2 * HASH_BYTES] for place in range(0, len(hashes), 2 * HASH_BYTES)]
        hashes = b"".join([sha256(b"\x01" + pair).digest() for pair in pairs])
    return hashes


class Tiler:
    """A growing tree of `size` leaves that makes its tiles on the way; in memory is one partial tile a level.

    Each inner node is hashed once, when its tile is full; `root` hashes the edge, at most 255 nodes a level.
    """

    __slots__ = ("_counts", "_edges", "_full", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edges = [bytearray()]
        self._counts = [0]
        self._full: list[Tile] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        self.size += 1
        edge = self._edges[0]
        edge += leaf
        if len(edge) == _TILE_BYTES:
            self._complete(0)

    def _complete(self, level: int) -> None:
        hashes = bytes(self._edges[level])
        self._edges[level].clear()
        self._full.append(Tile(level=level, number=self._counts[level], hashes=hashes))
        self._counts[level] += 1
        if level + 1 == len(self._edges):
            self._edges.append(bytearray())
            self._counts.append(0)
        above = self._edges[level + 1]
        above += tile_root(hashes)
        if len(above) == _TILE_BYTES:
            self._complete(level + 1)

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves so far (RFC 6962 section 2.1)."""
        peaks = []
        for edge in reversed(self._edges):
            place, left = 0, len(edge) // HASH_BYTES
            while left:  # the full subtrees of a level, largest first
                width = 1 << left.bit_length() - 1
                peaks.append(tile_root(bytes(edge[place : place + width * HASH_BYTES])))
                place, left = place + width * HASH_BYTES, left - width
        if not peaks:
            return EMPTY_ROOT
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root

    def take_full(self) -> list[Tile]:
        """The tiles that became full since this was called last."""
        full, self._full = self._full, []
        return full

    def put_back(self, tiles: list[Tile]) -> None:
        """Give tiles back that could not be written."""
        self._full[:0] = tiles

    def partial(self) -> Iterator[Tile]:
        """The tiles at the edge of the tree as it is now."""
        for level, edge in enumerate(self._edges):
            if edge:
                yield Tile(level=level, number=self._counts[level], hashes=bytes(edge))

    def counts(self) -> tuple[int, ...]:
        """How many full tiles each level has."""
        return tuple(self._counts)


def write_tile(directory: Path, tile: Tile) -> None:
    """Write a tile below `directory`, whole or not at all, read-only for everybody; raises OSError."""
    write_derived(directory / tile.path, tile.hashes)


def write_derived(path: Path, data: bytes) -> None:
    """Write a file that can be made anew: under its name stands all of it, but the disk is not waited for."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)
    temporary.replace(path)


def read_tile(directory: Path, level: int, number: int) -> bytes | None:
    """The bytes of a full tile's file; None where there is none. Raises OSError."""
    try:
        return (directory / str(level) / numbered(number)).read_bytes()
    except FileNotFoundError:
        return None


def settle_tile(directory: Path, tile: Tile) -> bool:
    """See that a tile's file holds what it should; False where it held something else. Raises OSError."""
    found = read_tile(directory, tile.level, tile.number)
    if found != tile.hashes:
        write_tile(directory, tile)
    return found is None or found == tile.hashes


def list_tiles(directory: Path) -> Iterator[Path]:
    """Every file below `directory` but what a crash left half written; nothing where it is not there."""
    if directory.is_dir():
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path
