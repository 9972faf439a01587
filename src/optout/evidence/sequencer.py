"""Takes over what waits in spools: finds them, reads them in order, says what is missing, removes what is finished.

It belongs to whoever holds the log, and runs in the log's one thread. It never writes into the log itself: `batch`
gives what is next, the `Ledger` makes it durable, and only then `took` moves on. What a crash leaves between the two is
read again, from the number that the log's own segments show (`taken`), so that no record comes twice and none is lost.

Rule 1: a record is taken over byte for byte. It is never encoded again.
Rule 2: numbers of a writer that cannot be read are told in a `log.gap` that names them, and the records behind them
        are taken only when that gap is on disk. What is damaged is kept in `torn/`.
Rule 3: a spool is removed when its writer is gone, all of it is in the log, and what was to be told of it is.
Rule 4: a spool that cannot be read keeps nobody else's records from the log.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from optout.evidence.clock import Clock
from optout.evidence.directory import Layout
from optout.evidence.frames import Damage
from optout.evidence.notes import Notes
from optout.evidence.schema import Value
from optout.evidence.segments import Break
from optout.evidence.spool import DURABLE, LOCK, list_spools, parse_count
from optout.evidence.spool_reader import Spooled, SpoolReader
from optout.evidence.torn import keep_torn

_MOST_BYTES = 1 << 20  # of one batch: nobody who records in this process waits longer than for that
_MOST_LEFT = 4096  # spools that are remembered when they are gone
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(slots=True, kw_only=True)
class Batch:
    """Records to make durable together, and the documents to store before them."""

    parts: list[tuple[_Followed, tuple[Spooled, ...]]] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    size: int = 0

    @property
    def records(self) -> list[bytes]:
        """The records in their order."""
        return [each.record for _, records in self.parts for each in records]

    @property
    def privates(self) -> list[bytes]:
        """Their sealed private parts, in the same order; none at all if no record has any."""
        found = [each.private for _, records in self.parts for each in records]
        return found if any(found) else []

    @property
    def named(self) -> list[str]:
        """The documents that the records name."""
        return [each.envelope.snapshot for _, records in self.parts for each in records if each.envelope.snapshot]


@dataclass(slots=True, kw_only=True)
class _Followed:
    """A spool under watch. `until` is how many records its writer knows to be durable; None once it is gone."""

    reader: SpoolReader
    until: int | None = 0
    known: int = 0  # the last count that was seen: of a writer that is gone, it tells what is missing at the end
    seen_us: int = 0
    lock: int | None = None
    told: Break | None = None  # a break that a note tells of, passed once that is on disk
    behind: int = 0  # the number that follows what is missing
    ticket: int = 0
    is_finished: bool = False


class Sequencer:
    """Follows every spool in a log's directory; `taken` are the next numbers of writers that the log knows already."""

    def __init__(self, layout: Layout, taken: Mapping[str, int], notes: Notes, clock: Clock) -> None:
        self._layout, self._taken, self._notes, self._clock = layout, dict(taken), notes, clock
        self._left: dict[str, int] = {}
        self._spools: deque[_Followed] = deque()

    @property
    def is_followed(self) -> bool:
        """Whether there is a spool at all."""
        return not all(each.is_finished for each in self._spools)

    def places(self) -> dict[str, int]:
        """The spools that are there, each with the number of its next record."""
        return {each.reader.path.name: each.reader.seq for each in self._spools if not each.is_finished}

    def look(self) -> None:
        """See which spools there are, how far each is durable, whose writer is gone; remove what was taken over."""
        if not self._spools and not self._layout.spools.exists():
            return
        self._spools = deque(each for each in self._spools if not each.is_finished)
        known = {each.reader.path.name for each in self._spools}
        with suppress(OSError):
            for path in list_spools(self._layout):
                if path.name not in known:
                    seq = self._left.pop(path.name, None) or self._taken.pop(path.name, 0)
                    self._spools.append(_Followed(reader=SpoolReader(path, seq)))
        for spool in self._spools:
            try:
                self._look_at(spool)
            except OSError as fault:
                self._fault(fault)

    def batch(self) -> Batch:
        """What is next, at most about a MiB, each spool in its turn."""
        found = Batch()
        for _ in range(len(self._spools)):
            spool = self._spools[0]
            self._spools.rotate(-1)
            try:
                self._read(spool, found)
            except OSError as fault:
                self._fault(fault)
            if found.size >= _MOST_BYTES:
                break
        return found

    def close(self) -> None:
        """Let every spool go."""
        for spool in self._spools:
            _unlock(spool)

    def took(self, batch: Batch) -> None:
        """All of a batch is durable in the log."""
        for spool, records in batch.parts:
            spool.reader.advance(records)
            spool.seen_us = records[-1].envelope.time_us
            for *_, envelope in records:
                if _DIGEST.match(envelope.snapshot):
                    with suppress(OSError):
                        (spool.reader.path / envelope.snapshot).unlink(missing_ok=True)

    # One spool

    def _look_at(self, spool: _Followed) -> None:
        path = spool.reader.path
        if not path.is_dir():  # the owner's doing
            self._leave(spool)
            return
        if spool.told is not None:
            if not self._notes.has_written(spool.ticket):
                return  # rule 2
            self._pass(spool, spool.told)
            if spool.is_finished:
                return
        if spool.lock is None:
            spool.lock = _lock_of_one_gone(path)
        spool.known = max(spool.known, _count(path))
        spool.until = spool.known if spool.lock is None else None
        spool.reader.remove_read()

    def _read(self, spool: _Followed, batch: Batch) -> None:
        if spool.told is not None or spool.is_finished:
            return
        stretch = spool.reader.read(spool.until)
        if stretch.records:
            documents = self._documents(spool, stretch.records)
            batch.parts.append((spool, stretch.records))
            batch.documents.update(documents)
            batch.size += sum(each.size for each in stretch.records) + sum(map(len, documents.values()))
        elif stretch.end is not None:
            self._tell(spool, stretch.end)
        elif spool.until is None and spool.known > spool.reader.seq:
            self._tell(spool, _nothing_left(spool))
        elif spool.until is None:
            self._remove(spool)

    def _documents(self, spool: _Followed, records: tuple[Spooled, ...]) -> dict[str, bytes]:
        """The documents that these records name and the log has not got."""
        found: dict[str, bytes] = {}
        for *_, envelope in records:
            digest = envelope.snapshot
            if not _DIGEST.match(digest) or (self._layout.snapshots / digest).exists():
                continue
            try:
                data = (spool.reader.path / digest).read_bytes()
            except FileNotFoundError:
                data = b""
            if hashlib.sha256(data).hexdigest() == digest:
                found[digest] = data
            else:
                self._notes.fault("document missing", self._clock.now_us())
        return found

    # What is missing

    def _tell(self, spool: _Followed, end: Break) -> None:
        """Say what is wrong with a spool (rule 2)."""
        if end.damage is not Damage.MISSING:
            kept = keep_torn(self._layout, end.path, end.offset, f"{spool.reader.path.name}.")
            place = end.path.relative_to(self._layout.root)
            detail = f"{kept} bytes ({end.damage}) behind record {end.index - 1} of {place}"
            spool.ticket = self._notes.say("log.fault", {"reason": "torn tail", "fault.detail": detail})
        spool.behind = max(end.index, spool.reader.following(end) or spool.known)
        if spool.behind > end.index:
            spool.ticket = self._notes.say("log.gap", self._gap(spool, end.index, spool.behind))
        spool.told = end

    def _gap(self, spool: _Followed, first: int, behind: int) -> dict[str, Value]:
        now_us = self._clock.now_us()
        return {
            "reason": "spool-fault",
            "from_us": spool.seen_us or now_us,
            "to_us": now_us,
            "count": behind - first,
            "lost.boot": spool.reader.path.name,
            "lost.first_seq": first,
            "lost.last_seq": behind - 1,
        }

    def _pass(self, spool: _Followed, end: Break) -> None:
        spool.told = None
        if spool.lock is not None and spool.reader.following(end) is None:
            self._remove(spool)
        else:
            spool.reader.go_to(spool.behind)

    def _remove(self, spool: _Followed) -> None:
        """Remove a spool (rule 3). What cannot be removed is looked at again, and nothing of it taken again."""
        path = spool.reader.path
        with suppress(OSError):
            for file in sorted(path.iterdir(), key=lambda file: (file.name == LOCK, file.name)):
                file.unlink()
            path.rmdir()
        self._leave(spool)

    def _leave(self, spool: _Followed) -> None:
        """Follow a spool no more. Should it be there again, it is read from where it was left, and never twice."""
        _unlock(spool)
        spool.is_finished = True
        self._left[spool.reader.path.name] = spool.reader.seq
        if len(self._left) > _MOST_LEFT:
            del self._left[next(iter(self._left))]

    def _fault(self, fault: OSError) -> None:
        self._notes.fault(f"spool {errno.errorcode.get(fault.errno or 0, 'unknown')}", self._clock.now_us())


def _unlock(spool: _Followed) -> None:
    if spool.lock is not None:
        os.close(spool.lock)
        spool.lock = None


def _nothing_left(spool: _Followed) -> Break:
    """The break at the end of a spool of which less is left than its writer had logged."""
    reader = spool.reader
    return Break(index=reader.seq, path=reader.path, offset=0, damage=Damage.MISSING, last=True)


def _lock_of_one_gone(path: Path) -> int | None:
    """The lock of a spool whose writer is gone; None while he lives."""
    descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _count(path: Path) -> int:
    try:
        return parse_count((path / DURABLE).read_bytes()) or 0
    except FileNotFoundError:
        return 0
