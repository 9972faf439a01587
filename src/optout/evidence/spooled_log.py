"""The log in a process that does not hold its directory: a worker, a second door, a command beside a running service.

It records into a spool of its own. A receipt means what it means everywhere, that the record is on disk; its place in
the tree comes when whoever holds the log takes it over, in a moment, or when somebody holds it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.ballast import Ballast
from optout.evidence.budget import Budget, FloodRule, size_limit
from optout.evidence.checkpoint import NoteFault, VerifierKey, open_checkpoint
from optout.evidence.clock import Clock, SystemClock
from optout.evidence.directory import Layout
from optout.evidence.inbox import Inbox
from optout.evidence.keys import KeyStore
from optout.evidence.log import EvidenceLog
from optout.evidence.notes import Notes
from optout.evidence.recorder import LogHealth, Recorder
from optout.evidence.schema import conform
from optout.evidence.signing import load_verifier_key
from optout.evidence.spool import BALLAST, Spool
from optout.evidence.stand_in import StandIn
from optout.evidence.writer import Writer

_SHARE = 8
"""Spools together may take an eighth of what the log may, and each has an eighth of its reserve."""


class SpooledLog(Recorder):
    """A log that another process holds, as this one records into it."""

    def __init__(
        self, *, spool: Spool, writer: Writer, inbox: Inbox, notes: Notes, clock: Clock, flood: FloodRule
    ) -> None:
        self._spool = spool
        self._stand_in: StandIn | None = None
        super().__init__(writer=writer, inbox=inbox, notes=notes, clock=clock, flood=flood)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        software: str,
        budget: Budget = Budget(),  # noqa: B008  a frozen value
        clock: Clock = SystemClock(),  # noqa: B008  without state
    ) -> SpooledLog:
        """A spool in the log in `directory`; `software` names and versions the program that writes.

        Raises EvidenceError if there is no log, if its files do not belong together, or if nothing can be written.
        """
        layout = Layout(directory)
        key = load_verifier_key(layout.vkey)
        boot = str(uuid.uuid4())
        notes, inbox = Notes(), Inbox(records=budget.queue_records, size=budget.queue_bytes)
        try:
            _say_start(notes, software, key, layout)
            log_bytes = size_limit(budget, layout.root)
            spool = Spool(layout, boot, max_bytes=log_bytes // _SHARE, log_bytes=log_bytes)
            ballast = Ballast(spool.path / BALLAST, budget.ballast_bytes // _SHARE)
            ballast.restore()
        except OSError as fault:
            raise EvidenceError(f"cannot write a spool in {layout.spools}: {fault}") from fault
        writer = Writer(
            place=spool,
            inbox=inbox,
            notes=notes,
            ballast=ballast,
            clock=clock,
            keys=KeyStore(layout.keys),
            writer_id=key.name,
            boot=boot,
            software=software,
        )
        flood = FloodRule(budget.flood_records)
        return cls(spool=spool, writer=writer, inbox=inbox, notes=notes, clock=clock, flood=flood)

    def stand_in(self, open_log: Callable[[], EvidenceLog]) -> None:
        """Hold the log beside the spool as soon as nobody else does, until `close`."""
        self._stand_in = StandIn(open_log)

    @property
    def health(self) -> LogHealth:
        """How the spool is doing now, and which checkpoint was last seen."""
        spool = self._spool
        return LogHealth(
            writable=self._writer.writable,
            trouble=self._writer.trouble,
            size=spool.size,
            queue_depth=len(self._inbox),
            checkpoint_size=spool.checkpoint_size,
            checkpoint_us=spool.checkpoint_us,
            notes_pending=self._notes.pending(),
            used_bytes=spool.used,
            max_bytes=spool.max_bytes,
            spooled_bytes=spool.used,
        )

    def _let_go(self) -> None:
        self._spool.let_go()
        if self._stand_in is not None:
            self._stand_in.close()


def _say_start(notes: Notes, software: str, key: VerifierKey, layout: Layout) -> None:
    note = layout.checkpoint.read_bytes()
    before = open_checkpoint(note, key)
    if isinstance(before, NoteFault):
        raise EvidenceError(f"{layout.checkpoint}: {before.text}", "restore it from its backup")
    start = {
        "software": software,
        "log.origin": key.name,
        "log.vkey": str(key),
        "log.previous.checkpoint": note.decode(),
        "log.spooled": True,
    }
    notes.say("log.start", conform(start))
