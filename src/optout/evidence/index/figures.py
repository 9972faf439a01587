"""Sums over records, from the days that the index keeps; only the ends of a stretch of time are counted one by one.

Records that were retracted are in no sum, and the owner's own probes only where their type is asked for.
The bytes of a `crawl.request` are those that its outcome says were sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from optout.errors import UsageError
from optout.evidence.index.asking import paths_of, profiles_of, stretches_of
from optout.evidence.index.opening import Index
from optout.evidence.index.question import Question
from optout.evidence.index.tables import DAY, DAY_US, FACETS, PLACES, ask
from optout.evidence.probe import PROBE

DAY_NAME = "day"
KEYS = (*FACETS, DAY_NAME)
"""By what can be summed up."""

_PROBES = "SELECT id FROM profiles WHERE type = ?"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Sums = tuple[Any, ...]  # day, profile, count, bytes, first and last µs


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The sum of the records that have `key` in common: how many, bytes of content sent, first and last time (µs)."""

    key: tuple[str, ...]
    count: int
    size: int
    first_us: int | None
    last_us: int | None


def figures(indexes: Iterable[Index], question: Question, by: tuple[str, ...] = ()) -> list[Figure]:
    """The sums over all logs, by these `KEYS`, the largest first; one sum of all where `by` is empty.

    Raises UsageError for another key, and apsw.Error.
    """
    strange = [name for name in by if name not in KEYS]
    if strange:
        raise UsageError(f"records cannot be summed up by {strange[0]!r}", f"choose of {', '.join(KEYS)}")
    sums: dict[tuple[str, ...], Figure] = {}
    for index in indexes:
        texts, places = index.profiles, [None if name == DAY_NAME else PLACES[name] for name in by]
        for day, profile, count, size, first_us, last_us in _sums(index, question, by):
            if not count and not size:
                continue
            key = tuple([day_name(day) if place is None else texts[profile][place] for place in places])
            one = Figure(key=key, count=count, size=size, first_us=first_us, last_us=last_us)
            sums[key] = _add(sums[key], one) if key in sums else one
    if not by and not sums:
        return [Figure(key=(), count=0, size=0, first_us=None, last_us=None)]
    return sorted(sums.values(), key=lambda figure: (-figure.count, figure.key))


def day_name(day: int) -> str:
    """A day, counted from 1970, as ISO 8601 writes it; days that no calendar has as their number."""
    try:
        return (_EPOCH + timedelta(days=day)).date().isoformat()
    except OverflowError:
        return str(day)


def _add(one: Figure, other: Figure) -> Figure:
    firsts = [us for us in (one.first_us, other.first_us) if us is not None]
    lasts = [us for us in (one.last_us, other.last_us) if us is not None]
    return Figure(
        key=one.key,
        count=one.count + other.count,
        size=one.size + other.size,
        first_us=min(firsts, default=None),
        last_us=max(lasts, default=None),
    )


def _sums(index: Index, question: Question, by: tuple[str, ...]) -> Iterator[_Sums]:
    profiles = profiles_of(index, question)
    if profiles is None:
        probes = ",".join(str(number) for (number,) in ask(index.connection, _PROBES, (PROBE,)))
        where = f" AND profile NOT IN ({probes})" if probes else ""
    else:
        where = f" AND profile IN ({','.join(map(str, profiles))})"
    if question.path is not None:
        numbers = ",".join(map(str, paths_of(index, question.path)))
        yield from _counted(index, question, f"{where} AND path IN ({numbers})")
        return
    first, end = _whole_days(question)
    if first is not None and end is not None and first >= end:
        yield from _counted(index, question, where)
        return
    bounds = (-(1 << 62) if first is None else first, 1 << 62 if end is None else end)
    day, groups = ("day", ", ".join(by)) if DAY_NAME in by else ("0", "profile")
    texts = " JOIN profiles ON profiles.id = profile" if DAY_NAME in by and len(by) > 1 else ""
    yield from ask(  # any profile of a group has the texts that the group is made by
        index.connection,
        f"SELECT {day}, min(profile), sum(count), sum(bytes), min(first_us), max(last_us) FROM days{texts}"
        f" WHERE day >= ? AND day < ?{where} GROUP BY {groups}",
        bounds,
    )
    for since_us, until_us in _ends(question, first, end):
        yield from _counted(index, Question(since_us=since_us, until_us=until_us), where)


def _whole_days(question: Question) -> tuple[int | None, int | None]:
    """The days that lie within the question's time as a whole: the first, and the one behind the last."""
    since, until = question.since_us, question.until_us
    return None if since is None else -(-since // DAY_US), None if until is None else until // DAY_US


def _ends(question: Question, first: int | None, end: int | None) -> Iterator[tuple[int, int]]:
    if question.since_us is not None and first is not None and question.since_us < first * DAY_US:
        yield question.since_us, first * DAY_US
    if question.until_us is not None and end is not None and end * DAY_US < question.until_us:
        yield end * DAY_US, question.until_us


def _counted(index: Index, question: Question, where: str) -> Iterator[_Sums]:
    """Sums of records that are looked at one by one, in the stretches where the time can lie."""
    using = "" if question.path is not None else "NOT INDEXED"
    times, values = "", []
    if question.since_us is not None:
        times, values = " AND time_us >= ?", [question.since_us]
    if question.until_us is not None:
        times, values = f"{times} AND time_us < ?", [*values, question.until_us]
    for low, high in stretches_of(index, question):
        yield from ask(
            index.connection,
            f"SELECT {DAY} AS day, profile, count(*), ifnull(sum(bytes), 0), min(time_us), max(time_us)"
            f" FROM records {using} WHERE leaf >= ? AND leaf < ?{times} AND NOT retracted{where} GROUP BY day, profile",
            (low, high, *values),
        )
