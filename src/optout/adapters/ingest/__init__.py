"""From front ends' logs into the evidence: no line twice, and none lost over a restart.

Rule 1: a position moves on after the records of its lines are durable, never before.
Rule 2: a record whose id is in the log already is not made again (`recent`): what lies between the last
        position and a crash is read twice and told once.
Rule 3: a line is a stranger's words. Nothing in it raises; what is no record is counted in a `log.gap`.
Rule 4: a log that cannot write holds the reading up. A file waits for as long as it takes; a datagram cannot wait, and
        is counted as lost.
Rule 5: a forged user agent in a loop must not fill the disk: past 60,000 records a minute of the front end's own time
        for one crawler and answer the others are counted.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Protocol

from optout.adapters.ingest.lines import UNREADABLE, generations, head_of, open_log_file, read_on
from optout.adapters.ingest.positions import Positions
from optout.adapters.ingest.recent import Recent
from optout.adapters.ingest.syslog import SyslogSocket
from optout.adapters.intake import now_us
from optout.compilers.access_log import LONGEST_LINE, Line, LineFault, parse_line
from optout.compilers.access_log.forms import in_common_form
from optout.compilers.observed import ids, observed
from optout.crawlers.registry import Registry
from optout.evidence.budget import Budget, FloodRule
from optout.evidence.receipt import Loss, NotLoggedError, Receipt
from optout.evidence.recorder import LogHealth
from optout.record import Record

LOG = logging.getLogger("optout")
REUSED = "line-id-reused"
DROPPED = "line-dropped"
_SAVE_EVERY = 32  # pieces: fewer lines than half of what `recent` remembers
_RESERVE = 512 * 1024  # bytes of the log's room: what the log keeps for itself, and a record of the largest size
_OTHER_TENANT = "default"


class Log(Protocol):
    """What is needed of an evidence log, or of a spool of it."""

    @property
    def health(self) -> LogHealth:
        """How it is doing now."""

    def append(
        self,
        public: Mapping[str, str | int | bool | Sequence[str]],
        private: Mapping[str, object] | None = None,
        *,
        flood_key: str = "",
    ) -> Future[Receipt]:
        """A future for the record's receipt."""

    def lost(self, reason: str, *, crawler: str, action: str) -> None:
        """Count what is not recorded."""

    def gap(self, reason: str, from_us: int, to_us: int, **facts: str | int | bool) -> None:
        """Tell of an interval in which something was not recorded."""


class Ingest:
    """Makes records of lines. `tenants` are the tenants of policies, by the SHA-256 of the policy.

    `counts`: `lines` read, `records` written, `repeated` lines, and what was lost by reason.
    """

    def __init__(self, log: Log, registry: Registry, recent: Recent, tenants: Mapping[str, str]) -> None:
        self.counts: Counter[str] = Counter()
        self._log, self._registry, self._recent, self._tenants = log, registry, recent, tenants
        self._flood = FloodRule(Budget().flood_records)
        self._under_way: dict[str, str] = {}

    def take(self, lines: Iterable[bytes | LineFault]) -> None:
        """Record these lines, and return when it is durable; NotLoggedError if the log does not take them.

        They may then be given again: those that were recorded are known.
        """
        waiting: list[tuple[Record, Future[Receipt]]] = []
        read = 0
        for each in lines:
            read += 1
            line = each if isinstance(each, LineFault) else _parse(each)
            if isinstance(line, LineFault) or isinstance(each, LineFault):
                self._lose(line if isinstance(line, LineFault) else LineFault.NOT_JSON)
                continue
            for record in self._new_records(line, each):
                waiting.append((record, self._log.append(record.public)))
                self._under_way[str(record.public["id"])] = str(record.public["observed.line.sha256"])
        self._under_way.clear()
        refused: NotLoggedError | None = None
        for record, logged in waiting:
            try:
                logged.result()  # without limit: what a slow disk may still write must not be given to it twice
            except NotLoggedError as fault:
                # A fault of our own does not go away by being tried again; the log has counted it.
                refused = refused if fault.loss is Loss.CONTENT else refused or fault
            else:
                self.counts["records"] += 1
                self._recent.add(str(record.public["id"]), str(record.public["observed.line.sha256"]))
        if refused is not None:
            raise refused
        self.counts["lines"] += read

    @property
    def can_record(self) -> bool:
        """Whether records that are given now are likely to be written."""
        health = self._log.health
        return health.writable and health.used_bytes + _RESERVE < health.max_bytes

    def dropped(self, count: int, since_us: int) -> None:
        """Tell of datagrams that the kernel had no room for."""
        self.counts[DROPPED] += count
        self._log.gap(DROPPED, since_us, now_us(), count=count)

    def _new_records(self, line: Line, data: bytes) -> Iterator[Record]:
        told = self._told(line.id)
        if told is not None and not hashlib.sha256(data).hexdigest().startswith(told):
            self._lose(REUSED, line)
            return
        if told is not None and all(self._told(each) is not None for each in ids(line)):
            self.counts["repeated"] += 1
        elif self._flood.admits(f"{line.crawler} {line.action}", line.time_us):
            tenant = self._tenants.get(line.policy, _OTHER_TENANT)
            for record in observed(line, data, self._registry, tenant=tenant, ingested_us=now_us()):
                if self._told(str(record.public["id"])) is None:
                    yield record
        else:
            self._lose(Loss.FLOOD, line)

    def _told(self, record_id: str) -> str | None:
        """The beginning of the hash of the line from which a record was made; None for a new one."""
        return self._under_way.get(record_id) or self._recent.line_of(record_id)

    def _lose(self, reason: str, line: Line | None = None) -> None:
        self.counts[reason] += 1
        crawler, action = ("", "") if line is None else (line.crawler, line.action.value)
        self._log.lost(reason, crawler=crawler, action=action)


def _parse(data: bytes) -> Line | LineFault:
    """What a line of any front end's says."""
    return LineFault.TOO_LONG if len(data) > LONGEST_LINE else parse_line(in_common_form(data))


class LogFiles:
    """One log with its rotated files, read on from where the last reading ended."""

    def __init__(self, log: Path, positions: Positions) -> None:
        self.log = log
        self._positions = positions
        self._read: dict[tuple[int, int], tuple[int, int, str]] = {}
        self._warned: set[str] = set()

    def read(self, ingest: Ingest) -> Generator[None]:
        """Record what is new, oldest first; yields after each piece, so that others have their turn.

        Raises NotLoggedError where the log takes nothing, EvidenceError where positions cannot be kept.
        """
        seen: dict[tuple[int, int], tuple[int, int, str]] = {}
        try:
            for path in generations(self.log):
                yield from self._read_file(path, ingest, seen)
        except GeneratorExit:  # the process is to end: what was recorded is not to be read again
            self._positions.save()
            raise
        except FileNotFoundError:  # the directory is not there yet
            pass
        except OSError as fault:
            self._warn(self.log.parent, fault)
        self._read = seen
        self._positions.save(frozenset(head for _, _, head in seen.values()))

    def _read_file(
        self, path: Path, ingest: Ingest, seen: dict[tuple[int, int], tuple[int, int, str]]
    ) -> Iterator[None]:
        try:
            if self._is_read(path.stat(), seen):
                return
            with open_log_file(path) as file:
                status = os.fstat(file.fileno())  # not that of the name: it may mean another file by now
                head = head_of(file)
                if not head:
                    return
                for count, piece in enumerate(read_on(file, self._positions.of(head)), 1):
                    ingest.take(piece.lines)
                    self._positions.put(piece.position)
                    if not count % _SAVE_EVERY:
                        self._positions.save()
                    yield
                seen[status.st_dev, status.st_ino] = (status.st_size, status.st_mtime_ns, head)
        except FileNotFoundError:  # renamed meanwhile: the next look finds it under another name
            return
        except UNREADABLE as fault:
            self._warn(path, fault)

    def _is_read(self, status: os.stat_result, seen: dict[tuple[int, int], tuple[int, int, str]]) -> bool:
        """Whether a file is as it was when it was read to its end."""
        key = (status.st_dev, status.st_ino)
        known = self._read.get(key)
        if known is None or known[:2] != (status.st_size, status.st_mtime_ns):
            return False
        seen[key] = known
        return True

    def _warn(self, path: Path, fault: BaseException) -> None:
        if str(path) not in self._warned:
            self._warned.add(str(path))
            LOG.warning("%s cannot be read: %s", path, getattr(fault, "strerror", None) or fault)


class Following:
    """Sources and the log that takes them, one step at a time; `is_ended` says that the process is to end."""

    def __init__(
        self,
        ingest: Ingest,
        files: Sequence[LogFiles],
        sockets: Sequence[SyslogSocket],
        is_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ingest, self._files, self._sockets, self._is_ended = ingest, files, sockets, is_ended
        self._dropped = {socket.name: (0, now_us()) for socket in sockets}
        self._is_held_up = False

    def read_files(self) -> None:
        """Read every file to its end; raises NotLoggedError or EvidenceError."""
        for files in self._files:
            with closing(files.read(self._ingest)) as pieces:
                for _ in pieces:
                    self.read_sockets(0)
                    if self._is_ended():
                        return

    def follow(self) -> None:
        """Read what is new in every file, and wait where the log takes nothing (rule 4); raises EvidenceError."""
        if not self._ingest.can_record:  # what is tried and refused would be counted as lost, again and again
            self._hold_up("the evidence log takes no records")
            return
        try:
            self.read_files()
        except NotLoggedError as fault:
            self._hold_up(fault.what)
        else:
            if self._is_held_up:
                LOG.warning("records are written again")
            self._is_held_up = False

    def _hold_up(self, why: str) -> None:
        if not self._is_held_up:
            LOG.error("%s; files are read on when it can be written again", why)
        self._is_held_up = True

    def read_sockets(self, within_s: float) -> None:
        """Record what has arrived at the sockets."""
        for socket in self._sockets:
            lines = socket.take(within_s)
            try:
                self._ingest.take(lines)
            except NotLoggedError as fault:
                LOG.error("%s; datagrams are lost, and counted", fault.what)
            before, since_us = self._dropped[socket.name]
            if socket.dropped != before:
                self._ingest.dropped((socket.dropped - before) & 0xFFFFFFFF, since_us)
            self._dropped[socket.name] = (socket.dropped, now_us())
