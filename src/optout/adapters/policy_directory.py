"""What changed in a directory of policies, for the price of a few looks however many files there are.

A file that comes, goes or is put in the place of another changes its directory, and is seen at the next look. One that
is written in place changes nothing but itself, so every file is looked at in turn: 4,000 of them at a look, which is
all of them in most directories, and a tour of 40,000 within ten looks.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from optout.policy.yaml_positions import MAX_BYTES

SUFFIXES = (".yaml", ".yml")
AT_A_LOOK = 4_000
"""Files whose state is asked for at one look: about ten milliseconds."""

_SETTLED_NS = 2_000_000_000  # a directory changed less than this ago may change again under the same time stamp

_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class PolicyDirectory:
    """The policy files of a directory, and which of them are not as they were when they were last taken in."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._taken: dict[str, int] = {}  # files as they were taken in
        self._inodes: dict[str, int] = {}  # what the directory held when it was listed
        self._listed: tuple[int, ...] | None = None  # the directory's own state then; None: list it again
        self._tour: Iterator[str] = iter(())
        self._found: set[str] = set()  # files that differed at the last look and are not taken in

    def __len__(self) -> int:
        """How many files have been taken in."""
        return len(self._taken)

    def look(self) -> dict[str, int | None]:
        """Files that differ from what was taken in, and their state now; None for one that is gone.

        Raises OSError where the directory cannot be read.
        """
        directory = os.open(self._place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            names = {*self._found, *self._changed_members(directory), *self._next_of_tour()}
            found = self._differing(names, directory)
        finally:
            os.close(directory)
        self._found = set(found)
        return found

    def is_still(self, found: Mapping[str, int | None]) -> bool:
        """Whether files are as they were found: half a policy may be a sound one."""
        directory = os.open(self._place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return all(_state(name, directory) == state for name, state in found.items())
        finally:
            os.close(directory)

    def take(self, found: Mapping[str, int | None]) -> None:
        """From now on, these states are what files are compared with."""
        self._found.difference_update(found)
        for name, state in found.items():
            if state is None:
                self._taken.pop(name, None)
            else:
                self._taken[name] = state

    def _changed_members(self, directory: int) -> Iterable[str]:
        """The files that a change of the directory itself may be about."""
        now = os.fstat(directory)
        state = (now.st_ino, now.st_mtime_ns, now.st_ctime_ns)
        if state == self._listed:
            return ()
        before, self._inodes = self._inodes, {}
        linked: list[str] = []
        with os.scandir(directory) as members:
            for each in members:
                if each.name.endswith(SUFFIXES) and each.name[0] != ".":
                    self._inodes[each.name] = each.inode()
                    if each.is_symlink():  # what it points to may have changed its place with the directory
                        linked.append(each.name)
        self._listed = state if time.time_ns() - now.st_mtime_ns > _SETTLED_NS else None
        differing = (name for name, inode in self._inodes.items() if before.get(name) != inode)
        return {*differing, *linked, *(self._taken.keys() - self._inodes.keys())}

    def _next_of_tour(self) -> Iterator[str]:
        """Some more files, in turn. A tour begins by listing the directory, whatever its time stamp says."""
        for _ in range(AT_A_LOOK):
            name = next(self._tour, None)
            if name is None:
                self._tour, self._listed = iter(tuple(self._inodes)), None
                return
            yield name

    def _differing(self, names: Iterable[str], directory: int) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for name in names:
            state = _state(name, directory)
            if state != self._taken.get(name):
                found[name] = state
        return found


def read_policy(place: str) -> bytes:
    """A file's bytes; of one that is too large, enough for the loader to say so."""
    with open(place, "rb", buffering=0) as file:  # noqa: PTH123  a tenth of the price of Path.open, 40,000 times
        return file.readall() if os.fstat(file.fileno()).st_size <= MAX_BYTES else file.read(MAX_BYTES + 1)


def _state(name: str, directory: int) -> int | None:
    """What changes whenever a file does: inode, times, size and mode, or why they are unknown; None: no file."""
    try:
        found = os.stat(name, dir_fd=directory)
    except OSError as error:
        return None if error.errno in _NO_FILE else -(error.errno or 1)
    if not stat.S_ISREG(found.st_mode):
        return None
    return abs(hash((found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)))
