"""A front end's log files: which of them belong together, and their lines from where the last reading ended.

    access.log    access.log.1    access.log.2.gz    access.log-20261125.gz    access-20261125.log

A file is known by its beginning, the hash of its first line, and not by name or inode: renaming, compressing and
copying (logrotate's `create`, `compress`, `copytruncate`) change those and leave the beginning. How far it was read is
believed only while the octets before that place are the ones that were read; else it is another file, and is read from
its beginning. Memory is flat: at most one piece and one line are held.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from optout.compilers.access_log import LONGEST_LINE, LineFault

PIECE = 256 * 1024  # octets read at once; the records of its lines fit into the log's queue
_HEAD = 4096  # octets: a first line's number and time lie well within
_TAIL = 256  # octets before a place that must still be there
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading may raise: a file that is gone, not permitted, or a gzip file that is still being written."""

_ROTATED = r"(?:[._-][0-9](?:[0-9A-Za-z_:-]|\.(?=[0-9]))*)"  # a number or a date


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a file was read.

    `head` and `tail` are hashes (hex) of its first line and of what lies before `offset`. `within` says that the place
    lies inside a line that is too long, whose rest is to be skipped.
    """

    head: str
    offset: int = 0
    tail: str = ""
    within: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some whole lines of a file, or faults in place of lines, and the position behind them."""

    lines: tuple[bytes | LineFault, ...]
    position: Position


def generations(log: Path) -> tuple[Path, ...]:
    """A log and its rotated files, the oldest first; those that are not there are left out. Raises OSError."""
    stem, suffix = re.escape(log.stem), re.escape(log.suffix)
    name = re.compile(rf"{stem}(?:{suffix}{_ROTATED}|{_ROTATED}{suffix})(?:\.gz)?\Z")
    rotated = []
    for path in log.parent.iterdir():
        if name.match(path.name):
            try:
                rotated.append((path.stat().st_mtime_ns, path.name, path))
            except FileNotFoundError:  # renamed meanwhile: the next look finds it
                continue
    ordered = [path for _, _, path in sorted(rotated)]
    return (*ordered, log) if log.exists() else tuple(ordered)


def open_log_file(path: Path) -> BinaryIO:
    """The uncompressed octets of a log file; raises OSError."""
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def head_of(file: BinaryIO) -> str:
    """What a file is known by; "" while its first line is not whole. Raises what is `UNREADABLE`."""
    file.seek(0)
    head = file.read(_HEAD)
    line, feed, _ = head.partition(b"\n")
    return hashlib.sha256(line).hexdigest() if feed or len(head) == _HEAD else ""


def read_on(file: BinaryIO, position: Position) -> Iterator[Piece]:
    """What follows `position`, piece by piece; a last line without its line feed is left for the next time.

    All of the file, where it does not hold what was read before. Raises what is `UNREADABLE`.
    """
    start = max(0, position.offset - _TAIL)
    file.seek(start)
    tail = file.read(position.offset - start)
    if _hash(tail) != position.tail:
        position, tail = Position(head=position.head), b""
        file.seek(0)
    offset, within, rest = position.offset, position.within, b""
    while data := file.read(PIECE):
        *lines, rest = (rest + data).split(b"\n")
        taken = b"".join(line + b"\n" for line in lines)
        found: list[bytes | LineFault] = [*lines]
        if within and lines:
            within = False
            del found[0]
        if within or len(rest) > LONGEST_LINE:
            if not within:
                found.append(LineFault.TOO_LONG)
            taken, rest, within = taken + rest, b"", True
        offset, tail = offset + len(taken), (tail + taken)[-_TAIL:]
        if taken:
            yield Piece(
                lines=tuple(line for line in found if line),
                position=Position(head=position.head, offset=offset, tail=_hash(tail), within=within),
            )


def _hash(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest() if octets else ""
