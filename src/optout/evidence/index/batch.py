"""Some thousand records on their way into the tables: their rows, and what they add to sums and spans.

An outcome belongs to the newest request of its id that stands before it in the log; its bytes and status are entered
there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from optout.evidence.index.facts import OUTCOME, REQUEST, Facts, id_key, parse_facts
from optout.evidence.index.known import Known
from optout.evidence.index.tables import BLOCK, DAY_US
from optout.evidence.schema import parse_record
from optout.evidence.segments import Bookmark, Break, Entry
from optout.evidence.tree import leaf_hash
from optout.evidence.waiting import places_carried

_START = "log.start"
_Row = list[int | None]
_LEAF, _STATUS, _BYTES, _OUTCOME, _RETRACTED = 0, 6, 7, 8, 9  # places in a row


class Batch:
    """Some records on their way into the tables."""

    def __init__(self, known: Known, start: Bookmark) -> None:
        self.bookmark = start
        self.records = 0
        self.unfinished: Break | None = None
        self.last: Entry | None = None
        self.rows: dict[int, _Row] = {}
        self.outcomes: list[tuple[int, int | None, int, int]] = []
        self.segments: dict[int, bytes | None] = {}
        self.breaks: list[tuple[int, int, int, str]] = []
        self.writers: dict[str, int] = {}
        self.blocks: dict[int, tuple[int, int]] = {}
        self.days: dict[tuple[int, int], list[Any]] = {}  # count, bytes, first and last µs
        self.retracted: list[str] = []
        self._known = known
        self._retractions = known.retractions()
        self._segment = start.segment
        self._block, self._first_us, self._last_us = -1, 0, 0  # the last of `blocks`

    @property
    def has_something(self) -> bool:
        """Whether there is anything to write."""
        return self.last is not None or bool(self.breaks)

    def take(self, items: Iterable[Entry | Break]) -> None:
        """Read some of the log."""
        for item in items:
            if isinstance(item, Break):
                self._break(item)
            else:
                self._entry(item)
        if self.last is not None:
            end = self.last.end
            self.bookmark = Bookmark(self.last.leaf_index + 1, self._segment, end)

    def _break(self, end: Break) -> None:
        if end.last:
            self.unfinished = end
        else:
            first = _first_of(end.path.name)
            self.breaks.append((end.index, first, end.offset, end.damage.value))
            self.segments.setdefault(first, None)

    def _entry(self, entry: Entry) -> None:
        self.last = entry
        self.records += 1
        leaf, record, path, offset, _ = entry
        if not offset:
            self._segment = _first_of(path.name)
            self.segments[self._segment] = leaf_hash(record)
        facts = parse_facts(record)
        if facts is None:
            return
        time_us, known = facts.time_us, self._known
        profile = known.profile(facts)
        day = time_us // DAY_US
        self.writers[facts.boot] = facts.seq + 1
        if not leaf and facts.type == _START:
            self.writers.update(places_carried(parse_record(record) or {}))
        if leaf // BLOCK != self._block or not self._first_us <= time_us <= self._last_us:
            self._widen(leaf // BLOCK, time_us)
        place = None if facts.path is None else known.path(facts.path)
        row: _Row = [leaf, offset, time_us, id_key(facts.id), profile, place, facts.status, facts.size, None, False]
        self.rows[leaf] = row
        if facts.type == REQUEST:
            row[_RETRACTED] = facts.id in self._retractions
            known.remember(facts.id, (leaf, day, profile))
        elif facts.type == OUTCOME and facts.about:
            self._outcome(row, facts)
        elif facts.retracts:
            self.retracted.append(facts.retracts)
        if not row[_RETRACTED]:
            self._add(day, profile, 1, facts.size or 0, time_us)

    def _outcome(self, own: _Row, facts: Facts) -> None:
        """Enter an outcome with its request."""
        request, leaf = self._known.request(facts.about), own[_LEAF]
        if request is None or leaf is None:
            return
        own[_RETRACTED] = facts.about in self._retractions
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
        self._block, self._first_us, self._last_us = block, min(time_us, first), max(time_us, last)
        self.blocks[block] = (self._first_us, self._last_us)

    def _add(self, day: int, profile: int, count: int, size: int, time_us: int | None) -> None:
        known = self.days.get((day, profile))
        if known is None:
            self.days[day, profile] = [count, size, time_us, time_us]
            return
        known[0] += count
        known[1] += size
        if time_us is not None:
            if known[2] is None or time_us < known[2]:
                known[2] = time_us
            if known[3] is None or time_us > known[3]:
                known[3] = time_us


def _first_of(name: str) -> int:
    """The index of a segment's first record, by which it is named."""
    return int(name.partition(".")[0])
