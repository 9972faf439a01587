"""The indexes of a log and of the logs before it (`past/`), asked as one; damage met while asking is no error.

The order is that of the logs, the oldest first, and within each that of its tree. A cursor names a record, so it stays
good while the log grows: what comes later is behind it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw

from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.index.asking import Found, find_id, find_records
from optout.evidence.index.figures import Figure, figures
from optout.evidence.index.opening import NAME, Index, move_aside, open_index
from optout.evidence.index.question import Question
from optout.evidence.segments import Break, Entry
from optout.evidence.succession import logs_of

_CURSOR = re.compile(r"([0-9a-f]{8})\.([0-9]{1,16})\Z")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the logs: behind the record `leaf` of the log whose key's hash begins with `log`."""

    log: str
    leaf: int

    def __str__(self) -> str:
        return f"{self.log}.{self.leaf}"


def parse_cursor(text: str) -> Cursor | None:
    """A cursor as `str` writes it; None if it is none."""
    found = _CURSOR.match(text)
    return Cursor(found.group(1), int(found.group(2))) if found is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A record that was found, the directory of its log, and the cursor that stands behind it."""

    found: Found
    log: Path
    cursor: Cursor


class Catalog:
    """Several indexes, each caught up; use it within `open_catalog`. Its methods raise EvidenceError only."""

    def __init__(self, logs: tuple[Path, ...], told: Callable[[int], None] | None) -> None:
        self._logs, self._told = logs, told
        self._stacks: list[ExitStack] = []
        self._retracted: frozenset[str] = frozenset()
        self.indexes: list[Index] = []
        for log in logs:
            self._stacks.append(ExitStack())
            self.indexes.append(self._stacks[-1].enter_context(open_index(log, told=told)))
        self._share_retractions()

    def _share_retractions(self) -> None:
        """What one log takes back may stand in an earlier one."""
        if len(self.indexes) > 1:
            places = range(len(self.indexes))
            self._retracted = frozenset().union(*(self._of(place, lambda index: index.retractions) for place in places))
            for place in places:
                self._of(place, lambda index: index.retract(self._retracted))

    def close(self) -> None:
        """Close the files."""
        for stack in self._stacks:
            stack.close()

    @property
    def breaks(self) -> tuple[Break, ...]:
        """Where records are missing or damaged."""
        return tuple(each for index in self.indexes for each in index.breaks)

    @property
    def lost(self) -> int:
        """How many records that must have been there are in no answer (`Index.lost`)."""
        return sum(index.lost for index in self.indexes)

    def records(
        self, question: Question, *, cursor: Cursor | None = None, newest_first: bool = False
    ) -> Iterator[Hit | Break]:
        """The records that fit, beyond `cursor`, and a Break for each that is not whole any more."""
        names = [_name(index) for index in self.indexes]
        if cursor is not None and cursor.log not in names:
            raise EvidenceError("the cursor is one of another log", "begin again without --cursor")
        places = list(range(len(names)))
        if newest_first:
            places.reverse()
        if cursor is not None:
            places = places[places.index(names.index(cursor.log)) :]
        for number, place in enumerate(places):
            after = cursor.leaf if cursor is not None and not number else None
            yield from self._of_one(place, names[place], question, after, newest_first)

    def _of_one(
        self, place: int, name: str, question: Question, after: int | None, newest_first: bool
    ) -> Iterator[Hit | Break]:
        for is_second in (False, True):
            try:
                rows = find_records(self.indexes[place], question, after=after, newest_first=newest_first)
                for found in rows:
                    after = found.index if isinstance(found, Break) else found.row.leaf
                    if isinstance(found, Break):
                        yield found
                    else:
                        yield Hit(found=found, log=self._logs[place], cursor=Cursor(name, after))
            except apsw.Error as fault:
                self._renew(place, fault, give_up=is_second)
            except OSError as fault:
                raise _unreadable(fault) from fault
            else:
                return

    def figures(self, question: Question, by: tuple[str, ...] = ()) -> list[Figure]:
        """As `figures.figures`, over all logs."""
        return self._ask(lambda: figures(self.indexes, question, by))

    def find(self, record_id: str) -> list[tuple[Path, Entry]]:
        """The records with this id, each with the directory of its log."""
        return self._ask(
            lambda: [
                (log, entry)
                for log, index in zip(self._logs, self.indexes, strict=True)
                for entry in find_id(index, record_id)
            ]
        )

    def _of(self, place: int, question: Callable[[Index], _Answer]) -> _Answer:
        return self._ask(lambda: question(self.indexes[place]), (place,))

    def _ask(self, question: Callable[[], _Answer], places: tuple[int, ...] | None = None) -> _Answer:
        """The answer; if an index turns out damaged, that of new ones."""
        for is_second in (False, True):
            try:
                return question()
            except OSError as fault:
                raise _unreadable(fault) from fault
            except apsw.Error as fault:
                for place in places or range(len(self.indexes)):
                    self._renew(place, fault, give_up=is_second)
        raise AssertionError("an index that fails twice has raised")

    def _renew(self, place: int, fault: apsw.Error, *, give_up: bool) -> None:
        """Make an index anew that turned out damaged."""
        if give_up:
            raise EvidenceError(
                f"the index of {self._logs[place]} cannot be used: {fault}", f"delete {NAME} in it"
            ) from fault
        self._stacks[place].close()
        move_aside(Layout(self._logs[place]))
        self.indexes[place] = self._stacks[place].enter_context(open_index(self._logs[place], told=self._told))
        if self._retracted:
            self.indexes[place].retract(self._retracted)


@contextmanager
def open_catalog(root: Path, told: Callable[[int], None] | None = None) -> Iterator[Catalog]:
    """The log in `root` and those before it; raises EvidenceError where one of them is none or cannot be read."""
    try:
        logs = logs_of(root)
    except OSError as fault:
        raise _unreadable(fault) from fault
    catalog = Catalog(logs, told)
    try:
        yield catalog
    finally:
        catalog.close()


def _name(index: Index) -> str:
    return hashlib.sha256(index.vkey.encode()).hexdigest()[:8]


def _unreadable(fault: OSError) -> EvidenceError:
    return EvidenceError(f"cannot read {fault.filename}: {fault.strerror}")
