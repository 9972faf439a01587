"""A reserve on the disk: a file given up when the disk is full, so that the records that say so still fit.

It is as large as the budget says, but never more than a thousandth of the disk (evidence.md part 5.4).
"""

from __future__ import annotations

import os
from pathlib import Path

from optout.evidence.budget import disk_size


class Ballast:
    """The reserve file at `path`. `held` says whether it is there; one thread uses it."""

    def __init__(self, path: Path, wanted: int) -> None:
        self._path = path
        self._size = min(wanted, disk_size(path.parent) // 1000)
        self.held = False

    def restore(self) -> bool:
        """Take the reserve if the disk has room for it twice over; whether it is held now.

        Twice, because a disk that has just this much room would be full again with the next record.
        """
        if self.held or not self._size:
            return True
        try:
            status = os.statvfs(self._path.parent)
            present = self._path.stat().st_size if self._path.exists() else 0
            if present < self._size and status.f_bavail * status.f_frsize < 2 * self._size:
                return False
            _allocate(self._path, self._size)
        except OSError:
            return False
        self.held = True
        return True

    def release(self) -> None:
        """Give the reserve back to the disk; without effect if that fails."""
        self.held = False
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return


def _allocate(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.pwrite(descriptor, bytes(size), 0)
    finally:
        os.close(descriptor)
