"""The queue between whoever records and the one thread that writes: bounded, and nobody ever waits to put."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from optout.evidence.checkpoint import Checkpoint
from optout.evidence.private import Private
from optout.evidence.receipt import Told
from optout.evidence.schema import Value


@dataclass(slots=True, kw_only=True)
class Job:
    """A record on its way to the disk; `document` is a snapshot's bytes, to be stored before it.

    `size` counts the bytes of both; `body` is the record's `Form.body`, where it has one. Not frozen, because there is
    one for each record and freezing costs a microsecond.
    """

    fields: Mapping[str, Value]
    size: int
    told: Told
    document: bytes | None = None
    body: bytes | None = None
    private: Private | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest:
    """A wish for a checkpoint over everything recorded so far."""

    future: Future[Checkpoint] = field(default_factory=Future)


class Inbox:
    """At most `records` jobs and `size` bytes. `put` takes a lock for a moment and never waits for room."""

    def __init__(self, *, records: int, size: int) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Job | SignRequest] = deque()
        self._bytes = 0
        self._most_records = records
        self._most_bytes = size
        self._nudged = False
        self._is_held = False
        self.closed = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Wake the taker once, at the end, for all that is put meanwhile.

        Woken for the first, he would fight with whoever puts the next one for the interpreter.
        """
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            with self._changed:
                self._changed.notify()

    def put(self, job: Job | SignRequest) -> bool:
        """Whether there was room."""
        size = _size(job)
        with self._changed:
            full = len(self._jobs) >= self._most_records or self._bytes + size > self._most_bytes
            if self.closed or full:
                return False
            self._jobs.append(job)
            self._bytes += size
            if not self._is_held:
                self._changed.notify()
            return True

    def take(self, most: int, timeout: float | None) -> list[Job | SignRequest]:
        """Up to `most` jobs, all that wait; an empty list after `timeout` seconds, a nudge, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self.closed or self._nudged, timeout)
            self._nudged = False
            taken = [self._jobs.popleft() for _ in range(min(most, len(self._jobs)))]
            self._bytes -= sum(map(_size, taken))
            return taken

    def nudge(self) -> None:
        """Wake the taker, although nothing was put."""
        with self._changed:
            self._nudged = True
            self._changed.notify()

    def close(self) -> None:
        """Refuse what comes from now on."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._jobs)


def _size(job: Job | SignRequest) -> int:
    return job.size if isinstance(job, Job) else 0
