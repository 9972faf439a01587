"""The reading end of a spool: follows a writer's records from a number on, each byte about once.

The bytes are those of another process, which may write at this moment, may have been killed in the middle of a frame,
or may be somebody else's altogether: whatever they are, `read` gives records that are due, or says where one is
missing, and raises only OSError.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from optout.evidence.frames import Damage, framed_size, split_frames
from optout.evidence.schema import Envelope, parse_envelope
from optout.evidence.segments import Break, Segment, list_segments

_WINDOW = 1 << 20  # bytes read at once, and so of one batch from one spool; no frame is longer


class Spooled(NamedTuple):
    """A record in a spool with its sealed private part, and its envelope."""

    record: bytes
    private: bytes
    envelope: Envelope

    @property
    def size(self) -> int:
        """How many bytes it takes in a file."""
        return framed_size(self.record, self.private)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The next records of a spool; where there is none, the `end` says what is there instead, None for nothing yet."""

    records: tuple[Spooled, ...] = ()
    end: Break | None = None


_NOTHING = Stretch()


class SpoolReader:
    """Reads the spool in a directory from the record with the number `seq` on."""

    def __init__(self, path: Path, seq: int) -> None:
        self.path = path
        self.seq = seq
        self._segment: Path | None = None
        self._offset = 0

    def read(self, until: int | None) -> Stretch:
        """Records from `seq` on, as often as asked, until `advance`; only those below `until` unless it is None.

        None is for a writer that is gone: whatever is whole counts. Raises OSError.
        """
        if until is not None and self.seq >= until:
            return _NOTHING
        segment, following = self._around(list_segments(self.path))
        if segment is None:
            missing = following is not None or until is not None
            where = following.path if following is not None else self.path
            return Stretch(end=self._break(where, Damage.MISSING, following)) if missing else _NOTHING
        damage = self._enter(segment)
        records: tuple[Spooled, ...] = ()
        if damage is None:
            ends = [end for end in (until, following.first if following is not None else None) if end is not None]
            records, damage = self._window(segment.path, min(ends) - self.seq if ends else None)
        if records:
            return Stretch(records=records)
        if following is not None:
            return Stretch(end=self._break(segment.path, damage or Damage.MISSING, following))
        if until is not None or damage is None:
            return _NOTHING  # of a living writer: the end of a file is his to put right, or to leave behind
        return Stretch(end=self._break(segment.path, damage, None))

    def advance(self, records: tuple[Spooled, ...]) -> None:
        """Go on behind these records, which are what `read` gave."""
        self.seq += len(records)
        self._offset += sum(each.size for each in records)

    def following(self, end: Break) -> int | None:
        """The first number of the next file behind a break; None where no file follows. Raises OSError."""
        return min((each.first for each in list_segments(self.path) if each.first > end.index), default=None)

    def go_to(self, seq: int) -> None:
        """Go on at the file whose first record has this number."""
        self.seq, self._segment, self._offset = seq, None, 0

    def remove_read(self) -> None:
        """Remove the files of which nothing is left to read; raises OSError. The last one stays: its writer has it."""
        segments = list_segments(self.path)
        for segment, following in pairwise(segments):
            if following.first <= self.seq:
                segment.path.unlink()

    def _around(self, segments: tuple[Segment, ...]) -> tuple[Segment | None, Segment | None]:
        """The file that holds the record `seq`, and the one behind it."""
        reached = [segment for segment in segments if segment.first <= self.seq]
        ahead = [segment for segment in segments if segment.first > self.seq]
        return (reached[-1] if reached else None), (ahead[0] if ahead else None)

    def _enter(self, segment: Segment) -> Damage | None:
        """Stand at the record `seq` in its file; the damage on the way there, if it cannot be reached."""
        if segment.path == self._segment:
            return None
        left, offset = self.seq - segment.first, 0
        while left:
            records, damage = split_frames(_read(segment.path, offset))
            if not records:
                self._segment, self._offset = None, offset
                return damage or Damage.MISSING
            offset += sum(each.size for each in records[:left])
            left -= len(records[:left])
        self._segment, self._offset = segment.path, offset
        return None

    def _window(self, path: Path, most: int | None) -> tuple[tuple[Spooled, ...], Damage | None]:
        found, damage = split_frames(_read(path, self._offset))
        records: list[Spooled] = []
        for record, private in found[:most]:
            envelope = parse_envelope(record)
            due = self.seq + len(records)
            if envelope is None or envelope.boot != self.path.name or envelope.seq != due:
                return tuple(records), Damage.FOREIGN
            records.append(Spooled(record, private, envelope))
        return tuple(records), damage

    def _break(self, path: Path, damage: Damage, following: Segment | None) -> Break:
        return Break(index=self.seq, path=path, offset=self._offset, damage=damage, last=following is None)


def _read(path: Path, offset: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, _WINDOW, offset)
    finally:
        os.close(descriptor)
