"""Marks with a time each, which all processes of one state directory share: what one worker has seen, the others know.

Rule 1: no disk. The table lies in memory (`/dev/shm`, where a system has it); a machine that starts anew forgets it.
Rule 2: its size is fixed, whatever strangers send. A mark has few places; where all are taken, the one whose time is
        earliest gives way, so that what is pushed out is what matters for the shortest time.
Rule 3: nobody waits for another process: a lock is tried, and what comes of not having it is one mark too few.
Security: the name in /dev/shm is one that others may guess. A file there that is a link, or somebody else's, is not
used (CWE-377); the process then has a table of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import zlib
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  memory that processes share; see "Security"
_MARK = 16  # octets
_TIME = struct.Struct("<q")
_SUM = struct.Struct("<L")
_WAYS = 16  # places for one mark: at half the capacity, one in three hundred marks finds all of them taken
_TRIES = 100  # some 50 us
_EMPTY = b"\0" * _MARK


class SharedMarks:
    """A table for about `most` marks, `name`d among those of a state directory; without one, of this process alone.

    Beside its time a mark may carry `note` octets. It is opened when it is first used: most doors need none.
    """

    __slots__ = ("_entry", "_fd", "_held", "_name", "_sets", "_state")

    def __init__(self, state: Path | None, name: str, most: int, *, note: int = 0) -> None:
        self._sets = 1 << max(0, (most - 1).bit_length() - _WAYS.bit_length() + 1)
        self._entry = _MARK + _TIME.size + (note + _SUM.size if note else 0)
        self._state, self._name = state, name
        self._held: mmap.mmap | None = None
        self._fd = -1

    @property
    def _map(self) -> mmap.mmap:
        if self._held is None:
            size = self._sets * _WAYS * self._entry
            self._fd = -1 if self._state is None else _open(self._state, self._name, size)
            self._held = mmap.mmap(self._fd, size)  # -1: this process's alone
        return self._held

    def close(self) -> None:
        """Give the memory back; what is in the table stays for the others."""
        if self._held is not None:
            self._held.close()
            self._held = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def find(self, mark: bytes) -> int | None:
        """The time of a mark of 16 octets; None where it is not there."""
        at = self._place(mark, self._start(mark))
        return None if at < 0 else int(_TIME.unpack_from(self._map, at + _MARK)[0])

    def read(self, mark: bytes) -> tuple[int, bytes] | None:
        """The time of a mark, and its note; None where it is not there, or is just being written by another process."""
        at = self._place(mark, self._start(mark))
        entry = self._map[at : at + self._entry] if at >= 0 else b""
        if not entry or _sum(entry[: -_SUM.size]) != entry[-_SUM.size :]:
            return None
        return int(_TIME.unpack_from(entry, _MARK)[0]), entry[_MARK + _TIME.size : -_SUM.size]

    def put(self, mark: bytes, time: int, note: bytes = b"") -> None:
        """Set the time of a mark, and its note, which has the length that the table was made for."""
        start = self._start(mark)
        at = self._place(mark, start)
        if at < 0:
            at = self._place(_EMPTY, start)
        if at < 0:
            places = range(start, start + _WAYS * self._entry, self._entry)
            at = min(places, key=lambda place: _TIME.unpack_from(self._map, place + _MARK)[0])
        entry = mark + _TIME.pack(time) + note
        self._map[at : at + self._entry] = entry + _sum(entry) if note else entry

    def alone(self) -> _Alone:
        """Look and put without another process between, if that can be had at once: `with table.alone():`."""
        _ = self._map  # which opens the file that is locked
        return _Alone(self._fd)

    def _start(self, mark: bytes) -> int:
        return int.from_bytes(mark[:8], "little") % self._sets * _WAYS * self._entry

    def _place(self, mark: bytes, start: int) -> int:
        """Where a mark stands among the places that begin at `start`; -1 if it does not."""
        end = start + _WAYS * self._entry
        at = self._map.find(mark, start, end)
        while at >= 0 and (at - start) % self._entry:  # the same octets within another entry
            at = self._map.find(mark, at + 1, end)
        return at


class _Alone:
    """A lock that is tried and not waited for."""

    __slots__ = ("_fd", "_held")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._held = False

    def __enter__(self) -> None:
        for _ in range(_TRIES if self._fd >= 0 else 0):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            self._held = True
            return

    def __exit__(self, *_: object) -> None:
        if self._held:
            fcntl.flock(self._fd, fcntl.LOCK_UN)


def _sum(data: bytes) -> bytes:
    return _SUM.pack(zlib.crc32(data))


def mark_of(*parts: str) -> bytes:
    """The mark of some texts: 16 octets that nobody can choose to be another's."""
    data = b"\0".join(part.encode("utf-8", "surrogateescape") for part in parts)
    return hashlib.blake2b(data, digest_size=16).digest()


def _open(state: Path, name: str, size: int) -> int:
    """A file of `size` in shared memory that is this user's own; -1 where there is none to be had."""
    owner = hashlib.blake2b(os.fsencode(state.absolute()), digest_size=8).hexdigest()
    path = _MEMORY / f"optout-{os.geteuid()}-{owner}-{name}-{size}"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return -1
    try:
        found = os.fstat(fd)
        if found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError
        if found.st_size < size:
            os.posix_fallocate(fd, 0, size)  # a full /dev/shm says so here, and not by a signal later
    except OSError:
        os.close(fd)
        return -1
    return fd
