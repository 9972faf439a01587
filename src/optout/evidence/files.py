"""Durable writes: the system calls after which bytes and names are on disk, and nothing else.

    a new version of a file   open temporary, write, fsync, close, rename, fsync the directory
    more bytes in a file      write, fdatasync
    a new file                open, fsync the directory

`os.write` may take fewer bytes than it was given and say so only by its return value: that is how a full disk looks
at first. Code that ignores it corrupts its own file.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte or raise OSError."""
    rest = memoryview(data)
    while rest:
        count = os.write(descriptor, rest)
        if count == 0:
            raise OSError(errno.EIO, "the file system took no byte")
        rest = rest[count:]


def sync(descriptor: int) -> None:
    """Wait until a file's bytes are on disk; raises OSError."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on disk: a new file without this can vanish in a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int = 0o700) -> None:
    """A directory with those above it, each of which is there after a power cut, too. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)
    sync_directory(path.parent)


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file whole: at any moment the old content or the new is there. Raises OSError."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def is_full(fault: OSError) -> bool:
    """Whether an error means that there is no room: the disk or the user's share of it is used up."""
    return fault.errno in (errno.ENOSPC, errno.EDQUOT)
