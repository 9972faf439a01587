"""The writing end of a spool: where a process that does not hold the log makes its records durable.

    spool/<boot>/            one start of one writer, named for its `writer.boot`
        lock                 locked for as long as the writer lives
        durable              how many of its records are on disk, with a checksum
        *.frames             the records, framed as in the log; a file is named for the number of its first record
        <sha256>             documents that its records name
        ballast              a reserve of its own

Whoever holds the log takes the records over (`sequencer`), byte for byte: a record in a spool has its final form.

Rule 1: a receipt is given after fdatasync returned, as for the log itself. "Logged" means the same in both.
Rule 2: the count in `durable` moves after fdatasync. What lies behind it in a living writer's spool may still fail to
        sync, and its numbers would then be given to other records; nobody reads past the count.
Rule 3: a new spool appears under its name only when it is locked, so that it is never taken for one left behind.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint, Note, parse_checkpoint, parse_note
from optout.evidence.directory import Layout
from optout.evidence.files import replace_file, sync_directory, write_all
from optout.evidence.receipt import Loss, Receipt
from optout.evidence.schema import MAX_RECORD
from optout.evidence.segments import SegmentWriter
from optout.evidence.succession import logs_of
from optout.evidence.tree import leaf_hash
from optout.evidence.writer import RESERVE

LOCK, DURABLE, BALLAST = "lock", "durable", "ballast"
_BOOT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_COUNT = struct.Struct(">QI")
_SEGMENT_BYTES = 1 << 20  # small: a file is removed when all of it was taken over, and damage costs one file at most
_LOOK_US = 1_000_000
_LARGE = 4 * MAX_RECORD  # with less room than for that, records begin to be refused
_MOST_AT_ONCE = 2 << 20  # a log this near to its largest size may be too full for a batch from spools


def encode_count(count: int) -> bytes:
    """The content of `durable`."""
    body = count.to_bytes(8, "big")
    return body + zlib.crc32(body).to_bytes(4, "big")


def parse_count(data: bytes) -> int | None:
    """The count in a `durable` file; None for a torn or a foreign one. Never raises."""
    if len(data) != _COUNT.size:
        return None
    count, checksum = _COUNT.unpack(data)
    return int(count) if zlib.crc32(data[:8]) == checksum else None


def list_spools(layout: Layout) -> tuple[Path, ...]:
    """The spools in a log's directory, each named for its writer's start; raises OSError."""
    try:
        return tuple(sorted(path for path in layout.spools.iterdir() if _BOOT.match(path.name)))
    except FileNotFoundError:
        return ()


def spools_size(layout: Layout) -> int:
    """How many bytes all spools take together; what disappears meanwhile is left out."""
    total = 0
    for spool in list_spools(layout):
        with suppress(FileNotFoundError), os.scandir(spool) as files:
            for file in files:
                with suppress(FileNotFoundError):
                    total += file.stat().st_size if file.name != BALLAST else 0
    return total


class Spool:
    """A spool of this process; a `Writer` fills it. `size` counts durable records, `used` the bytes of all spools.

    All spools of a log together may take `max_bytes`: nobody else limits them while nobody takes anything over.
    """

    def __init__(self, layout: Layout, boot: str, *, max_bytes: int, log_bytes: int = 1 << 62) -> None:
        """Make it, with its lock held, beside a log of at most `log_bytes`; raises OSError."""
        self.path = layout.spools / boot
        self.max_bytes = max_bytes
        self.shortage = Loss.QUEUE_FULL
        self._log_bytes = log_bytes
        self.trouble = ""
        self._layout = layout
        self.recorded = {path.name for path in layout.snapshots.iterdir() if not path.name.startswith(".")}
        self.checkpoint_size = self.checkpoint_us = 0
        self._looked_us: int | None = None
        lock, self._durable = _make(layout, self.path)
        self._descriptors: tuple[int, ...] = (lock, self._durable)
        self._segments = SegmentWriter(self.path, size=0, segment_bytes=_SEGMENT_BYTES)
        self.used = spools_size(layout)

    @property
    def size(self) -> int:
        """How many records are durable."""
        return self._segments.size

    @property
    def patience(self) -> float:
        """How long it may be left alone, in seconds."""
        return _LOOK_US / 1_000_000

    def knows(self, digest: str) -> bool:
        """Whether the log has this document, from whomever. What lies in `snapshots/` has its record, or soon will."""
        if digest not in self.recorded and (self._layout.snapshots / digest).exists():
            self.recorded.add(digest)
        return digest in self.recorded

    def store(self, digest: str, document: bytes) -> None:
        """Keep a document until its record is taken over; raises OSError."""
        replace_file(self.path / digest, document)
        self.used += len(document)

    def discard(self, digest: str) -> None:
        """Forget a document whose record could not be written."""
        with suppress(OSError):
            (self.path / digest).unlink(missing_ok=True)

    def append(
        self, records: Sequence[bytes], privates: Sequence[bytes], documents: Sequence[str], first_seq: int
    ) -> list[Receipt]:
        """Make records durable, with those that name `documents` among them; raises OSError when none is recorded."""
        self.used += self._segments.append(records, privates)
        with suppress(OSError):  # the next append tells the count again
            os.pwrite(self._durable, encode_count(self._segments.size), 0)
        self.recorded.update(documents)
        return [
            Receipt(index=None, seq=first_seq + place, leaf=leaf_hash(record)) for place, record in enumerate(records)
        ]

    def look(self, mono_us: int, *, now: bool, may_write: bool) -> None:
        """See how much room is left, and what was signed; whoever takes records over removes their files."""
        if now or self._looked_us is None or mono_us - self._looked_us >= _LOOK_US:
            self._looked_us = mono_us
            with suppress(OSError):
                self.used = spools_size(self._layout)
                if self.used + RESERVE + _LARGE >= self.max_bytes:
                    self._look_at_shortage()
                self._look_at_checkpoint()

    def _look_at_shortage(self) -> None:
        """Whether the log is full, which is its owner's choice, or nobody takes spools over, which is a fault."""
        self._segments.begin_next()  # so that the file behind can go as soon as it is taken over
        kept = [path for log in logs_of(self._layout.root) for path in Layout(log).segments.iterdir()]
        kept += self._layout.snapshots.iterdir()
        is_full = sum(path.stat().st_size for path in kept) + _MOST_AT_ONCE >= self._log_bytes
        self.shortage = Loss.BUDGET if is_full else Loss.QUEUE_FULL

    def _look_at_checkpoint(self) -> None:
        note = parse_note(self._layout.checkpoint.read_bytes())
        checkpoint = parse_checkpoint(note) if isinstance(note, Note) else note
        if isinstance(checkpoint, Checkpoint):
            self.checkpoint_size = checkpoint.size
            self.checkpoint_us = self._layout.checkpoint.stat().st_mtime_ns // 1000

    def sign(self, wishes: Sequence[Future[Checkpoint]], mono_us: int) -> None:
        """Refuse: the log's key signs in one process."""
        for wish in wishes:
            wish.set_exception(EvidenceError("a spool is not signed; whoever holds the log signs what is taken over"))

    def ending(self, mono_us: int) -> None:
        """Never: logs end where they are held."""

    def close(self) -> None:
        """Close the file of records; nothing is pending."""
        self._segments.close()

    def let_go(self) -> None:
        """Unlock it, so that whoever holds the log can take over the last of it. Safe to call twice."""
        descriptors, self._descriptors = self._descriptors, ()
        for descriptor in descriptors:
            os.close(descriptor)


def _make(layout: Layout, path: Path) -> tuple[int, int]:
    """The descriptors of lock and count of a new spool (rule 3)."""
    with suppress(FileExistsError):
        layout.spools.mkdir(mode=0o700)
        sync_directory(layout.root)
    made = path.with_name(f".{path.name}.new")
    made.mkdir(mode=0o700)
    lock = os.open(made / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        durable = os.open(made / DURABLE, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        write_all(durable, encode_count(0))
        made.rename(path)
        sync_directory(layout.spools)
    except BaseException:
        os.close(lock)
        raise
    return lock, durable
