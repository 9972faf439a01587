"""What a door holds of a log, in whichever process: give it a record, get a future for its receipt.

Rule 1: `append`, `snapshot`, `lost` and `gap` return at once, whatever the disk does. They take a lock for the length
        of a queue operation and never wait for room, for a file or for another thread's I/O.
Rule 2: every record given to `append` ends as a leaf or as one in the count of a `log.gap`, and its future says which.
        A caller that gives up waiting changes nothing about it.
Rule 3: nothing that a stranger sent makes a call raise.
Rule 4: nothing private is written in clear: `private` fields are sealed beside the record (`private`).
"""

from __future__ import annotations

import hashlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

from optout.errors import EvidenceError
from optout.evidence.budget import FloodRule
from optout.evidence.clock import Clock, new_id
from optout.evidence.form import Filled, size_of
from optout.evidence.inbox import Inbox, Job, SignRequest
from optout.evidence.notes import Notes
from optout.evidence.private import Private, prepare
from optout.evidence.receipt import Loss, NotLoggedError, Receipt, Told
from optout.evidence.schema import Value, conform, conform_sized
from optout.evidence.writer import Writer

_CLOSE_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHealth:
    """How the log is doing. Times in µs since 1970 UTC, sizes in bytes; `trouble` is "" when all is well.

    `size` counts the records of the log, or, of a spool, those that went into it. `spooled_bytes` wait in the spools
    of all writers. `used_bytes` may become `max_bytes`.
    """

    writable: bool
    trouble: str
    size: int
    queue_depth: int
    checkpoint_size: int
    checkpoint_us: int
    notes_pending: int
    used_bytes: int
    max_bytes: int
    spooled_bytes: int = 0


class Recorder(ABC):
    """The right to record: `EvidenceLog` in the process that holds the log, `SpooledLog` in any other."""

    def __init__(self, *, writer: Writer, inbox: Inbox, notes: Notes, clock: Clock, flood: FloodRule) -> None:
        self._writer, self._inbox, self._notes = writer, inbox, notes
        self._clock, self._flood = clock, flood
        self._process = os.getpid()
        self._thread = threading.Thread(target=writer.run, name="optout-evidence", daemon=True)
        self._thread.start()

    @property
    @abstractmethod
    def health(self) -> LogHealth:
        """How the log is doing now."""

    def append(
        self,
        public: Mapping[str, str | int | bool | Sequence[str]],
        private: Mapping[str, object] | None = None,
        *,
        flood_key: str = "",
    ) -> Future[Receipt]:
        """A future for the record's receipt; it cannot be cancelled, and cancelling a wait for it loses nothing.

        The future fails with NotLoggedError, whose `loss` says why; the log has then counted the record under its
        `crawl.product` and `decision.action`. The writer adds `v`, `writer.*`, `clock.*`, and where they are missing
        `id`, `time_us` and `mono_us`. Records that share a `flood_key` are limited in number per minute. `private`
        fields are sealed under keys of the record's `tenant` and month, and the record commits to them.
        """
        future: Future[Receipt] = Future()
        future.set_running_or_notify_cancel()  # from here on nobody can cancel it (rule 2)
        self.record(public, private, flood_key=flood_key, told=future)
        return future

    def record(
        self,
        public: Mapping[str, str | int | bool | Sequence[str]],
        private: Mapping[str, object] | None = None,
        *,
        flood_key: str = "",
        told: Told,
    ) -> None:
        """As `append`, for who can be told at less cost than a future's: at once, or in the writer's thread."""
        try:
            job = self._job(public, private, told)
        except EvidenceError as fault:
            self._refuse(told, public, Loss.CONTENT, fault.what)
            return
        if self._flood.admits(flood_key, self._clock.mono_us()):
            self._put(job)
        else:
            self._refuse(told, job.fields, Loss.FLOOD)

    def together(self) -> AbstractContextManager[None]:
        """For many records at once: the writer's thread is woken for all of them together, at the end."""
        return self._inbox.together()

    def _job(self, public: Mapping[str, object], private: Mapping[str, object] | None, told: Told) -> Job:
        sealed = None
        if private:
            sealed = self._prepared(public, private)
            more: dict[str, Value] = {"id": sealed.record_id, **sealed.public_fields()}
            public = public.and_also(more) if isinstance(public, Filled) else {**public, **more}
        room = len(sealed.body) if sealed is not None else 0
        if isinstance(public, Filled):
            body = public.body()
            if body is not None:
                return Job(fields=public, size=size_of(body) + room, told=told, body=body, private=sealed)
        fields, size = conform_sized(public)
        if "time_us" not in fields:
            fields["time_us"], fields["mono_us"] = self._clock.now_us(), self._clock.mono_us()
        return Job(fields=fields, size=size + room, told=told, private=sealed)

    def _prepared(self, public: Mapping[str, object], private: Mapping[str, object]) -> Private:
        time_us = public.get("time_us")
        when = time_us if isinstance(time_us, int) else self._clock.now_us()
        record_id = str(public.get("id") or new_id(when))
        return prepare(private, record_id=record_id, tenant=str(public.get("tenant", "")), time_us=when)

    def snapshot(self, kind: str, data: bytes, **facts: str | int | bool) -> str:
        """The SHA-256 (hex) of a document, which the log keeps: a file of that name, and one `policy.snapshot` record.

        A document that the log has is not written again. `kind` says what it is (`robots.txt`), `facts` are further
        fields of the record, such as `**{"server.address": "example.org"}`. The file is durable before the record,
        and both before any record that is appended after this call.
        """
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._writer.place.recorded:
            fields: dict[str, object] = {
                **facts,
                "type": "policy.snapshot",
                "snapshot.kind": kind,
                "snapshot.sha256": digest,
                "snapshot.size": len(data),
                "time_us": self._clock.now_us(),
                "mono_us": self._clock.mono_us(),
            }
            conformed, size = conform_sized(fields)
            self._put(Job(fields=conformed, size=size + len(data), told=Future(), document=data))
        return digest

    def lost(self, reason: str, *, crawler: str, action: str) -> None:
        """Count a record that never reached `append`; a `log.gap` tells it as soon as the log can be written.

        Do not call it for a record whose future failed: that one is counted.
        """
        self._notes.lost(reason, crawler=crawler, action=action, time_us=self._clock.now_us())
        self._inbox.nudge()

    def gap(self, reason: str, from_us: int, to_us: int, **facts: str | int | bool) -> None:
        """Say that nothing was recorded from one time to another (µs since 1970 UTC), as while Optout was off."""
        self._notes.say("log.gap", conform({**facts, "reason": reason, "from_us": from_us, "to_us": to_us}))
        self._inbox.nudge()

    def close(self) -> None:
        """Write what is queued and let go. Safe to call twice.

        Raises EvidenceError if the disk does not answer within ten seconds; what was locked then stays locked until
        the process ends.
        """
        if os.getpid() != self._process:
            self._let_go()  # the parent has its locks still; a child's copies of them would outlive the parent
            return
        self._inbox.close()
        self._thread.join(_CLOSE_WITHIN_S)
        if self._thread.is_alive():
            raise EvidenceError("the disk of the evidence log does not answer", "records still queued may be lost")
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _let_go(self) -> None:
        """Let the locks go; the writer's thread has ended, or is the parent's."""

    def _put(self, job: Job) -> None:
        if not self._put_job(job):
            self._refuse(job.told, job.fields, Loss.CLOSED if self._inbox.closed else Loss.QUEUE_FULL)

    def _put_job(self, job: Job | SignRequest) -> bool:
        # A forked child has the queue but not the thread that empties it.
        return os.getpid() == self._process and self._inbox.put(job)

    def _refuse(self, told: Told, fields: Mapping[str, object], loss: Loss, what: str = "") -> None:
        self._notes.lost_record(loss, fields, self._clock.now_us())
        self._inbox.nudge()
        told.set_exception(NotLoggedError(loss, what or f"the record was not written: {loss}"))
