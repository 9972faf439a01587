"""The account of visits: who asked for what, what was answered, by which rule, and how to check it.

A bundle carries it as HTML; `optout report` writes it for a period, a crawler or a work, as HTML or PDF.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from optout.report.account import Account
from optout.report.as_html import as_html
from optout.report.figures import Figures, Row, Visit, action, moment, number
from optout.report.language import Say, english
from optout.report.rules import rules
from optout.report.sheet import Block, Facts, Grid, Heading, Sheet, Text

MOST_VISITS = 2000  # a page of more is slow to open; every record is in the log
ALARMS = frozenset({"contradicted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is made of, besides the account and the counts.

    `documents` by SHA-256 (hex); `about` are facts on the crawler that the report is about, with their source;
    `leaf_hashes` (hex) by the place of a record; `rest` says where the visits are that are not shown; `broken` counts
    records of the log that are damaged.
    """

    title: str = ""
    documents: Mapping[str, bytes] = field(default_factory=dict)
    about: tuple[tuple[str, str], ...] = ()
    leaf_hashes: Mapping[int, str] = field(default_factory=dict)
    rest: str = "records.ndjson"
    broken: int = 0
    language: str = "en"


def page(account: Account, counted: Figures) -> bytes:
    """The page of a bundle, UTF-8."""
    return as_html(sheet(account, counted, Asked()))


def sheet(account: Account, counted: Figures, asked: Asked, say: Say = english) -> Sheet:
    """The report."""
    title = asked.title or say("Visits of AI crawlers: {case}").format(case=account.case or say("evidence"))
    return Sheet(
        title=title,
        blocks=tuple(_blocks(account, counted, asked, say)),
        language=asked.language,
        foot=account.seen_line,
    )


def _blocks(account: Account, counted: Figures, asked: Asked, say: Say) -> Iterator[Block]:
    yield Text(say(account.rests_on))
    if asked.broken:
        told = say("{count} records of this log are damaged and in no figure. `optout evidence verify` tells which.")
        yield Text(told.format(count=asked.broken), is_strong=True)
    yield Facts(tuple(_head(account, counted, say)))
    if asked.about:
        yield Heading(say("About the crawler"))
        yield Text(say("What its operator or others have published; nothing of it was observed here."))
        yield Facts(asked.about)
    yield from by_crawler(counted.rows, say)
    yield from _by_day(counted, say)
    yield from _sought(counted, say)
    yield from rules(counted.rules, asked.documents, say)
    yield from gaps(counted, say)
    yield from _visits(counted, asked, say)


def _head(account: Account, counted: Figures, say: Say) -> Iterator[tuple[str, str]]:
    standings: Counter[str] = Counter()
    for row in counted.rows:
        standings[row.standing] += row.attempts
    yield say("Visits"), ", ".join(f"{count} {standing}" for standing, count in standings.most_common()) or "0"
    since = _time(account.since_us, say("the beginning"))
    yield say("Period"), say("{since} to {until}").format(since=since, until=_time(account.until_us, say("the export")))
    for name, value in account.scope.items():
        yield say(name.capitalize()), value
    made = say("{time} by {who}, with {software}")
    yield say("Made"), made.format(time=moment(account.made_us), who=account.made_by, software=account.software)
    yield say("Log, size, root"), account.seen_line
    yield say("Key"), account.vkey
    if counted.retracted:
        yield say("Left out"), say("{count} that proved to be a person's").format(count=counted.retracted)
    if account.disclosed:
        yield say("Personal data"), say("private parts of {count} records").format(count=account.disclosed)


def by_crawler(rows: Iterable[Row], say: Say = english) -> Iterator[Block]:
    """The table of who came; a claim is called a claim."""
    yield Heading(say("By crawler"))
    yield Text(
        say(
            "The name is what the visitor claimed to be. How far that was checked stands beside it. verified: by a"
            " signature or by the operator's own addresses or names; consistent: it fits, and proves nothing;"
            " unverified: nothing proves it; contradicted: the operator's own list says no. Rows of different standing"
            " are never added together."
        )
    )
    yield Grid(
        heads=(
            say("Claimed to be"),
            say("Operator named"),
            say("Purpose"),
            say("Standing"),
            say("Attempts"),
            say("Answered"),
            say("Content bytes sent"),
            say("After reading robots.txt"),
            say("First and last"),
        ),
        rows=tuple(_row(row, say) for row in rows),
        numbers=frozenset({4, 6, 7}),
        foreign=frozenset({0}),
        widths=(0.13, 0.1, 0.09, 0.1, 0.08, 0.14, 0.1, 0.1, 0.16),
        alarms=ALARMS,
    )


def _row(row: Row, say: Say) -> tuple[str, ...]:
    answered = "\n".join(f"{count} {name}" for name, count in sorted(row.actions.items()))
    ends = [visit for visit in (row.first, row.last) if visit is not None]
    span = "\n".join(
        say("{time}, record {record}").format(time=moment(visit.time_us), record=visit.index) for visit in ends
    )
    counts = (str(row.attempts), answered, str(row.content_bytes), str(row.read_robots))
    return (row.name, row.operator, row.purpose, row.standing, *counts, span)


def _by_day(counted: Figures, say: Say) -> Iterator[Block]:
    if len({day for (day, _), _ in counted.days}) < 2:
        return
    yield Heading(say("By day (UTC)"))
    names = sorted({name for _, actions in counted.days for name in actions})
    yield Grid(
        heads=(say("Day"), say("Standing"), say("Attempts"), *names),
        rows=tuple(
            (day, standing, str(actions.total()), *(str(actions[name]) for name in names))
            for (day, standing), actions in counted.days
        ),
        numbers=frozenset(range(2, len(names) + 3)),
    )


def _sought(counted: Figures, say: Say) -> Iterator[Block]:
    if len({path for (path, _), _ in counted.paths}) < 2:
        return
    yield Heading(say("Most sought"))
    if not counted.is_path_count_whole:
        yield Text(say("There were too many different paths to count all of them; those counted are counted exactly."))
    yield Grid(
        heads=(say("Path"), say("Standing"), say("Attempts")),
        rows=tuple((path, standing, str(count)) for (path, standing), count in counted.paths),
        numbers=frozenset({2}),
        foreign=frozenset({0}),
        widths=(0.7, 0.15, 0.15),
    )


def gaps(counted: Figures, say: Say = english) -> Iterator[Block]:
    """The times of which the log says that something is missing."""
    yield Heading(say("Gaps"))
    if not counted.gaps:
        yield Text(say("The log tells of no gap in this period."))
        return
    yield Text(say("In these times something was not recorded. The log says so itself."))
    yield Grid(
        heads=(say("From"), say("To"), say("Reason"), say("Records not written")),
        rows=tuple(
            (
                _time(number(gap, "from_us"), ""),
                _time(number(gap, "to_us"), ""),
                str(gap.get("reason", "")),
                str(number(gap, "count") or say("not known")),
            )
            for gap in counted.gaps
        ),
        numbers=frozenset({3}),
    )


def _visits(counted: Figures, asked: Asked, say: Say) -> Iterator[Block]:
    shown = counted.visits[:MOST_VISITS]
    yield Heading(say("Every visit"))
    if len(shown) < counted.attempts:
        told = say("The first {shown} of {count}. All are in {place}.")
        yield Text(told.format(shown=len(shown), count=counted.attempts, place=asked.rest))
    yield Text(say("On a colored ground: text that the visitor supplied."))
    heads = [
        say("Record"),
        say("Time"),
        say("Asked for"),
        say("User agent"),
        say("Standing"),
        say("Decided"),
        say("Why"),
        say("Content bytes sent"),
    ]
    widths = [0.07, 0.1, 0.22, 0.22, 0.09, 0.09, 0.14, 0.07]
    if asked.leaf_hashes:
        heads.append(say("Proof: leaf hash"))
        widths.append(0.16)
    yield Grid(
        heads=tuple(heads),
        rows=tuple(_visit(visit, asked) for visit in shown),
        numbers=frozenset({0, 7}),
        foreign=frozenset({2, 3}),
        widths=tuple(widths),
        alarms=ALARMS,
    )
    if asked.leaf_hashes:
        yield Text(
            say(
                "The leaf hash is the SHA-256 of the record as RFC 6962 section 2.1 forms it. `optout evidence show"
                " --proof` writes the path from it to the signed root above."
            )
        )


def _visit(visit: Visit, asked: Asked) -> tuple[str, ...]:
    fields = visit.fields
    address, path = fields.get("server.address", ""), fields.get("url.path", "")
    reasons = fields.get("decision.reasons")
    return (
        str(visit.index),
        moment(visit.time_us),
        f"{fields.get('http.request.method', '')} {address}{path}",
        str(fields.get("user_agent.original", fields.get("user_agent.original.b64", "")))[:160],
        str(fields.get("identity.standing", "")),
        action(fields),
        "\n".join(map(str, reasons)) if isinstance(reasons, list) else "",
        str(number(visit.outcome, "http.response.body.size")),
        *([asked.leaf_hashes.get(visit.index, "")] if asked.leaf_hashes else []),
    )


def _time(time_us: int | None, otherwise: str) -> str:
    return otherwise if time_us is None else moment(time_us)
