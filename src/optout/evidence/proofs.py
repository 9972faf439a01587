"""Proofs that a record is in a log: made from tiles and a few records, written as one text file (C2SP tlog-proof).

A proof of a log with a million records reads three tiles and at most 255 records. Tiles are not trusted: a proof that
does not lead to the signed root is made again from the records themselves.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.checkpoint import NoteFault, VerifierKey, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.segments import Break, read_entries
from optout.evidence.tiles import HASH_BYTES, WIDTH, Tiler, read_tile, tile_root
from optout.evidence.tree import leaf_hash, node_hash, verify_inclusion

_HEAD = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,17})\Z")
_MOST_HASHES = 63
MAX_PROOF = 256 * 1024
"""Bytes of a proof file, its checkpoint included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """A `.tlog-proof` file: leaf `index` is in the tree of the signed `note`, by the hashes from its sibling up."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The file's bytes (tlog-proof, "Format")."""
        lines = (_HEAD, f"index {self.index}", *(base64.b64encode(each).decode() for each in self.hashes), "", "")
        return "\n".join(lines).encode() + self.note

    def check(self, record: bytes, key: VerifierKey) -> NoteFault | None:
        """None if `key` signed a tree whose leaf `index` is this record."""
        checkpoint = open_checkpoint(self.note, key)
        if isinstance(checkpoint, NoteFault):
            return checkpoint
        fits = verify_inclusion(
            leaf=leaf_hash(record), index=self.index, size=checkpoint.size, proof=self.hashes, root=checkpoint.root
        )
        return None if fits else NoteFault(text="the hashes do not lead from this record to the signed root")


def parse_log_proof(data: bytes) -> LogProof | NoteFault:
    """A proof from its file's bytes (tlog-proof, "Format"); without extra data, which we never write. Never raises."""
    if len(data) > MAX_PROOF:
        return NoteFault(text=f"longer than {MAX_PROOF} bytes")
    head, blank, note = data.partition(b"\n\n")
    try:
        first, second, *rest = head.decode("ascii").split("\n")
    except (UnicodeDecodeError, ValueError):
        return NoteFault(text=f"it does not begin with {_HEAD} and an index")
    index = _INDEX.match(second)
    if first != _HEAD or index is None or not blank:
        return NoteFault(text=f"it does not begin with {_HEAD} and an index")
    hashes = [_hash(line) for line in rest]
    if len(hashes) > _MOST_HASHES or None in hashes:
        return NoteFault(text="a line is not the base64 of a hash")
    return LogProof(index=int(index.group(1)), hashes=tuple(each for each in hashes if each), note=note)


def _hash(line: str) -> bytes | None:
    try:
        data = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == HASH_BYTES and base64.b64encode(data).decode() == line else None


class Hashes:
    """The hashes of a log's tree: by its tiles, and by its records where there is no tile, or `trusting` is False.

    Its methods raise EvidenceError where records are missing that the tree must have, and OSError.
    """

    def __init__(self, layout: Layout, *, trusting: bool = True) -> None:
        self._layout = layout
        self._tiles: dict[tuple[int, int], bytes] = {}
        if not trusting:
            tiler = Tiler()
            for record in _records(layout, 0):
                tiler.append(leaf_hash(record))
            for tile in (*tiler.take_full(), *tiler.partial()):
                self._tiles[tile.level, tile.number] = tile.hashes

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The audit path of leaf `index` < `size`, from its sibling up (RFC 6962 section 2.1.1)."""
        start, end, found = 0, size, []
        while end - start > 1:
            middle = start + _left(end - start)
            if index < middle:
                found.append(self.range(middle, end))
                end = middle
            else:
                found.append(self.range(start, middle))
                start = middle
        return tuple(reversed(found))

    def consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """The proof that the first 0 < `old_size` <= `size` leaves were the whole tree once (RFC 6962 2.1.2)."""
        start, end, found = 0, size, []
        while old_size != end:
            middle = start + _left(end - start)
            if old_size <= middle:
                found.append(self.range(middle, end))
                end = middle
            else:
                found.append(self.range(start, middle))
                start = middle
        if start:
            found.append(self.range(start, end))
        return tuple(reversed(found))

    def range(self, start: int, end: int) -> bytes:
        """The root over the leaves from `start` up to `end`, a stretch that the tree has as a subtree."""
        level = (end - start).bit_length() - 1
        middle = start + (1 << level)
        node = self._node(level, start >> level)
        return node if middle == end else node_hash(node, self.range(middle, end))

    def _node(self, level: int, number: int) -> bytes:
        """The root of the full subtree `number` of 2 ** `level` leaves."""
        tile_level, height = divmod(level, 8)
        first = number << height
        begin = first % WIDTH * HASH_BYTES
        hashes = self._tile(tile_level, first // WIDTH)[begin : begin + (HASH_BYTES << height)]
        if len(hashes) != HASH_BYTES << height:
            raise EvidenceError(
                f"{self._layout.root}: records are missing that its checkpoint covers", "run `optout evidence verify`"
            )
        return tile_root(hashes)

    def _tile(self, level: int, number: int) -> bytes:
        where = level, number
        if where not in self._tiles:
            found = read_tile(self._layout.tiles, level, number)
            is_whole = found is not None and len(found) == WIDTH * HASH_BYTES
            self._tiles[where] = found if found is not None and is_whole else self._made(level, number)
        return self._tiles[where]

    def _made(self, level: int, number: int) -> bytes:
        """A tile, or the beginning of one at the edge of the tree, from what is below it."""
        first = number * WIDTH
        if level == 0:
            return b"".join(leaf_hash(record) for record in islice(_records(self._layout, first), WIDTH))
        below = (self._tile(level - 1, place) for place in range(first, first + WIDTH))
        full = takewhile(lambda tile: len(tile) == WIDTH * HASH_BYTES, below)
        return b"".join(map(tile_root, full))


def _left(width: int) -> int:
    """How many of `width` > 1 leaves are in the left subtree: the largest power of two below."""
    return 1 << (width - 1).bit_length() - 1


def _records(layout: Layout, first: int) -> Iterator[bytes]:
    """The records from `first` on, up to the first that is damaged."""
    for item in read_entries(layout.segments, first=first):
        if isinstance(item, Break):
            return
        yield item.record


def prove(
    layout: Layout, record: bytes, index: int, key: VerifierKey, *, note: Path | None = None, is_quick: bool = False
) -> LogProof | None:
    """The proof for a record of a log, by its published checkpoint; None where that does not cover it yet.

    `note` is the file of another checkpoint. With `is_quick`, the whole log is not read where tiles are damaged.
    Raises EvidenceError if the log does not have what it signed, and OSError.
    """
    file = note or layout.checkpoint
    signed = file.read_bytes()
    checkpoint = open_checkpoint(signed, key)
    if isinstance(checkpoint, NoteFault):
        raise EvidenceError(f"{file}: {checkpoint.text}", "restore it from its backup")
    if index >= checkpoint.size:
        return None
    fault: NoteFault | None = None
    for trusting in (True,) if is_quick else (True, False):
        hashes = Hashes(layout, trusting=trusting).inclusion(index, checkpoint.size)
        proof = LogProof(index=index, hashes=hashes, note=signed)
        fault = proof.check(record, key)
        if fault is None:
            return proof
    raise EvidenceError(f"record {index} is not the one that was signed", "run `optout evidence verify`")
