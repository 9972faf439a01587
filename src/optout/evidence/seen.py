"""What somebody outside has noted of a log: one line with its name, size and root hash.

Whoever was sent the line, in a mail or a report, holds the strongest evidence of all against a log that was rewritten:
nobody can give the log another beginning without contradicting him.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from optout.evidence.checkpoint import Checkpoint, Note, NoteFault, parse_checkpoint, parse_note
from optout.evidence.tree import EMPTY_ROOT

_HASH_BYTES = 32
_LONGEST = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A log's name, its size, and its root hash then (32 bytes). `by` says for people who saw it, "" for a line."""

    origin: str
    size: int
    root: bytes
    by: str = ""

    def __str__(self) -> str:
        return f"{self.origin} {self.size} {base64.b64encode(self.root).decode()}"


def seen_of(checkpoint: Checkpoint, by: str = "") -> Seen:
    """What there is to note of a checkpoint."""
    return Seen(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, by=by)


def parse_seen(line: str) -> Seen | NoteFault:
    """A line as it was noted: name, size, root in base64, with single or more spaces between. Never raises."""
    words = line[:_LONGEST].split()
    if len(words) != 3 or len(line) > _LONGEST:
        return NoteFault(text="not 'name size root'")
    origin, size, root = words
    if not (size.isascii() and size.isdecimal() and len(size) <= 18):
        return NoteFault(text="the size is not a number")
    try:
        digest = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != _HASH_BYTES:
        return NoteFault(text="the root is not the base64 of 32 bytes")
    return Seen(origin=origin, size=int(size), root=digest)


def parse_seen_file(data: bytes) -> tuple[Seen, ...] | NoteFault:
    """A file that was kept: one signed checkpoint, or a line each. Never raises."""
    note = parse_note(data)
    if isinstance(note, Note):
        checkpoint = parse_checkpoint(note)
        return checkpoint if isinstance(checkpoint, NoteFault) else (seen_of(checkpoint),)
    lines = [parse_seen(line) for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    faults = [line for line in lines if isinstance(line, NoteFault)]
    return faults[0] if faults else tuple(line for line in lines if isinstance(line, Seen))


class SeenCheck:
    """Compares a growing tree with what was seen of it."""

    def __init__(self, seen: tuple[Seen, ...]) -> None:
        self._by_size: dict[int, list[Seen]] = {}
        for one in seen:
            self._by_size.setdefault(one.size, []).append(one)
        self.confirmed: list[Seen] = []

    def wants(self, size: int) -> bool:
        """Whether somebody saw the log at this size."""
        return size in self._by_size

    def faults(self, origin: str, size: int, root: bytes) -> list[str]:
        """What contradicts the tree of this size, in words."""
        found = []
        for one in self._by_size.pop(size, []):
            if one.origin != origin:
                found.append(f"what was seen{_by(one)} is of another log, {one.origin}")
            elif one.root != root and not (size == 0 and root == EMPTY_ROOT == one.root):
                found.append(f"its first {size} records are not those that were seen{_by(one)}: it was rewritten")
            else:
                self.confirmed.append(one)
        return found

    def beyond(self, origin: str, size: int) -> list[str]:
        """What was seen of a longer log than this one with `size` records, in words."""
        found = []
        for one in (each for several in self._by_size.values() for each in several):
            if one.origin != origin:
                found.append(f"what was seen{_by(one)} is of another log, {one.origin}")
            else:
                found.append(f"{one.size} records were seen{_by(one)}, and {size} are here: it was cut off")
        return found


def _by(one: Seen) -> str:
    return f" by {one.by}" if one.by else ""
