"""The log in the process that holds its directory: it writes, signs, and takes over what others left in spools."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.ballast import Ballast
from optout.evidence.budget import Budget, FloodRule, size_limit
from optout.evidence.checkpoint import Checkpoint
from optout.evidence.clock import Clock, SystemClock
from optout.evidence.directory import DirectoryLock, Layout, fill_directory, lock_directory
from optout.evidence.inbox import Inbox, SignRequest
from optout.evidence.keys import KeyStore
from optout.evidence.ledger import Ledger
from optout.evidence.notes import Notes
from optout.evidence.receipt import Loss, NotLoggedError, Receipt
from optout.evidence.recorder import LogHealth, Recorder
from optout.evidence.recovery import Recovered, recover, resume_segments
from optout.evidence.schema import conform
from optout.evidence.sequencer import Sequencer
from optout.evidence.signing import Notary, load_signer
from optout.evidence.succession import finish
from optout.evidence.writer import Writer

__all__ = ["Budget", "EvidenceLog", "LogHealth", "Loss", "NotLoggedError", "Receipt"]

_CLOCK_TOLERANCE_US = 60_000_000  # what NTP may set back over a restart; beyond it the clock is not to be believed


class EvidenceLog(Recorder):
    """An open log in a directory. This process holds it; others may write spools beside it (`SpooledLog`)."""

    def __init__(
        self,
        *,
        lock: DirectoryLock,
        ledger: Ledger,
        writer: Writer,
        inbox: Inbox,
        notes: Notes,
        clock: Clock,
        flood: FloodRule,
    ) -> None:
        self._lock, self._ledger = lock, ledger
        super().__init__(writer=writer, inbox=inbox, notes=notes, clock=clock, flood=flood)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        software: str,
        budget: Budget = Budget(),  # noqa: B008  a frozen value
        clock: Clock = SystemClock(),  # noqa: B008  without state
    ) -> EvidenceLog:
        """The log in `directory`, made if that is new or empty; `software` names and versions the program that writes.

        Reads every record back and compares it with the last signed state: seconds for a million records. Raises
        HeldError if another process holds the log, and EvidenceError if key, state or signed records are damaged or
        do not belong together; if the clock is more than a minute behind the last checkpoint; if the directory cannot
        be used.
        """
        layout = Layout(directory)
        lock = lock_directory(layout)
        try:
            return cls._open_locked(lock, layout, software, budget, clock)
        except OSError as fault:
            lock.release()
            raise EvidenceError(f"cannot open the evidence log in {directory}: {fault}") from fault
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open_locked(
        cls, lock: DirectoryLock, layout: Layout, software: str, budget: Budget, clock: Clock
    ) -> EvidenceLog:
        finish(layout)
        if not layout.vkey.exists():
            fill_directory(layout, now_us=clock.now_us())
        signer = load_signer(layout.key, layout.vkey)
        notary = Notary(signer, state_file=layout.state, checkpoint_file=layout.checkpoint)
        with suppress(OSError):  # a full disk must not keep the log from opening
            notary.publish()
        _check_clock(notary, clock)
        recovered = recover(layout, notary.checkpoint)
        ballast = Ballast(layout.ballast, budget.ballast_bytes)
        ballast.restore()
        notes, inbox = Notes(), Inbox(records=budget.queue_records, size=budget.queue_bytes)
        _say_start(notes, software, notary, recovered)
        ledger = Ledger(
            layout=layout,
            segments=resume_segments(layout, recovered, budget.segment_bytes),
            tree=recovered.tree,
            notary=notary,
            sequencer=Sequencer(layout, recovered.taken, notes, clock),
            notes=notes,
            clock=clock,
            recorded=recovered.recorded,
            used=recovered.used,
            max_bytes=size_limit(budget, layout.root),
            checkpoint_every_s=budget.checkpoint_every_s,
            segment_bytes=budget.segment_bytes,
        )
        writer = Writer(
            place=ledger,
            inbox=inbox,
            notes=notes,
            ballast=ballast,
            clock=clock,
            keys=KeyStore(layout.keys),
            writer_id=signer.name,
            boot=str(uuid.uuid4()),
            software=software,
        )
        flood = FloodRule(budget.flood_records)
        return cls(lock=lock, ledger=ledger, writer=writer, inbox=inbox, notes=notes, clock=clock, flood=flood)

    def sign(self) -> Future[Checkpoint]:
        """A future for a checkpoint over everything that was appended before this call."""
        request = SignRequest()
        request.future.set_running_or_notify_cancel()
        if not self._put_job(request):
            request.future.set_exception(EvidenceError("the evidence log is closed or its queue is full"))
        return request.future

    @property
    def health(self) -> LogHealth:
        """How the log is doing now."""
        ledger = self._ledger
        return LogHealth(
            writable=self._writer.writable,
            trouble=self._writer.trouble,
            size=ledger.size,
            queue_depth=len(self._inbox),
            checkpoint_size=ledger.notary.checkpoint.size,
            checkpoint_us=ledger.notary.state.time_us,
            notes_pending=self._notes.pending(),
            used_bytes=ledger.used,
            max_bytes=ledger.max_bytes,
            spooled_bytes=ledger.spooled,
        )

    def _let_go(self) -> None:
        self._lock.release()


def _check_clock(notary: Notary, clock: Clock) -> None:
    behind_us = notary.state.time_us - clock.now_us()
    if behind_us > _CLOCK_TOLERANCE_US:
        raise EvidenceError(
            f"the clock is {behind_us // 1_000_000} s behind the log's last checkpoint", "set the clock, then start"
        )


def _say_start(notes: Notes, software: str, notary: Notary, recovered: Recovered) -> None:
    start = {
        "software": software,
        "log.origin": notary.signer.name,
        "log.vkey": str(notary.signer.verifier),
        "log.previous.checkpoint": notary.state.note.decode(),
        "log.size": recovered.tree.size,
    }
    notes.say("log.start", conform(start))
    if recovered.cut:
        notes.say("log.fault", conform({"reason": "torn tail", "fault.detail": recovered.cut}))
    if recovered.bad_tiles:
        detail = f"{recovered.bad_tiles} did not hold the hashes of their records and were made anew"
        notes.say("log.fault", conform({"reason": "tiles", "fault.detail": detail}))
