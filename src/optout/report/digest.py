"""The weekly letter: what came in seven days beside the seven before, what the log says of itself, and its anchor line.

The anchor line (origin, size, root) in somebody's mailbox is a copy that nobody can change afterwards without being
found out: `optout evidence verify --seen` compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from optout.report.figures import moment
from optout.report.foreign import plain
from optout.report.language import Say, english

WEEK_US = 7 * 86_400_000_000
_MOST_ROWS = 30
_MOST_GAPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The visits of one week that claimed one name, with one standing and one answer."""

    crawler: str
    operator: str
    standing: str
    action: str
    count: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time of which the log says that something is missing; µs since 1970 UTC."""

    from_us: int
    to_us: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What a digest is made of. `before` are the sums of the seven days before; `broken` counts damaged records."""

    log: str
    since_us: int
    until_us: int
    sums: tuple[Sum, ...]
    before: tuple[Sum, ...]
    gaps: tuple[Gap, ...]
    broken: int
    seen_line: str


def subject(week: Week, say: Say = english) -> str:
    """The letter's subject, one line."""
    told = say("AI crawlers, {since} to {until}: {count} visits")
    return told.format(since=_day(week.since_us), until=_day(week.until_us), count=sum(row.count for row in week.sums))


def digest(week: Week, say: Say = english) -> str:
    """The letter, plain text."""
    return "\n".join(_lines(week, say)) + "\n"


def _lines(week: Week, say: Say) -> Iterator[str]:
    period = say("From {since} to {until}, the log {log}.")
    yield period.format(since=moment(week.since_us), until=moment(week.until_us), log=plain(week.log))
    yield ""
    if week.sums:
        yield say("Visits by claimed name. In brackets the seven days before. Standings are never added together.")
        yield ""
        yield from _table(week, say)
    else:
        yield say("No AI crawler came.")
    yield from _new(week, say)
    yield ""
    if week.gaps:
        yield say("The log says that something is missing in {count} stretches of time:").format(count=len(week.gaps))
        for gap in week.gaps[:_MOST_GAPS]:
            yield f"  {moment(gap.from_us)} - {moment(gap.to_us)}  {plain(gap.reason, 60)}"
        if len(week.gaps) > _MOST_GAPS:
            yield "  " + say("and {count} more").format(count=len(week.gaps) - _MOST_GAPS)
    else:
        yield say("The log tells of no gap in these days.")
    if week.broken:
        yield say(
            "{count} records are damaged. Run `optout evidence verify`, and keep a copy of the log first."
        ).format(count=week.broken)
    yield ""
    yield say("Keep this letter: its next line shows later that the log was not changed behind you.")
    yield f"  {week.seen_line}"
    yield say("To compare: optout evidence verify DIR --seen 'that line'")


def _table(week: Week, say: Say) -> Iterator[str]:
    before = {_key(row): row.count for row in week.before}
    rows = sorted(week.sums, key=lambda row: (-row.count, row.crawler, row.standing, row.action))
    cells = [(say("claimed to be"), say("standing"), say("answer"), say("visits"), "", say("content bytes sent"))]
    for row in rows[:_MOST_ROWS]:
        names = (plain(row.crawler, 40), plain(row.standing, 20), plain(row.action, 24))
        cells.append((*names, str(row.count), f"({before.get(_key(row), 0)})", str(row.size)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        told = (
            text.rjust(width) if place in (3, 5) else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  " + "  ".join(told).rstrip()
    if len(rows) > _MOST_ROWS:
        yield "  " + say("and {count} more").format(count=len(rows) - _MOST_ROWS)


def _new(week: Week, say: Say) -> Iterator[str]:
    known = {row.crawler for row in week.before}
    new = sorted({row.crawler for row in week.sums} - known)
    if new and known:
        yield ""
        names = ", ".join(plain(name, 40) for name in new[:_MOST_ROWS])
        yield say("Not seen in the seven days before: {names}").format(names=names)


def _key(row: Sum) -> tuple[str, ...]:
    return row.crawler, row.standing, row.action


def _day(time_us: int) -> str:
    return moment(time_us)[:10]
