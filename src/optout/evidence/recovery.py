"""Opening a log: reading every record back, checking it against the last signed state, cutting off a torn end.

Rule 1: nothing below the last signed size is ever repaired. Damage there stops the opening, with file and record
named and the data untouched.
Rule 2: above it only the end of the last segment may be cut, because only that can be a write which a crash broke
off; and what is cut is first kept in `torn/`, because it can be damage to records that somebody was promised.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint
from optout.evidence.directory import Layout
from optout.evidence.files import sync
from optout.evidence.schema import parse_envelope
from optout.evidence.segments import Break, SegmentWriter, list_segments, read_entries
from optout.evidence.succession import carried, logs_of
from optout.evidence.tiles import WIDTH, Tiler, list_tiles, settle_tile
from optout.evidence.torn import keep_torn
from optout.evidence.tree import leaf_hash
from optout.evidence.waiting import none_taken, note_taken

_LEAVE_IT = "leave the files as they are, restore the log from a replica, or start a new one in a new directory"


@dataclass(slots=True, kw_only=True)
class Recovered:
    """What an existing log holds. `cut` says in words what was cut off its end; "" if nothing was.

    `taken` has, for every spool that is there, the number of its writer that the log has not got yet. `bad_tiles`
    is how many tiles did not hold the hashes of their records and were made anew.
    """

    tree: Tiler = field(default_factory=Tiler)
    recorded: set[str] = field(default_factory=set)
    taken: dict[str, int] = field(default_factory=dict)
    used: int = 0
    cut: str = ""
    bad_tiles: int = 0


def recover(layout: Layout, signed: Checkpoint) -> Recovered:
    """Read a log back and make its end clean; raises EvidenceError if it is not what was signed."""
    found = Recovered()
    try:
        found.taken = none_taken(layout)
        found.recorded = carried(layout)
        _read(layout, signed, found)
        _set_aside(layout, found.recorded)
        logs = [Layout(path) for path in logs_of(layout.root)]
        found.used = sum(path.stat().st_size for one in logs for path in _files(one))
        found.used += sum(path.stat().st_size for path in layout.snapshots.iterdir())
    except OSError as fault:
        raise EvidenceError(f"cannot read the evidence log in {layout.root}: {fault}") from fault
    if found.tree.size < signed.size:
        raise EvidenceError(
            f"{layout.root}: {found.tree.size} records are left of {signed.size} that were signed", _LEAVE_IT
        )
    return found


def _read(layout: Layout, signed: Checkpoint, found: Recovered) -> None:
    _check_root(layout, signed, found.tree)
    for entry in read_entries(layout.segments):
        if isinstance(entry, Break):
            _mend(layout, signed, entry, found)
            continue
        found.tree.append(leaf_hash(entry.record))
        _check_root(layout, signed, found.tree)
        if found.tree.size % WIDTH == 0:
            _settle_tiles(layout, found)
        if b'"snapshot.sha256":' in entry.record:
            envelope = parse_envelope(entry.record)
            found.recorded.add(envelope.snapshot if envelope else "")
        if found.taken:
            note_taken(found.taken, entry.record)


def _settle_tiles(layout: Layout, found: Recovered) -> None:
    tiles = found.tree.take_full()
    try:
        found.bad_tiles += sum(not settle_tile(layout.tiles, tile) for tile in tiles)
    except OSError:
        found.tree.put_back(tiles)  # they are only derived: a full disk must not keep the log from opening


def _set_aside(layout: Layout, recorded: set[str]) -> None:
    """Move documents without a record to `torn/`: a crash came before the record.

    Writers in other processes take a document that lies in `snapshots/` for recorded, and this one never would be.
    """
    with suppress(OSError):  # a full disk must not keep the log from opening
        for path in layout.snapshots.iterdir():
            if path.name not in recorded and not path.name.startswith("."):
                layout.torn.mkdir(mode=0o700, exist_ok=True)
                path.rename(layout.torn / path.name)


def _check_root(layout: Layout, signed: Checkpoint, tree: Tiler) -> None:
    if tree.size == signed.size and tree.root() != signed.root:
        raise EvidenceError(
            f"{layout.root}: the first {signed.size} records are not those that were signed; "
            "`optout evidence verify` says more",
            _LEAVE_IT,
        )


def _mend(layout: Layout, signed: Checkpoint, end: Break, found: Recovered) -> None:
    if end.index < signed.size or not end.last:
        signed_or_not = "signed" if end.index < signed.size else "recorded"
        raise EvidenceError(
            f"{end.path}: record {end.index}, which was {signed_or_not}, is damaged at byte {end.offset} "
            f"({end.damage})",
            _LEAVE_IT,
        )
    tail = _cut(layout, end)
    found.cut = f"{tail} bytes ({end.damage}) behind record {end.index - 1} of {end.path.name}"


def _cut(layout: Layout, end: Break) -> int:
    try:
        kept = keep_torn(layout, end.path, end.offset)
    except OSError:
        layout.ballast.unlink(missing_ok=True)  # a full disk must not keep the log from opening
        kept = keep_torn(layout, end.path, end.offset)
    descriptor = os.open(end.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, end.offset)
        sync(descriptor)
    finally:
        os.close(descriptor)
    return kept


def resume_segments(layout: Layout, recovered: Recovered, segment_bytes: int) -> SegmentWriter:
    """The writing end behind the last record; raises EvidenceError if the last segment cannot be opened."""
    try:
        segments = list_segments(layout.segments)
        resume = (segments[-1].path, segments[-1].path.stat().st_size) if segments else None
        return SegmentWriter(layout.segments, size=recovered.tree.size, segment_bytes=segment_bytes, resume=resume)
    except OSError as fault:
        raise EvidenceError(f"cannot write in {layout.segments}: {fault.strerror}") from fault


def _files(layout: Layout) -> tuple[Path, ...]:
    return (*layout.segments.iterdir(), *list_tiles(layout.tiles))
