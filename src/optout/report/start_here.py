"""The first sheets of a bundle, as PDF: what it is, what it shows, how to check it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from optout.report.account import Account
from optout.report.as_pdf import as_pdf
from optout.report.figures import Figures, moment
from optout.report.sheet import Block, Facts, Grid, Heading, Items, Sheet, Signature, Text
from optout.report.visits import ALARMS

_MOST_ROWS = 12


def start_here(account: Account, counted: Figures) -> bytes:
    """The PDF's bytes; raises PagesError where reportlab is not installed."""
    title = account.case or "Evidence of visits by AI crawlers"
    return as_pdf(Sheet(title=title, blocks=tuple(_blocks(account, counted)), foot=account.seen_line))


def _blocks(account: Account, counted: Figures) -> Iterator[Block]:
    yield from map(Text, _what_it_is(account, counted))
    yield Heading("What it shows")
    yield Grid(
        heads=("Claimed to be", "Standing", "Attempts", "Answered"),
        rows=tuple(
            (
                row.name,
                row.standing,
                str(row.attempts),
                ", ".join(f"{count} {name}" for name, count in sorted(row.actions.items())),
            )
            for row in counted.rows[:_MOST_ROWS]
        ),
        numbers=frozenset({2}),
        foreign=frozenset({0}),
        widths=(0.3, 0.2, 0.12, 0.38),
        alarms=ALARMS,
    )
    if len(counted.rows) > _MOST_ROWS:
        yield Text(f"{len(counted.rows) - _MOST_ROWS} more are in data/report.html.")
    yield from map(Text, _cautions(counted))
    yield Heading("How to check it")
    yield Items(_CHECKS)
    yield Text("The key: compare it with the one that you have from somewhere else.")
    yield Facts((("Key", account.vkey),))
    yield Text("The log, its size and its root hash: whoever keeps this line can check it later.")
    yield Facts((("Log, size, root", account.seen_line),))
    yield Heading("Prepared by")
    yield Signature(("Name, position", "Date, signature"))


def _what_it_is(account: Account, counted: Figures) -> tuple[str, ...]:
    period = "" if account.since_us is None else f" from {moment(account.since_us)}"
    period += "" if account.until_us is None else f" until {moment(account.until_us)}"
    first, last = (counted.visits[0].time_us, counted.visits[-1].time_us) if counted.visits else (0, 0)
    span = f" The first was on {moment(first)}, the last on {moment(last)}." if counted.visits else ""
    return (
        f"This file is a copy of entries from a log that a web site keeps of visits by AI crawlers{period}. "
        f"It holds {_visits(counted)}.{span}",
        f"It was exported on {moment(account.made_us)} by {account.made_by}.",
        account.rests_on,
    )


def _visits(counted: Figures) -> str:
    """How many visits, by how far their claims were checked: what is verified and what is only claimed is no sum."""
    found: Counter[str] = Counter()
    for row in counted.rows:
        found[row.standing] += row.attempts
    if not found:
        return "no visits"
    return ", ".join(f"{_count(count, f'{standing} visit')}" for standing, count in found.most_common())


def _cautions(counted: Figures) -> tuple[str, ...]:
    gaps = _count(len(counted.gaps), "gap")
    return (
        "The name of a crawler is what the visitor claimed. The column beside it says how far that was checked: "
        "verified, consistent, unverified, or contradicted by the operator's own list.",
        f"The log itself tells of {gaps} in this period: times in which something was not recorded.",
        "What this proves and what it does not stands in data/statement.md.",
    )


_CHECKS = (
    "Open verify.html in a browser and drag this zip file into it. Nothing is sent anywhere.",
    "Or run: python3 verify.py FILE.zip --vkey KEY. It needs nothing but Python.",
    "Or use sha256sum and openssl, as README.txt says, line by line.",
)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
