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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  memory that processes share; see "Security"
_ENTRY = struct.Struct("<16sq")
_WAYS = 16  # places for one mark: at half the capacity, one in three hundred marks finds all of them taken
_TRIES = 100  # some 50 us
_EMPTY = b"\0" * 16


class SharedMarks:
    """A table for about `most` marks, `name`d among those of a state directory; without one, of this process alone."""

    __slots__ = ("_fd", "_map", "_sets")

    def __init__(self, state: Path | None, name: str, most: int) -> None:
        self._sets = 1 << max(0, (most - 1).bit_length() - _WAYS.bit_length() + 1)
        size = self._sets * _WAYS * _ENTRY.size
        self._fd = -1 if state is None else _open(state, name, size)
        self._map = mmap.mmap(self._fd, size)  # -1: this process's alone

    def close(self) -> None:
        """Give the memory back; what is in the table stays for the others."""
        self._map.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def find(self, mark: bytes) -> int | None:
        """The time of a mark of 16 octets; None where it is not there."""
        for _, entry, time in self._places(mark):
            if entry == mark:
                return time
        return None

    def put(self, mark: bytes, time: int) -> None:
        """Set the time of a mark."""
        places = tuple(self._places(mark))
        free = next((place for place, entry, _ in places if entry in (mark, _EMPTY)), None)
        place = min(places, key=lambda each: each[2])[0] if free is None else free
        _ENTRY.pack_into(self._map, place, mark, time)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Look and put without another process between, if that can be had at once."""
        held = self._lock()
        try:
            yield
        finally:
            if held:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _lock(self) -> bool:
        for _ in range(_TRIES if self._fd >= 0 else 0):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return True
        return False

    def _places(self, mark: bytes) -> Iterator[tuple[int, bytes, int]]:
        start = int.from_bytes(mark[:8], "little") % self._sets * _WAYS * _ENTRY.size
        rows = self._map[start : start + _WAYS * _ENTRY.size]
        for way, (entry, time) in enumerate(_ENTRY.iter_unpack(rows)):
            yield start + way * _ENTRY.size, entry, time


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
