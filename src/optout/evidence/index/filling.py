"""From the segments into the tables, on from where the last filling stopped.

Rule 1: rows, sums and the bookmark behind them are one transaction, so a process killed at any moment has read each
        record once or not at all.
Rule 2: a transaction begins with the bookmark that stands in the file: another process may have filled meanwhile.
Rule 3: a retraction holds for requests before and behind it, and for their outcomes.
Rule 4: a break at the log's end is not remembered: a writer may be at work there. One before another segment is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

import apsw

from optout.evidence.directory import Layout
from optout.evidence.index.batch import Batch
from optout.evidence.index.known import Known
from optout.evidence.index.tables import AFTER_FILLING, DAY, DAY_US, ask
from optout.evidence.segments import Bookmark, Break, Entry, read_entries
from optout.evidence.tree import leaf_hash

BATCH = 10_000  # records of a transaction; a reader beside it waits for none of them


def read_bookmark(connection: apsw.Connection) -> Bookmark:
    """How far the index has read."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'bookmark'").get
    return Bookmark(*map(int, str(row).split(","))) if row is not None else Bookmark()


class Filler:
    """Fills one index. `unfinished` is the break at the end of the log, if there was one when it was last read."""

    def __init__(self, connection: apsw.Connection, layout: Layout) -> None:
        self.unfinished: Break | None = None
        self._connection, self._layout = connection, layout
        self._known = Known(connection, layout)

    def catch_up(self, told: Callable[[int], None] | None = None) -> int:
        """Read all that is new and return how many records that were; `told` hears after each batch.

        Raises OSError where the log, and apsw.Error where the index cannot be read or written.
        """
        count = 0
        entries: Iterator[Entry | Break] = iter(())
        mine: Bookmark | None = None
        while True:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                start = read_bookmark(self._connection)
                if start != mine:
                    self._known.forget()
                    self.unfinished = None
                    entries = read_entries(self._layout.segments, start)
                self._known.trim()
                batch = Batch(self._known, start)
                batch.take(islice(entries, BATCH))
                if batch.has_something:
                    self._write(batch)
                self.unfinished = batch.unfinished or self.unfinished
                read = batch.bookmark != start
                if not read:
                    self._settle()
                self._connection.execute("COMMIT")
            except BaseException:
                self._known.forget()  # numbers of profiles and paths that are rolled back now
                self._roll_back()
                raise
            mine = batch.bookmark
            count += batch.records
            if not read:
                return count
            if told is not None:
                told(mine.leaf_index)

    def retract(self, ids: Iterable[str]) -> None:
        """Take back requests that another log retracts; those known already are skipped. Raises as `catch_up`."""
        new = sorted(set(ids) - self._known.retractions())
        if not new:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for record_id in new:
                self._retract(record_id)
            self._settle()
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    @property
    def retractions(self) -> frozenset[str]:
        """The ids of the requests that were taken back."""
        return self._known.retractions()

    def _roll_back(self) -> None:
        with suppress(apsw.Error):  # a damaged file ends its transaction by itself
            self._connection.execute("ROLLBACK")

    def _write(self, batch: Batch) -> None:
        """Enter a batch."""
        run = self._connection
        run.executemany("INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?,?)", batch.rows.values())
        for size, status, leaf, request in batch.outcomes:
            run.execute(
                "UPDATE records SET outcome = (SELECT outcome FROM records WHERE leaf = ?) WHERE leaf = ?",
                (request, leaf),
            )
            run.execute(
                "UPDATE records SET bytes = ifnull(bytes, 0) + ?, status = ifnull(?, status), outcome = ?"
                " WHERE leaf = ?",
                (size, status, leaf, request),
            )
        run.executemany(
            "INSERT INTO segments VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET leaf_hash = ifnull(excluded.leaf_hash, leaf_hash)",
            batch.segments.items(),
        )
        run.executemany("INSERT OR REPLACE INTO breaks VALUES (?, ?, ?, ?)", batch.breaks)
        run.executemany("INSERT OR REPLACE INTO writers VALUES (?, ?)", batch.writers.items())
        run.executemany(
            "INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)",
            ((block, *span) for block, span in batch.blocks.items()),
        )
        run.executemany(
            "INSERT INTO days VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " count = count + excluded.count, bytes = bytes + excluded.bytes,"
            " first_us = min(ifnull(first_us, excluded.first_us), ifnull(excluded.first_us, first_us)),"
            " last_us = max(ifnull(last_us, excluded.last_us), ifnull(excluded.last_us, last_us))",
            ((*key, *sums) for key, sums in batch.days.items()),
        )
        for record_id in batch.retracted:
            self._retract(record_id)
        meta = [("bookmark", ",".join(map(str, batch.bookmark)))]
        if batch.last is not None:
            meta.append(("last", f"{batch.last.leaf_index},{batch.last.offset},{leaf_hash(batch.last.record).hex()}"))
        run.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta)

    def _retract(self, record_id: str) -> None:
        run = self._connection
        run.execute("INSERT OR IGNORE INTO retractions VALUES (?)", (record_id,))
        for leaf, _, _ in list(self._known.requests(record_id)):
            each: int | None = leaf
            while each is not None:  # the request, its newest outcome, and so on to its first
                run.execute("UPDATE records SET retracted = 1 WHERE leaf = ?", (each,))
                stale = f"INSERT OR IGNORE INTO stale_days SELECT {DAY}, profile FROM records WHERE leaf = ?"
                run.execute(stale, (each,))
                ((before,),) = ask(run, "SELECT outcome FROM records WHERE leaf = ?", (each,))
                each = before if each == leaf or (before or 0) < each else None

    def _settle(self) -> None:
        """What is due when the end of the log is reached: indexes, and sums out of which something was taken."""
        run = self._connection
        has_indexes = run.execute("SELECT 1 FROM sqlite_schema WHERE name = 'by_path'").get
        if not has_indexes and run.execute("SELECT 1 FROM records LIMIT 1").get:
            run.execute(AFTER_FILLING)
        for day, profile in list(ask(run, "SELECT day, profile FROM stale_days")):
            sums, *_ = ask(
                run,
                "SELECT count(*), ifnull(sum(bytes), 0), min(time_us), max(time_us) FROM records"
                " WHERE profile = ? AND NOT retracted AND time_us >= ? AND time_us < ?",
                (profile, day * DAY_US, (day + 1) * DAY_US),
            )
            run.execute("INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?)", (day, profile, *sums))
        run.execute("DELETE FROM stale_days")
