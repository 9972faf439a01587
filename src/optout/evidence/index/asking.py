"""Records that fit a question, in the order of the log or against it, without looking at all of them.

Three ways lead to the same rows; the counts that the index has anyway say which is shortest:

    scan      where many fit: along the log, as far as somebody reads
    merge     where few fit: along the rows of each profile, or of each path, merged by their place in the log
    gather    where many profiles or paths fit and each has few rows: all of those, sorted
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO, NamedTuple

import apsw

from optout.evidence.directory import Layout
from optout.evidence.frames import Damage, Framed
from optout.evidence.index.facts import id_key, parse_facts
from optout.evidence.index.opening import Index
from optout.evidence.index.question import PathPattern, Question
from optout.evidence.index.tables import BLOCK, ask
from optout.evidence.packed import open_segment
from optout.evidence.segments import Bookmark, Break, Entry, list_segments, read_entries, read_record, segment_path

_MOST_MERGED = 1024  # statements open at once
_FEW = 0.05  # of all: below this share a way beside the log is shorter than the log
_COLUMNS = "leaf, offset, time_us, status, bytes, outcome, retracted"
_END = 1 << 62


class Row(NamedTuple):
    """What the index has of one record; `size` are bytes of content sent.

    `outcome` is the leaf of a request's newest outcome; of an outcome, that of the one before it.
    """

    leaf: int
    offset: int
    time_us: int
    status: int | None
    size: int | None
    outcome: int | None
    retracted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One record that was found, and what the index has of it."""

    entry: Entry
    row: Row


def find_rows(
    index: Index, question: Question, *, after: int | None = None, newest_first: bool = False
) -> Iterator[Row]:
    """The rows that fit, beyond the record `after` in the direction asked for; raises apsw.Error."""
    profiles = profiles_of(index, question)
    paths = None if question.path is None else paths_of(index, question.path)
    if profiles == () or paths == ():
        return
    low, high = 0, _END
    if after is not None:
        low, high = (0, after) if newest_first else (after + 1, _END)
    stretches = list(stretches_of(index, question))
    for first, end in reversed(stretches) if newest_first else stretches:
        here = _Stretch(index.connection, question, max(first, low), min(end, high), newest_first)
        if here.first < here.end:
            yield from _rows(index, here, profiles, paths)


def find_records(
    index: Index, question: Question, *, after: int | None = None, newest_first: bool = False
) -> Iterator[Found | Break]:
    """The same with the records themselves, and a Break where one of them is not whole any more. Raises OSError."""
    with _Segments(index) as segments:
        for row in find_rows(index, question, after=after, newest_first=newest_first):
            yield segments.read(row)


def find_id(index: Index, record_id: str) -> list[Entry]:
    """The records with this id, in the order of the log; raises OSError."""
    wanted = f"SELECT {_COLUMNS} FROM records WHERE id_key = ? ORDER BY leaf"
    rows = list(ask(index.connection, wanted, (id_key(record_id),)))
    with _Segments(index) as segments:
        found = [segments.read(Row(*row)) for row in rows]
    entries = [one.entry for one in found if isinstance(one, Found)]
    return [entry for entry in entries if (facts := parse_facts(entry.record)) is not None and facts.id == record_id]


def find_leaf(layout: Layout, leaf: int) -> Entry | None:
    """The record at this place of the log, whatever it is, without an index: its segment is named for it."""
    first = max((one.first for one in list_segments(layout.segments) if one.first <= leaf), default=None)
    if first is None:
        return None
    for item in read_entries(layout.segments, Bookmark(first, first)):
        if isinstance(item, Break) or item.leaf_index > leaf:
            return None
        if item.leaf_index == leaf:
            return item
    return None


# What the question means in numbers


def profiles_of(index: Index, question: Question) -> tuple[int, ...] | None:
    """The profiles that fit; None where all do."""
    if not question.is_choosy:
        return None
    rows = index.profiles
    fitting = tuple([number for number, texts in rows.items() if question.fits_profile(texts)])
    return None if not question.facets and len(fitting) == len(rows) else fitting


def paths_of(index: Index, pattern: PathPattern) -> tuple[int, ...]:
    """The paths that fit."""
    fits, prefix = pattern.matcher(), pattern.prefix
    found = []
    rows = ask(index.connection, "SELECT id, path FROM paths WHERE path >= ? ORDER BY path", (prefix,))
    for number, path in rows:
        if not path.startswith(prefix):
            break  # in the order of their bytes all that begin alike stand together
        if fits(path):
            found.append(number)
    return tuple(found)


def stretches_of(index: Index, question: Question) -> Iterator[tuple[int, int]]:
    """The stretches of the log, first leaf and the one behind the last, in which its times can lie."""
    if question.since_us is None and question.until_us is None:
        yield 0, _END
        return
    wanted = "SELECT block FROM blocks WHERE last_us >= ? AND first_us < ? ORDER BY block"
    found = [block for (block,) in ask(index.connection, wanted, (_low(question), _high(question)))]
    for _, run in groupby(enumerate(found), key=lambda pair: pair[1] - pair[0]):
        blocks = [block for _, block in run]
        yield blocks[0] * BLOCK, (blocks[-1] + 1) * BLOCK


def _low(question: Question) -> int:
    return -_END if question.since_us is None else question.since_us


def _high(question: Question) -> int:
    return _END if question.until_us is None else question.until_us


# The three ways


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of the log, and what every statement over it begins with."""

    connection: apsw.Connection
    question: Question
    first: int
    end: int
    newest_first: bool

    def select(self, where: str, values: Sequence[int] = (), using: str = "NOT INDEXED") -> Iterator[Row]:
        """Rows of this stretch in its order."""
        times = "" if self.question.since_us is None and self.question.until_us is None else _TIMES
        bounds: list[int] = [self.first, self.end]
        if times:
            bounds += [_low(self.question), _high(self.question)]
        order = "DESC" if self.newest_first else "ASC"
        rows = ask(
            self.connection,
            f"SELECT {_COLUMNS} FROM records {using} WHERE leaf >= ? AND leaf < ?{times}{where} ORDER BY leaf {order}",
            (*bounds, *values),
        )
        return map(Row._make, rows)

    def merge(self, where: str, numbers: Sequence[int], rest: str, using: str) -> Iterator[Row]:
        """The rows of each number, merged."""
        lines = [self.select(f"{where}{rest}", (number,), using) for number in numbers]
        return heapq.merge(*lines, reverse=self.newest_first)


_TIMES = " AND time_us >= ? AND time_us < ?"


def _rows(
    index: Index, here: _Stretch, profiles: tuple[int, ...] | None, paths: tuple[int, ...] | None
) -> Iterator[Row]:
    of_profile = "" if profiles is None else f" AND profile IN ({_joined(profiles)})"
    if paths is not None:
        if len(paths) <= _MOST_MERGED:
            return here.merge(" AND path = ?", paths, of_profile, "INDEXED BY by_path")
        of_path = f" AND path IN ({_joined(paths)})"
        if len(paths) < _FEW * _count(index, "SELECT max(id) FROM paths"):
            return here.select(of_path + of_profile, using="INDEXED BY by_path")
    else:
        of_path = ""
    if profiles is not None:
        fitting = _count(index, f"SELECT sum(count) FROM days WHERE profile IN ({_joined(profiles)})")
        if fitting < _FEW * _count(index, "SELECT max(leaf) FROM records"):
            if len(profiles) <= _MOST_MERGED:
                return here.merge(" AND profile = ?", profiles, of_path, "INDEXED BY by_profile")
            return here.select(of_profile + of_path, using="INDEXED BY by_profile")
    return here.select(of_profile + of_path)


def _joined(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _count(index: Index, statement: str) -> int:
    return next(int(number or 0) for (number,) in ask(index.connection, statement))


class _Segments:
    """The segment files that records are read from; one is open at a time."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._firsts = [first for (first,) in ask(index.connection, "SELECT first FROM segments ORDER BY first DESC")]
        self._open: tuple[int, BinaryIO] | None = None

    def __enter__(self) -> _Segments:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open[1].close()

    def read(self, row: Row) -> Found | Break:
        """The record of a row."""
        first = next((first for first in self._firsts if first <= row.leaf), 0)
        path = segment_path(self._index.layout.segments, first)
        if self._open is None or self._open[0] != first:
            self.__exit__()
            self._open = first, open_segment(path)
        framed = read_record(self._open[1], row.offset)
        if isinstance(framed, Framed):
            return Found(entry=Entry(row.leaf, framed.record, path, row.offset, framed.private), row=row)
        damage = Damage.MISSING if framed is None else framed
        return Break(index=row.leaf, path=path, offset=row.offset, damage=damage, last=False)
