"""The records that were made from front ends' lines before, by id: so that a line that is read twice is told once.

Bounded and honest: the last `MOST` records are remembered. A line that comes again after more than that, from a file
whose position was lost, is recorded a second time, under the same id.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from uuid import UUID

import msgspec

from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.segments import Entry, read_entries
from optout.evidence.spool import list_spools

MOST = 131_072  # about 25 MB; more than twice what is ever read between two savings of the positions
_MARK = b'"observed.line.sha256":'


class _Observed(msgspec.Struct):
    id: str
    line: str = msgspec.field(name="observed.line.sha256")


_decoder = msgspec.json.Decoder(_Observed)


class Recent:
    """Ids of records, each with the hash of its line."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lines: dict[bytes, bytes] = {}

    def line_of(self, record_id: str) -> str | None:
        """The beginning (hex) of the hash of the line from which a record was made; None for one that is new."""
        found = self._lines.get(_octets(record_id))
        return None if found is None else found.hex()

    def add(self, record_id: str, line_sha256: str) -> None:
        """Remember a record that is durable."""
        key = _octets(record_id)
        self._lines.pop(key, None)
        self._lines[key] = bytes.fromhex(line_sha256[:16])
        if len(self._lines) > self._most:
            del self._lines[next(iter(self._lines))]

    def __len__(self) -> int:
        return len(self._lines)


def _octets(record_id: str) -> bytes:
    """The sixteen octets of a UUID; a third of what `UUID` costs."""
    return bytes.fromhex(record_id.replace("-", ""))


def read_recent(directory: Path, most: int = MOST) -> Recent:
    """What is in the log already, and in the spools that wait for it; raises EvidenceError.

    Spools come first: what is taken over while this reads is then found in one or the other.
    """
    layout, recent = Layout(directory), Recent(most)
    try:
        waiting = _waiting(layout)
        for found in chain(_observed(layout.segments), waiting):
            recent.add(found.id, found.line)
    except OSError as fault:
        raise EvidenceError(f"cannot read the evidence log in {directory}: {fault}") from fault
    return recent


def _waiting(layout: Layout) -> list[_Observed]:
    """What lies in spools. A file that goes while it is read has been taken over: the others are read again."""
    while True:
        try:
            return [found for spool in list_spools(layout) for found in _observed(spool)]
        except FileNotFoundError:
            continue


def _observed(segments: Path) -> Iterator[_Observed]:
    for entry in read_entries(segments):
        if isinstance(entry, Entry) and _MARK in entry.record:
            try:
                found = _decoder.decode(entry.record)
                UUID(found.id), bytes.fromhex(found.line)
            except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
                continue  # a stranger's text may hold the mark; no record of ours lacks either
            yield found
