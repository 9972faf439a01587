"""Records in segment files, frame behind frame (`frames`; evidence.md parts 5.4 and 5.5).

Rule 1: nothing here parses half a record; a place where a whole one should be and is not is a `Break`.
Rule 2: `SegmentWriter.append` returns after fdatasync returned for its bytes, and in no other case.
Rule 3: what `os.write` returns is looked at. A full disk shows first as a short count without any error, and a file
        that failed is cut back to its last durable byte before anything else is written to it.
Rule 4: after a failed fdatasync a file is never written or synced again: the kernel may have dropped the pages and
        report success for them the next time. The next append opens a new segment.
Rule 5: a segment is named for the index of its first record, and the next segment's name ends it. Whatever lies
        behind that many frames is an abandoned write and belongs to nobody.
Rule 6: a private part and its record are written, synced, cut off and taken over together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from optout.evidence.files import is_full, sync, sync_directory, write_all
from optout.evidence.frames import Damage, Framed, frame, framed_size, read_framed
from optout.evidence.packed import open_segment, packed_path

_READ_BYTES = 1 << 18  # read ahead: a system call for two hundred records, not for seven
_NAME = re.compile(r"([0-9]{16})\.frames(\.gz)?\Z")
_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_OLD = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC


class Entry(NamedTuple):
    """One record, with its index in the log, its segment file, where it begins there, and its sealed private part.

    What it begins with is the frame of the private part, if there is one.
    """

    leaf_index: int
    record: bytes
    path: Path
    offset: int
    private: bytes = b""

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.offset + framed_size(self.record, self.private)


class Bookmark(NamedTuple):
    """Where to read on: the index of the next record, the first index of its segment, the byte offset there."""

    leaf_index: int = 0
    segment: int = 0
    offset: int = 0


BEGINNING = Bookmark()
"""Before the first record of a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A place where record `index` should be and is not. `last` means that no later segment exists."""

    index: int
    path: Path
    offset: int
    damage: Damage
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment file and the index of its first record."""

    path: Path
    first: int


def segment_name(first: int) -> str:
    """The file name of the segment whose first record has the index `first`."""
    return f"{first:016d}.frames"


def list_segments(directory: Path) -> tuple[Segment, ...]:
    """The segments in a directory in the order of their records; other files are left alone."""
    found: dict[int, Segment] = {}
    for path in directory.iterdir():
        name = _NAME.match(path.name)
        if name is not None and (name.group(2) is None or int(name.group(1)) not in found):
            first = int(name.group(1))
            found[first] = Segment(path=path, first=first)  # of two the plain one (`packed`, rule 1)
    return tuple(sorted(found.values(), key=lambda segment: segment.first))


def segment_path(directory: Path, first: int) -> Path:
    """Where the segment lies whose first record has the index `first`, packed or not."""
    plain = directory / segment_name(first)
    packed = packed_path(plain)
    return packed if not plain.exists() and packed.exists() else plain


def read_entries(directory: Path, start: Bookmark = BEGINNING, *, first: int = 0) -> Iterator[Entry | Break]:
    """Every record of a log from `first` on, in order, and every place where one is missing; memory stays flat.

    Where a reader has been before, `start` says so, and nothing before it is looked at.
    After a `Break` the reading goes on with the next segment, whose name says at which index. A file that grows
    while it is read shows at most an incomplete last frame. Raises OSError if a file cannot be read.
    """
    segments = list_segments(directory)
    if segments and segments[0].first and start == BEGINNING:
        yield Break(index=0, path=segments[0].path, offset=0, damage=Damage.MISSING, last=False)
    for place, segment in enumerate(segments):
        if segment.first < start.segment:
            continue
        following = segments[place + 1].first if place + 1 < len(segments) else None
        if following is None or following > first:
            here = start if segment.first == start.segment else Bookmark(segment.first, segment.first)
            yield from _read_segment(segment, following, here, first)


def _read_segment(segment: Segment, following: int | None, start: Bookmark, first: int) -> Iterator[Entry | Break]:
    index, offset = start.leaf_index, start.offset
    with open_segment(segment.path, _READ_BYTES) as file:
        file.seek(offset)
        while following is None or index < following:
            framed = read_framed(file)
            if isinstance(framed, Damage):
                yield Break(index=index, path=segment.path, offset=offset, damage=framed, last=following is None)
                return
            if framed is None:
                break
            if index >= first:
                yield Entry(index, framed.record, segment.path, offset, framed.private)
            index, offset = index + 1, offset + framed.size
    if following is not None and index < following:
        yield Break(index=index, path=segment.path, offset=offset, damage=Damage.MISSING, last=False)


def read_record(file: BinaryIO, offset: int) -> Framed | Damage | None:
    """What begins at `offset` of a segment; None behind its end. Raises OSError."""
    file.seek(offset)
    return read_framed(file)


def reread(end: Break) -> Damage | None:
    """What a second look at a break shows; None if a frame is there now, as when a writer replaced a failed write."""
    with open_segment(end.path) as file:
        file.seek(end.offset)
        framed = read_framed(file)
    return framed if isinstance(framed, Damage) else None


class SegmentWriter:
    """The writing end of a log's segments; `size` counts durable records.

    One thread uses it. It begins behind `size` records; `resume` is the segment to go on with, and its length.
    """

    def __init__(
        self, directory: Path, *, size: int, segment_bytes: int, resume: tuple[Path, int] | None = None
    ) -> None:
        self.size = size
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._descriptor: int | None = None
        self._path = directory / segment_name(size)
        self._durable = 0
        if resume is not None:
            self._path, self._durable = resume
            self._descriptor = os.open(self._path, _OLD)

    def append(self, records: Sequence[bytes], privates: Sequence[bytes] = ()) -> int:
        """Make records durable and return how many bytes they took; raises OSError when none of them is recorded.

        `privates` are their sealed private parts, b"" for a record without one; none at all if no record has any.
        """
        data = b"".join(map(frame, records, privates) if privates else map(frame, records))
        descriptor = self._current()
        try:
            write_all(descriptor, data)
        except OSError as fault:
            if is_full(fault):
                self._cut_back(descriptor)
            else:
                self._abandon(descriptor)
            raise
        try:
            sync(descriptor)
        except OSError:
            self._abandon(descriptor)
            raise
        self._durable += len(data)
        self.size += len(records)
        return len(data)

    @property
    def length(self) -> int:
        """How many durable bytes the current file has."""
        return self._durable if self._descriptor is not None else 0

    def begin_next(self) -> None:
        """Go on in a new file, if the current one has records; raises OSError."""
        if self._durable:
            self.close()
            self._descriptor = self._open_next()

    def close(self) -> None:
        """Close the file. Nothing is pending: every append has been synced or has failed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _current(self) -> int:
        if self._descriptor is not None and self._durable >= self._segment_bytes:
            self.close()
        if self._descriptor is None:
            self._descriptor = self._open_next()
        return self._descriptor

    def _open_next(self) -> int:
        path = self._directory / segment_name(self.size)
        try:
            descriptor = os.open(path, _NEW, 0o600)
        except FileExistsError:
            path.unlink()  # abandoned before its first record was durable, and could not be removed then
            descriptor = os.open(path, _NEW, 0o600)
        try:
            sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            raise
        self._path, self._durable = path, 0
        return descriptor

    def _cut_back(self, descriptor: int) -> None:
        try:
            os.ftruncate(descriptor, self._durable)
        except OSError:
            self._abandon(descriptor)

    def _abandon(self, descriptor: int) -> None:
        """Leave a file for good (rule 4); its unacknowledged bytes are cut off if the file system still allows it."""
        self._descriptor = None
        try:
            os.ftruncate(descriptor, self._durable)
            if not self._durable:
                self._path.unlink()
        except OSError:
            pass  # rule 5: the next segment's name ends this one
        finally:
            os.close(descriptor)
