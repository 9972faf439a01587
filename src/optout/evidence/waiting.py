"""How far the spools have been taken over: by the numbers in the log's own segments, and by nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from optout.evidence.directory import Layout
from optout.evidence.schema import parse_envelope, parse_record
from optout.evidence.segments import Entry, read_entries
from optout.evidence.spool import list_spools
from optout.evidence.spool_reader import SpoolReader

_BOOT = b'"writer.boot":"'  # within a text the quotes would be escaped, so this is the field
_BOOT_LENGTH = 36
_CARRIED = b'"log.carried":'
_SEQ = re.compile(r"[0-9]{1,15}\Z")


def none_taken(layout: Layout) -> dict[str, int]:
    """The spools that are there, with 0 records taken of each; raises OSError."""
    return {path.name: 0 for path in list_spools(layout)}


def places_carried(fields: Mapping[str, object]) -> dict[str, int]:
    """What a `log.start` says of writers whose records the log before it has: each one's next number (`succession`)."""
    listed = fields.get("log.carried")
    found = {}
    for entry in listed if isinstance(listed, list) else ():
        boot, _, seq = str(entry).partition(" ")
        if _SEQ.match(seq):
            found[boot] = int(seq)
    return found


def note_taken(taken: dict[str, int], record: bytes) -> None:
    """Move on the number of its writer's next record, if that is one of `taken`.

    Few records of a log are; the others are not decoded for it.
    """
    start = record.rfind(_BOOT) + len(_BOOT)
    boot = record[start : start + _BOOT_LENGTH].decode("latin-1")
    if _CARRIED in record and (fields := parse_record(record)) is not None:
        taken.update((name, seq) for name, seq in places_carried(fields).items() if name in taken)
    if boot in taken and (envelope := parse_envelope(record)) is not None:
        taken[boot] = envelope.seq + 1


def read_taken(layout: Layout) -> dict[str, int]:
    """For every spool, how many of its records the log has; raises OSError."""
    taken = none_taken(layout)
    for entry in read_entries(layout.segments) if taken else ():
        if isinstance(entry, Entry):
            note_taken(taken, entry.record)
    return taken


def count_waiting(layout: Layout, taken: Mapping[str, int]) -> int:
    """How many whole records lie in spools behind those that were taken; raises OSError.

    While a log is being written the number is one of a moment: it may miss what is being taken over.
    """
    count = 0
    for path in list_spools(layout):
        reader = SpoolReader(path, taken.get(path.name, 0))
        with suppress(FileNotFoundError):  # taken over and removed meanwhile
            while True:
                stretch = reader.read(None)
                following = reader.following(stretch.end) if stretch.end is not None else None
                if stretch.records:
                    reader.advance(stretch.records)
                    count += len(stretch.records)
                elif following is not None:
                    reader.go_to(following)
                else:
                    break
    return count
