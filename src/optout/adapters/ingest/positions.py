"""How far each file of a front end's log was read, kept beside the evidence: `DIR/ingest/<name>`, mode 0600.

It is written after the records are durable. A crash between the two makes lines be read twice; `recent` knows
them by their ids. A file that was damaged or put back from a backup costs reading again, and nothing else.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path

from optout.adapters.ingest.lines import Position
from optout.errors import EvidenceError
from optout.evidence.files import replace_file

_MOST_GONE = 64  # files that are no longer there and are still remembered: a rename may hide one for a moment


class Positions:
    """The positions in one log's files. Only one process at a time has them; raises EvidenceError if another does."""

    def __init__(self, evidence: Path, log: Path) -> None:
        name = hashlib.sha256(os.fsencode(log.absolute())).hexdigest()[:16]
        self._log = log
        self._path = evidence / "ingest" / name
        self._by_head: dict[str, Position] = {}
        self._saved = b""
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            lock = self._path.with_suffix(".lock")
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise EvidenceError(f"cannot keep positions in {self._path.parent}: {fault.strerror}") from fault
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            os.close(self._lock)
            raise EvidenceError(f"another process ingests {log}", "stop it, or let it go on") from fault
        self._load()

    def of(self, head: str) -> Position:
        """Where to read on in the file that is known by `head`."""
        return self._by_head.get(head, Position(head=head))

    def put(self, position: Position) -> None:
        """Remember a position; `save` makes it durable."""
        self._by_head.pop(position.head, None)
        self._by_head[position.head] = position

    def save(self, present: frozenset[str] | None = None) -> None:
        """Make all positions durable; raises EvidenceError.

        `present` are the files that are there now: of the others only the last few are remembered.
        """
        if present is not None:
            gone = [head for head in self._by_head if head not in present]
            for head in gone[:-_MOST_GONE]:
                del self._by_head[head]
        entries = [[each.head, each.offset, each.tail, each.within] for each in self._by_head.values()]
        data = json.dumps({"log": str(self._log.absolute()), "read": entries}, indent=0).encode() + b"\n"
        if data == self._saved:
            return
        try:
            replace_file(self._path, data)
        except OSError as fault:
            raise EvidenceError(f"cannot write {self._path}: {fault.strerror}", "make room on that disk") from fault
        self._saved = data

    def close(self) -> None:
        """Let another process have them. Safe to call twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _load(self) -> None:
        try:
            found = json.loads(self._path.read_bytes())["read"]
            for head, offset, tail, within in found:
                self.put(Position(head=str(head), offset=max(0, int(offset)), tail=str(tail), within=bool(within)))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            self._by_head.clear()  # read again from the beginning; the ids tell what is there already
