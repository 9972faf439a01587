"""The one thread that touches a log's disk (evidence.md parts 3.2 and 5.4).

Rule 1: once the log is open, this thread alone writes, syncs, signs and renames. Whoever records never waits for it.
Rule 2: natural batching: it writes whatever came while the last batch was being synced. A fixed window is never
        better, and waits when nobody else does.
Rule 3: a receipt is given after fdatasync returned for the record's bytes. A batch that failed is refused as a whole
        and counted; it is never written a second time, because nobody knows what the kernel still holds of it.
Rule 4: numbers (`writer.seq`) and the tree move on only with durable records. A number that is missing within one
        boot is therefore a loss or a forgery, never a failed write.
Rule 5: notes go first. The first record of a boot is `log.start`; a gap stands before the records that follow it.
Rule 6: where the records go is the `Place`'s business: the log itself (`ledger`), or a spool that waits for whoever
        holds the log (`spool`). What is said here holds for both.
Rule 7: a full disk releases the ballast for the notes; records are refused until the ballast can be had again. After
        any other fault the next batch is tried, then one a second. None of this needs a restart.
Rule 8: a log ends between two batches, and the next one begins with a start and numbers of its own (`succession`).
Rule 9: a fault of our own stops the log, not the site: whatever waits is refused and nothing more is taken.

It has over 300 lines because its rules hold between its methods, and are read together or not at all.
"""

from __future__ import annotations

import errno
import logging
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol, cast

from optout.errors import EvidenceError
from optout.evidence.ballast import Ballast
from optout.evidence.checkpoint import Checkpoint
from optout.evidence.clock import Clock, clock_fields, new_id
from optout.evidence.files import is_full
from optout.evidence.form import Surroundings
from optout.evidence.inbox import Inbox, Job, SignRequest
from optout.evidence.keys import KeyStore
from optout.evidence.notes import Notes
from optout.evidence.private import Private
from optout.evidence.receipt import Loss, NotLoggedError, Receipt
from optout.evidence.schema import VERSION, Value, conform, encode
from optout.evidence.succession import Ending

LOG = logging.getLogger("optout")

_BATCH_RECORDS = 1024
_RETRY_US = 1_000_000
_TICK_S = 1.0  # how often a writer with something left to do looks at the clock
_STEP_US = 1_000_000  # a wall clock that moved by this much against the monotonic one gets a `log.clock`
_CLOCK_STATE_US = 60_000_000
RESERVE = 256 * 1024
"""Bytes of the budget that only notes may use."""


_SHORT = {
    Loss.BUDGET: "the log has reached its largest size",
    Loss.QUEUE_FULL: "the spools are full: nobody takes them over",
}


class Place(Protocol):
    """Where records become durable, at most `max_bytes` of them; `shortage` is what to call it when that is reached.

    `recorded` are documents known to be in the log.
    """

    used: int
    max_bytes: int
    recorded: set[str]
    shortage: Loss

    @property
    def trouble(self) -> str:
        """What is wrong besides writing; "" if nothing is."""

    @property
    def patience(self) -> float:
        """How long it may be left alone, in seconds."""

    def knows(self, digest: str) -> bool:
        """Whether the log has this document; may look at the disk."""

    def store(self, digest: str, document: bytes) -> None:
        """Keep a document; raises OSError."""

    def discard(self, digest: str) -> None:
        """Forget a document whose record could not be written."""

    def append(
        self, records: Sequence[bytes], privates: Sequence[bytes], documents: Sequence[str], first_seq: int
    ) -> list[Receipt]:
        """Make records durable with their private parts, those of `documents` among them.

        `privates` is empty where no record has any. Raises OSError when none of the records is durable.
        """

    def look(self, mono_us: int, *, now: bool, may_write: bool) -> None:
        """Do what else is due, or all of it `now`; raises OSError when it wrote and could not."""

    def sign(self, wishes: Sequence[Future[Checkpoint]], mono_us: int) -> None:
        """Sign what is wished for, or what is due."""

    def ending(self, mono_us: int) -> Ending | None:
        """The end of this log, if it is time for that; raises OSError and EvidenceError."""

    def close(self) -> None:
        """Close the files."""


class Succession(Protocol):
    """What a `Place` can that gives an `Ending`; that is the log itself."""

    def sign_off(self, ending: Ending) -> dict[str, Value]:
        """Sign all of this log; what the first record of the next one says. Raises as `ending`."""

    def hand_over(self, ending: Ending, start: bytes) -> None:
        """Become the next log; raises OSError while this one still goes on."""


class Writer:
    """The thread over one place. `run` is its body; its public attributes may be read at any time."""

    def __init__(
        self,
        *,
        place: Place,
        inbox: Inbox,
        notes: Notes,
        ballast: Ballast,
        clock: Clock,
        keys: KeyStore,
        writer_id: str,
        boot: str,
        software: str,
    ) -> None:
        self.place = place
        self._software = software
        self._keys = keys
        self._write_trouble = ""
        self._inbox, self._notes, self._ballast, self._clock = inbox, notes, ballast, clock
        self._writer: dict[str, Value] = {"v": VERSION, "writer.id": writer_id, "writer.boot": boot}
        self._seq = 0
        self._refusing: Loss | None = None
        self._failures = 0
        self._retry_us = 0
        self._offset_us = clock.now_us() - clock.mono_us()
        self._clock_fields: dict[str, Value] = {}
        self._surroundings = Surroundings(self._clock_fields, self._writer)
        self._clock_fields_until_us = clock.mono_us()

    @property
    def writable(self) -> bool:
        """Whether records are being written: the last batch was, and the log is open."""
        return not (self._refusing or self._failures or self._inbox.closed)

    @property
    def trouble(self) -> str:
        """What is wrong now, in words; "" if nothing is."""
        is_short = self.place.used + RESERVE >= self.place.max_bytes
        return self._write_trouble or (_SHORT[self.place.shortage] if is_short else "") or self.place.trouble

    def run(self) -> None:
        """Work until the inbox is closed and empty; then write the last notes and the last checkpoint."""
        jobs: list[Job | SignRequest] = []
        try:
            while True:
                jobs = self._inbox.take(_BATCH_RECORDS, self._patience())
                if not jobs and self._inbox.closed:
                    break
                self._turn(jobs)
            self._turn([], last=True)
            self._turn([SignRequest()], last=True)  # over what the first had to tell, too
        except Exception as fault:
            LOG.exception("the evidence log stopped by a fault of its own; nothing more is recorded")
            self._stop(jobs, f"the log stopped by a fault of its own: {type(fault).__name__}: {fault}")
        finally:
            self.place.close()

    def _patience(self) -> float:
        restless = self._refusing or self._notes.pending()
        return min(_TICK_S, self.place.patience) if restless else self.place.patience

    def _turn(self, jobs: Sequence[Job | SignRequest], *, last: bool = False) -> None:
        mono_us = self._clock.mono_us()
        self._watch_clock(mono_us)
        records = [job for job in jobs if isinstance(job, Job)]
        wishes = [job.future for job in jobs if isinstance(job, SignRequest)]
        if self._refusing and (mono_us >= self._retry_us or last):
            self._try_again(mono_us)
        if self._refusing:
            self._refuse(records, self._refusing)
            if last:
                self._commit([], last=True)
        else:
            self._commit(records, last=last)
        self._look(mono_us, now=bool(wishes) or last)
        self.place.sign(wishes, mono_us)
        if not (last or self._refusing or self._failures):
            self._end(mono_us)

    def _end(self, mono_us: int) -> None:
        """Let the next log begin, if it is time; where that fails, this one goes on."""
        try:
            ending = self.place.ending(mono_us)
            if ending is not None:
                self._hand_over(ending, cast("Succession", self.place))
        except EvidenceError as fault:
            self._notes.fault(f"succession {fault.what}", self._clock.now_us())
        except OSError as fault:
            self._failed([], fault)

    def _hand_over(self, ending: Ending, place: Succession) -> None:
        self._commit([], last=True)
        if self._refusing or self._failures:
            return
        self.place.append([self._complete(conform({**ending.last_words(), "type": "log.end"}), self._seq)], [], [], 0)
        self._seq += 1
        start = {**place.sign_off(ending), "software": self._software, "type": "log.start"}
        before = self._writer
        self._writer = {"v": VERSION, "writer.id": ending.successor.name, "writer.boot": str(uuid.uuid4())}
        try:
            place.hand_over(ending, self._complete(conform(start), 0))
        except OSError:
            self._writer = before
            raise
        self._seq = 1
        self._surroundings = Surroundings(self._clock_fields, self._writer)

    def _look(self, mono_us: int, *, now: bool) -> None:
        try:
            self.place.look(mono_us, now=now, may_write=self._refusing is None)
        except OSError as fault:
            self._failed([], fault)

    # Records

    def _commit(self, jobs: Sequence[Job], *, last: bool = False) -> None:
        """Write the notes that are due, then these records; give receipts, or refuse them all (rule 3)."""
        has_room = self.place.used < self.place.max_bytes
        notes = self._notes.due(self._clock.mono_us(), everything=last) if has_room else []
        jobs = self._within_budget(self._without_known(jobs))
        records = [self._complete(each, self._seq + place) for place, each in enumerate(notes)]
        privates = [b""] * len(notes)
        for seq, job in enumerate(jobs, self._seq + len(notes)):
            body = job.body
            record = self._complete(job.fields, seq) if body is None else self._surroundings.around(body, seq)
            record, private = self._sealed(record, job.private) if job.private is not None else (record, b"")
            records.append(record)
            privates.append(private)
        if not records:
            return
        if not any(privates):
            privates = []
        documents = [str(job.fields["snapshot.sha256"]) for job in jobs if job.document is not None]
        try:
            for job in jobs:
                if job.document is not None:
                    self.place.store(str(job.fields["snapshot.sha256"]), job.document)
            receipts = self.place.append(records, privates, documents, self._seq)
        except OSError as fault:
            for digest in documents:
                self.place.discard(digest)
            self._failed(jobs, fault)
            return
        self._seq += len(records)
        self._notes.written(len(notes))
        if self._refusing is None:
            self._failures, self._write_trouble = 0, ""
        for job, receipt in zip(jobs, receipts[len(notes) :], strict=True):
            job.told.set_result(receipt)

    def _complete(self, fields: Mapping[str, Value], seq: int) -> bytes:
        # A record that names the clock of its time says what is known of it; this machine's state is another clock's.
        clock = {} if "clock.src" in fields else self._clock_fields
        full = {**clock, **fields, **self._writer, "writer.seq": seq}
        if "time_us" not in full:
            full["time_us"], full["mono_us"] = self._clock.now_us(), self._clock.mono_us()
        if "id" not in full:
            full["id"] = new_id(self._clock.now_us())
        return encode(full)

    def _sealed(self, record: bytes, private: Private) -> tuple[bytes, bytes]:
        """A record with its pseudonym, and its sealed private part; without either where no key can be had."""
        try:
            return private.seal(record, self._keys.get(private.tenant, private.month, self._clock.mono_us()))
        except OSError as fault:
            self._notes.fault(f"keys {errno.errorcode.get(fault.errno or 0, 'unknown')}", self._clock.now_us())
            return record, b""

    def _without_known(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs without those for documents that are in the log already, or twice in this batch."""
        kept, seen = [], set()
        for job in jobs:
            if job.document is not None:
                digest = str(job.fields["snapshot.sha256"])
                if digest in seen or self.place.knows(digest):
                    continue
                seen.add(digest)
            kept.append(job)
        return kept

    def _within_budget(self, jobs: list[Job]) -> list[Job]:
        room = self.place.max_bytes - self.place.used - RESERVE
        for place, job in enumerate(jobs):
            room -= job.size
            if room < 0:
                self._refuse(jobs[place:], self.place.shortage)
                return jobs[:place]
        return jobs

    # Faults

    def _failed(self, jobs: Sequence[Job], fault: OSError) -> None:
        self._failures += 1
        self._retry_us = self._clock.mono_us() + _RETRY_US
        name = errno.errorcode.get(fault.errno or 0, "unknown")
        self._write_trouble = f"the log cannot be written: {fault.strerror or name}"
        self._notes.fault(f"write {name}", self._clock.now_us())
        if not is_full(fault):
            self._refusing = Loss.DISK_FAULT if self._failures > 1 else None
            self._refuse(jobs, Loss.DISK_FAULT)
            return
        self._refusing = Loss.DISK_FULL
        had_ballast = self._ballast.held
        self._ballast.release()
        self._refuse(jobs, Loss.DISK_FULL)
        if had_ballast:
            self._commit([])

    def _try_again(self, mono_us: int) -> None:
        self._retry_us = mono_us + _RETRY_US
        if self._refusing is Loss.DISK_FULL and not self._ballast.restore():
            self._commit([])
        else:
            self._refusing = None

    def _refuse(self, jobs: Sequence[Job], loss: Loss) -> None:
        for job in jobs:
            self._notes.lost_record(loss, job.fields, self._clock.now_us())
            job.told.set_exception(NotLoggedError(loss, f"the record was not written: {loss}"))

    def _stop(self, jobs: Sequence[Job | SignRequest], why: str) -> None:
        self._write_trouble = why
        self._inbox.close()
        while True:
            for job in jobs:
                if isinstance(job, Job) and not job.told.done():
                    self._refuse([job], Loss.CLOSED)
                elif isinstance(job, SignRequest) and not job.future.done():
                    job.future.set_exception(EvidenceError(why))
            jobs = self._inbox.take(_BATCH_RECORDS, 0)
            if not jobs:
                return

    # Time

    def _watch_clock(self, mono_us: int) -> None:
        if mono_us >= self._clock_fields_until_us:
            self._clock_fields_until_us = mono_us + _CLOCK_STATE_US
            self._clock_fields = clock_fields()
            self._surroundings = Surroundings(self._clock_fields, self._writer)
        offset_us = self._clock.now_us() - mono_us
        if abs(offset_us - self._offset_us) >= _STEP_US:
            self._notes.say("log.clock", {"clock.step_us": offset_us - self._offset_us})
        self._offset_us = offset_us
