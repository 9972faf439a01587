"""The demo's verdict for a person (rich tables) and for a program (JSON)."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from optout.cli.demo.run import Log, Result, Row
from optout.evidence.audit import Verdict

_TOLD = {200: "the page", 402: "take a license", 403: "no"}
_COLORS = {200: "green", 402: "yellow", 403: "red"}
_WHY = {
    "": "left alone; nothing written",
    "always-open": "always open to everybody",
    "default": "nothing speaks against it",
}


def print_report(result: Result, *, kept: Path | None, console: Console | None = None) -> None:
    """The whole verdict, for a terminal, a pipe, or the console given."""
    console = console or Console(highlight=False, width=None if Console().is_terminal else 118)
    console.print(_visits(result))
    console.print(_logs(result))
    for line in _verdict(result, kept):
        console.print(line)


def _visits(result: Result) -> Table:
    table = Table(title="Who came to the sample site, and what every door told them", title_justify="left")
    for heading in ("who", "asked for", "was told", "why"):
        table.add_column(heading, overflow="fold")
    table.add_column("\n".join(door.name for door in result.doors), justify="center", no_wrap=True)
    texts = {row.source: row.text for row in result.rows if row.text}  # a refusal of HEAD tells none
    for row in result.rows:
        status = row.told[0].status
        told = f"[{_COLORS.get(status, 'magenta')}]{status} {_TOLD.get(status, '')}[/]"
        method = "" if row.visit.method == "GET" else f"{row.visit.method} "
        marks = "  ".join(_mark(row, place) for place in range(len(result.doors)))
        words = _WHY.get(row.visit.reason) or texts.get(row.source, row.visit.reason)
        why = escape(f"{row.source} {words}".strip())
        table.add_row(escape(row.visit.who), escape(method + row.visit.path), told, why, marks)
    return table


def _mark(row: Row, place: int) -> str:
    told = row.told[place]
    return "[green]✓[/]" if told == row.told[0] and row.expected else f"[red]✗ {told.status}[/]"


def _logs(result: Result) -> Table:
    table = Table(title="What the evidence logs hold", title_justify="left")
    for heading in ("door", "requests", "outcomes", "snapshots", "signed", "verifies"):
        table.add_column(heading)
    for log in result.logs:
        table.add_row(
            log.door.name,
            *(str(log.types[kind]) for kind in ("crawl.request", "crawl.outcome", "policy.snapshot")),
            f"{log.report.covered} of {log.report.size} records",
            _sound(log),
        )
    return table


def _sound(log: Log) -> str:
    if log.unexpected:
        return f"[red]{log.unexpected} records that nobody should have caused[/]"
    if log.report.verdict is Verdict.SOUND:
        return "[green]sound[/]"
    return "[red]" + escape("; ".join(str(problem) for problem in log.report.problems) or log.report.verdict) + "[/]"


def _verdict(result: Result, kept: Path | None) -> list[str]:
    doors = len(result.doors)
    if result.ok:
        lines = [
            f"[green]All {doors} doors told {len(result.rows)} visitors what was expected, and the logs verify.[/]"
        ]
    else:
        lines = ["[red]Not as expected:[/]"]
        for row in result.rows:
            if not (row.agree and row.expected):
                found = ", ".join(
                    f"{door.name} {told.status}" for door, told in zip(result.doors, row.told, strict=True)
                )
                lines.append(
                    f"  {escape(row.visit.who)} {escape(row.visit.path)}: expected {row.visit.status}, {found}"
                )
    if kept is not None:
        place = escape(str(kept))
        lines += [
            f"Policy and logs are kept in {place}. Look at them:",
            f"  optout review {place}/evidence-gateway --policy {place}/policy.yaml      # in your browser",
            f"  optout report {place}/evidence-gateway --crawler GPTBot --work '/gallery/*' -o gptbot.pdf",
            f"  optout evidence list {place}/evidence-gateway",
        ]
    else:
        lines.append("Keep its logs, and look at them in a browser or as PDF: optout demo --keep DIR")
    return [
        *lines,
        "",
        "Your own site, next:",
        "  optout serve --upstream http://127.0.0.1:8000                        # observes: records, changes nothing",
        "  optout policy show --table no-training                               # what a stance would mean for you",
        "  optout serve --upstream http://127.0.0.1:8000 --policy no-training   # enforces; `optout off` turns it off",
    ]


def as_data(result: Result) -> dict[str, object]:
    """The JSON form: public, additions only."""
    return {
        "ok": result.ok,
        "visits": [
            {
                "who": row.visit.who,
                "user_agent": row.visit.user_agent,
                "method": row.visit.method,
                "path": row.visit.path,
                "expected_status": row.visit.status,
                "reason": row.visit.reason,
                "source": row.source,
                "agree": row.agree,
                "expected": row.expected,
                "status": {door.name: told.status for door, told in zip(result.doors, row.told, strict=True)},
            }
            for row in result.rows
        ],
        "logs": [
            {
                "door": log.door.name,
                "records": dict(log.types),
                "unexpected": log.unexpected,
                "covered": log.report.covered,
                "verdict": log.report.verdict.value,
            }
            for log in result.logs
        ],
    }
