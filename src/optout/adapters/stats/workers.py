"""The numbers of workers, brought together in the process that supervises them.

Each worker sends its numbers as a line of JSON, every second for as long as its door is open, over a connection of its
own, and once more if it ends before the door has closed.
Nobody asks a worker anything, so a worker that hangs holds nobody up; its last numbers stand. What a worker counted
stays counted when it ends, because a counter that falls would look to Prometheus like a new start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from optout.adapters.stats import DeclarationStats, Stats, decode_stats, encode_stats, merged
from optout.adapters.stats.reading import stats as stats_of_this_process

LONGEST_LINE = 1 << 20
"""For `asyncio.open_connection(limit=...)` in the supervisor; a hundred times what a worker sends."""

_EVERY_S = 1.0


async def tell(writer: asyncio.StreamWriter, *, every_s: float = _EVERY_S) -> None:
    """In a worker: send the numbers of this process until cancelled, or until the supervisor is gone."""
    try:
        while True:
            _send(writer)
            await writer.drain()
            await asyncio.sleep(every_s)
    except OSError:
        return
    finally:
        with suppress(OSError):
            _send(writer)
        writer.close()


def _send(writer: asyncio.StreamWriter) -> None:
    stats = merged(stats_of_this_process())
    if stats is not None:
        writer.write(encode_stats(stats) + b"\n")


class WorkerStats:
    """In the supervisor: what its workers last told. `own` gives its own numbers, such as those of the log it holds."""

    def __init__(self, own: Callable[[], Stats | None] = lambda: None) -> None:
        self._own = own
        self._latest: dict[object, Stats] = {}
        self._ended: Stats | None = None  # the counts of all workers that have ended

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Take what one worker sends until it ends. Lines that are no numbers are passed over."""
        worker = object()
        try:
            while line := await reader.readline():
                stats = decode_stats(line)
                if stats is not None:
                    self._latest[worker] = stats
        except (OSError, ValueError):  # it broke off, or a line is longer than `LONGEST_LINE`
            pass
        finally:
            self._end(worker)

    def _end(self, worker: object) -> None:
        stats = self._latest.pop(worker, None)
        if stats is not None:
            self._ended = _together(self._ended, _counts(stats))

    def read(self) -> Stats | None:
        """All as one; None before the first worker serves."""
        if not self._latest and self._ended is None:
            return None
        return _together(self._own(), self._ended, *self._latest.values())


def _together(*several: Stats | None) -> Stats | None:
    return merged([each for each in several if each is not None])


def _counts(stats: Stats) -> Stats:
    """Of a door that has closed, what stays: its counts."""
    return replace(
        stats,
        doors=0,
        log=None,
        off_since_us=0,
        policies={},
        policy_problems=0,
        declarations=DeclarationStats(),
        registry_date="",
    )
