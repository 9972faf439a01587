"""From the segments into the tables, on from where the last filling stopped.

Rule 1: rows, sums and the bookmark behind them are one transaction, so a process killed at any moment has read each
        record once or not at all.
Rule 2: a transaction begins with the bookmark that stands in the file: another process may have filled meanwhile.
Rule 3: an outcome belongs to the newest request of its id that stands before it in the log; its bytes and status are
        entered there. A retraction holds for requests before and behind it, and for their outcomes.
Rule 4: a break at the log's end is not remembered: a writer may be at work there. One before another segment is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TypeVar

import apsw

from optout.evidence.directory import Layout
from optout.evidence.index.facts import OUTCOME, REQUEST, Facts, id_key, parse_facts
from optout.evidence.index.tables import AFTER_FILLING, BLOCK, DAY, DAY_US, FACETS, ask
from optout.evidence.segments import Bookmark, Break, Entry, framed_size, read_entries, read_record
from optout.evidence.tree import leaf_hash

BATCH = 10_000  # records of a transaction; a reader beside it waits for none of them
_MOST_REMEMBERED = 65_536  # ids, profiles and paths in memory; the tables know the others
_PROFILE = ", ".join(FACETS)
_MARKS = ", ".join("?" * len(FACETS))

_Row = list[int | None]
_LEAF, _STATUS, _BYTES, _OUTCOME, _RETRACTED = 0, 6, 7, 8, 9  # places in a row


def read_bookmark(connection: apsw.Connection) -> Bookmark:
    """How far the index has read."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'bookmark'").get
    return Bookmark(*map(int, str(row).split(","))) if row is not None else Bookmark()


class Filler:
    """Fills one index. `unfinished` is the break at the end of the log, if there was one when it was last read."""

    def __init__(self, connection: apsw.Connection, layout: Layout) -> None:
        self.unfinished: Break | None = None
        self._connection, self._layout = connection, layout
        self._profiles: dict[tuple[str, ...], int] = {}
        self._paths: dict[str, int] = {}
        self._requests: dict[str, tuple[int, int, int]] = {}  # id: leaf, day, profile

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
                    self._forget()
                    entries = read_entries(self._layout.segments, start)
                if len(self._requests) > _MOST_REMEMBERED:  # not within a batch, whose own are in no table yet
                    self._requests.clear()
                batch = _Batch(self, start)
                read = batch.take(islice(entries, BATCH))
                if not read:
                    self._settle()
                self._connection.execute("COMMIT")
            except BaseException:
                self._forget()  # numbers of profiles and paths that are rolled back now
                self._roll_back()
                raise
            mine = batch.bookmark
            count += batch.records
            if not read:
                return count
            if told is not None:
                told(mine.leaf_index)

    def _roll_back(self) -> None:
        with suppress(apsw.Error):  # a damaged file ends its transaction by itself
            self._connection.execute("ROLLBACK")

    def _forget(self) -> None:
        for known in (self._profiles, self._paths, self._requests):
            known.clear()
        self.unfinished = None

    def profile(self, facts: Facts) -> int:
        """The number of a profile, a new one if need be."""
        key = facts.profile
        found = self._profiles.get(key)
        if found is None:
            columns = f"INSERT OR IGNORE INTO profiles ({_PROFILE}) VALUES ({_MARKS})"
            self._connection.execute(columns, key)
            found = self._connection.execute(f"SELECT id FROM profiles WHERE ({_PROFILE}) = ({_MARKS})", key).get
            _remember(self._profiles, key, found)
        return found

    def path(self, path: str) -> int:
        """The number of a path, a new one if need be."""
        found = self._paths.get(path)
        if found is None:
            self._connection.execute("INSERT OR IGNORE INTO paths (path) VALUES (?)", (path,))
            found = self._connection.execute("SELECT id FROM paths WHERE path = ?", (path,)).get
            _remember(self._paths, path, found)
        return found

    def remember(self, record_id: str, request: tuple[int, int, int]) -> None:
        """That this request is the newest of its id."""
        self._requests[record_id] = request

    def request(self, record_id: str) -> tuple[int, int, int] | None:
        """Leaf, day and profile of the newest request of this id that stands in the tables or was remembered."""
        known = self._requests.get(record_id)
        return known if known is not None else next(self.requests(record_id), None)

    def requests(self, record_id: str) -> Iterator[tuple[int, int, int]]:
        """Leaf, day and profile of each request of this id in the tables, the newest first."""
        wanted = (id_key(record_id), REQUEST)
        rows = ask(
            self._connection,
            "SELECT leaf, time_us, profile FROM records JOIN profiles ON profiles.id = profile"
            " WHERE id_key = ? AND type = ? ORDER BY leaf DESC",
            wanted,
        )
        for leaf, time_us, profile in list(rows):
            facts = self._facts(leaf)
            if facts is not None and facts.id == record_id:
                yield leaf, time_us // DAY_US, profile

    def _facts(self, leaf: int) -> Facts | None:
        record = fetch(self._connection, self._layout, leaf)
        return parse_facts(record) if isinstance(record, bytes) else None

    def write(self, batch: _Batch) -> None:
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
        for leaf, _, _ in list(self.requests(record_id)):
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

    def retractions(self) -> frozenset[str]:
        """The ids of the requests that were taken back."""
        return frozenset(record_id for (record_id,) in ask(self._connection, "SELECT id FROM retractions"))


_Known = TypeVar("_Known")


def _remember(known: dict[_Known, int], key: _Known, number: int) -> None:
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[key] = number


def _first_of(name: str) -> int:
    """The index of a segment's first record, by which it is named."""
    return int(name.partition(".")[0])


class _Batch:
    """Some records on their way into the tables."""

    def __init__(self, filler: Filler, start: Bookmark) -> None:
        self.bookmark = start
        self.records = 0
        self.last: Entry | None = None
        self.rows: dict[int, _Row] = {}
        self.outcomes: list[tuple[int, int | None, int, int]] = []
        self.segments: dict[int, bytes | None] = {}
        self.breaks: list[tuple[int, int, int, str]] = []
        self.writers: dict[str, int] = {}
        self.blocks: dict[int, tuple[int, int]] = {}
        self.days: dict[tuple[int, int], tuple[int, int, int | None, int | None]] = {}
        self.retracted: list[str] = []
        self._filler = filler
        self._known_retractions = filler.retractions()
        self._segment = start.segment

    def take(self, items: Iterator[Entry | Break]) -> bool:
        """Read some of the log and write it; False if nothing was there."""
        before = self.bookmark
        for item in items:
            if isinstance(item, Break):
                self._break(item)
            else:
                self._entry(item)
        if self.last is not None:
            end = self.last.offset + framed_size([self.last.record])
            self.bookmark = Bookmark(self.last.leaf_index + 1, self._segment, end)
        if self.bookmark == before and not self.breaks:
            return False
        self._filler.write(self)
        return self.bookmark != before

    def _break(self, end: Break) -> None:
        if end.last:
            self._filler.unfinished = end
        else:
            first = _first_of(end.path.name)
            self.breaks.append((end.index, first, end.offset, end.damage.value))
            self.segments.setdefault(first, None)

    def _entry(self, entry: Entry) -> None:
        self.last = entry
        self.records += 1
        leaf, record, path, offset = entry
        if not offset:
            self._segment = _first_of(path.name)
            self.segments[self._segment] = leaf_hash(record)
        facts = parse_facts(record)
        if facts is None:
            return
        time_us, filler = facts.time_us, self._filler
        profile = filler.profile(facts)
        day = time_us // DAY_US
        self.writers[facts.boot] = facts.seq + 1
        self._widen(leaf // BLOCK, time_us)
        place = None if facts.path is None else filler.path(facts.path)
        row: _Row = [leaf, offset, time_us, id_key(facts.id), profile, place, facts.status, facts.size, None, False]
        self.rows[leaf] = row
        if facts.type == REQUEST:
            row[_RETRACTED] = facts.id in self._known_retractions
            filler.remember(facts.id, (leaf, day, profile))
        elif facts.type == OUTCOME and facts.about:
            self._outcome(row, facts)
        elif facts.retracts:
            self.retracted.append(facts.retracts)
        if not row[_RETRACTED]:
            self._add(day, profile, 1, facts.size or 0, time_us)

    def _outcome(self, own: _Row, facts: Facts) -> None:
        """Enter an outcome with its request."""
        request, leaf = self._filler.request(facts.about), own[_LEAF]
        if request is None or leaf is None:
            return
        own[_RETRACTED] = facts.about in self._known_retractions
        row = self.rows.get(request[0])
        if row is None:
            self.outcomes.append((facts.size or 0, facts.status, leaf, request[0]))
        else:
            own[_OUTCOME] = row[_OUTCOME]
            row[_BYTES] = (row[_BYTES] or 0) + (facts.size or 0)
            row[_STATUS] = row[_STATUS] if facts.status is None else facts.status
            row[_OUTCOME] = leaf
        if not own[_RETRACTED]:
            self._add(request[1], request[2], 0, facts.size or 0, None)

    def _widen(self, block: int, time_us: int) -> None:
        first, last = self.blocks.get(block, (time_us, time_us))
        self.blocks[block] = (min(time_us, first), max(time_us, last))

    def _add(self, day: int, profile: int, count: int, size: int, time_us: int | None) -> None:
        known = self.days.get((day, profile))
        if known is None:
            self.days[day, profile] = (count, size, time_us, time_us)
            return
        first, last = known[2], known[3]
        if time_us is not None:
            first = time_us if first is None or time_us < first else first
            last = time_us if last is None or time_us > last else last
        self.days[day, profile] = (known[0] + count, known[1] + size, first, last)


def fetch(connection: apsw.Connection, layout: Layout, leaf: int) -> object:
    """The bytes of one record that the index has; a `Damage` or None where they are not there any more."""
    offset = connection.execute("SELECT offset FROM records WHERE leaf = ?", (leaf,)).get
    first = connection.execute("SELECT max(first) FROM segments WHERE first <= ?", (leaf,)).get
    if offset is None or first is None:
        return None
    with (layout.segments / f"{first:016d}.frames").open("rb") as file:
        return read_record(file, offset)
