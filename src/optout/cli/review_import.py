"""`optout review --import`: what AI crawlers took, from the web server's own logs."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from optout.cli.evidence.options import SOFTWARE, microseconds
from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.report.language import Say
    from optout.review.importing.account import Account, LogFile, Taken
    from optout.review.importing.counting import Counting, Version

_STDIN = "-"
_MOST_ROBOTS_OCTETS = 512_000
_MOST_SHOWN = 20
_MOST_PATHS = 100


def import_logs(
    paths: tuple[Path, ...],
    robots: tuple[str, ...],
    *,
    site: str,
    as_json: bool,
    as_csv: bool,
    out: Path | None,
    say: Say,
    lang: str,
) -> None:
    """Count the logs, and print or write what they say."""
    from optout.adapters.intake import now_us
    from optout.review.importing.account import Account

    made_us = now_us()
    versions = tuple(sorted(map(_version, robots), key=lambda version: version.about.since_us))
    counting = _counting(versions, made_us, site)
    with _progress(paths) as told:
        files = tuple(_read(path, counting, told) for path in _in_order(paths))
    account = Account(
        files=files,
        robots=tuple(version.about for version in versions),
        lines=counting.lines,
        people=counting.people,
        without_agent=counting.without_agent,
        elsewhere=counting.elsewhere,
        bad_lines=counting.bad_lines,
        bad=tuple(counting.bad),
        taken=counting.taken,
        first_us=counting.first_us,
        last_us=counting.last_us,
        are_paths_whole=counting.are_paths_whole,
        made_us=made_us,
        software=SOFTWARE,
    )
    if as_json:
        click.echo(json.dumps(_as_json(account)))
    elif as_csv:
        for line in _as_csv(account):
            click.echo(line)
    elif out is None:
        for line in _told(account):
            click.echo(line)
    if out is not None:
        from optout.cli.report import write_sheet
        from optout.review.importing.sheet import sheet

        write_sheet(sheet(account, say, lang), out, as_pdf=False)


def _counting(versions: tuple[Version, ...], made_us: int, site: str) -> Counting:
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.list_files import ListWatch, list_directory
    from optout.adapters.switch import default_state_directory
    from optout.crawlers.address_book import NO_LISTS
    from optout.review.importing.counting import Counting

    lists = ListWatch(list_directory(default_state_directory())).book
    return Counting(registry_in_use(), versions, None if lists is NO_LISTS else lists, made_us, site=site)


def _version(text: str) -> Version:
    """A robots.txt as `FILE` or `TIME=FILE` names it; raises UsageError."""
    from optout.review.importing.account import Robots
    from optout.review.importing.counting import Version
    from optout.robots.matcher import RobotsMatcher
    from optout.robots.parser import parse_robots

    time, is_dated, name = text.partition("=")
    path, since = (Path(name), microseconds(time, "--robots") or 0) if is_dated and time else (Path(text), 0)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_ROBOTS_OCTETS)
    except OSError as fault:
        raise UsageError(
            f"cannot read {path}: {fault.strerror}", "write --robots FILE or --robots 2026-03-01=FILE"
        ) from fault
    about = Robots(name=path.name, since_us=since, sha256=hashlib.sha256(data).hexdigest())
    return Version(about=about, matcher=RobotsMatcher(parse_robots(data)))


# The files


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if str(path) == _STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as fault:
        raise UsageError(f"cannot read {path}: {fault.strerror}", "name log files that you may read") from fault
    with file:
        yield file


def _in_order(paths: tuple[Path, ...]) -> list[Path]:
    """The oldest first, by the first line that has a time: whether robots.txt was read before is a matter of order."""
    if len(paths) < 2:
        return list(paths)
    return sorted(paths, key=_first_time)


def _first_time(path: Path) -> int:
    from optout.review.importing.files import Reading, read_pieces
    from optout.review.importing.lines import parse_line

    if str(path) == _STDIN:
        return sys.maxsize
    with _opened(path) as file:
        piece = next(read_pieces(Reading(path=path), file), b"")
    lines = (parse_line(line) for line in piece.splitlines()[:100])
    return next((line.time_us for line in lines if line is not None and line.time_us is not None), sys.maxsize)


def _read(path: Path, counting: Counting, told: Callable[[int], None]) -> LogFile:
    from optout.review.importing.account import LogFile
    from optout.review.importing.files import Reading, read_pieces

    reading, lines = Reading(path=path), 0
    with _opened(path) as file:
        try:
            for piece in read_pieces(reading, file, told):
                lines += counting.add(piece, path.name, lines)
        except OSError as fault:
            raise UsageError(f"cannot read {path}: {fault.strerror}", "name log files that you may read") from fault
    return LogFile(name=path.name, size=reading.size, sha256=reading.sha256, lines=lines, why=reading.why)


@contextmanager
def _progress(paths: tuple[Path, ...]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    sizes = [path.stat().st_size for path in paths if path.is_file()]
    with ExitStack() as stack:
        columns = ("reading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
        bar = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
        task = bar.add_task("", total=sum(sizes))
        yield lambda octets: bar.advance(task, octets)


# The account, for programs and for people


def _as_json(account: Account) -> dict[str, object]:
    told = {each.name: getattr(account, each.name) for each in fields(account)}
    return {
        **told,
        "files": [asdict(file) for file in account.files],
        "robots": [asdict(robots) for robots in account.robots],
        "bad": [asdict(bad) for bad in account.bad],
        "taken": [_taken_as_json(taken) for taken in account.taken],
        "proof": "none: imported from access logs; every name is a claim",
    }


def _taken_as_json(taken: Taken) -> dict[str, object]:
    told = {each.name: getattr(taken, each.name) for each in fields(taken)}
    paths = [{"path": path, "requests": count} for path, count in taken.paths.most_common(_MOST_PATHS)]
    return {**told, "paths": paths}


def _as_csv(account: Account) -> Iterator[str]:
    from optout.cli.evidence.rows import csv_row
    from optout.review.importing.sheet import HEADER, rows

    yield csv_row(HEADER)
    for row in rows(account):
        yield csv_row(row)


def _told(account: Account) -> Iterator[str]:
    yield from _summary(account)
    crawlers = account.crawlers
    if crawlers:
        yield ""
        yield from _table(account)
    if account.is_judged:
        yield ""
        yield from _judged(account)
    else:
        yield ""
        yield "Not judged: --robots FILE judges by the robots.txt of that time."
    yield ""
    yield "Unproved: a log file can be changed, and a user agent is a claim. Hashes of these files:"
    for file in account.files:
        yield f"  {file.sha256}  {safe(file.name)}" + (f"  ({file.why})" if file.why else "")


def _summary(account: Account) -> Iterator[str]:
    from optout.report.figures import moment

    crawlers = account.crawlers
    span = ""
    if account.first_us is not None and account.last_us is not None:
        span = f", {moment(account.first_us)} to {moment(account.last_us)}"
    requests, octets = sum(each.requests for each in crawlers), sum(each.content_bytes for each in crawlers)
    yield f"AI crawlers took {octets} bytes in {requests} requests{span}."
    yield f"{account.lines} lines read; {account.people} name no crawler: counted, and not kept."
    if account.without_agent:
        yield f"{account.without_agent} of them have no user agent: a log without that field can show no crawler."
    if account.elsewhere:
        yield f"{account.elsewhere} lines of crawlers are about another site."
    others = sum(taken.requests for taken in account.taken if not taken.is_ai)
    if others:
        yield f"{others} are of search engines, previews, feed readers and the like: left alone."
    if account.bad_lines:
        places = ", ".join(f"{safe(bad.file)}:{bad.number}" for bad in account.bad)
        yield f"{account.bad_lines} could not be read; the first are {places}."


def _table(account: Account) -> Iterator[str]:
    heads = ("claimed to be", "operator", "purpose", "requests", "2xx", "bytes", "robots.txt", "before it")
    cells: list[tuple[str, ...]] = [heads]
    for taken in account.crawlers[:_MOST_SHOWN]:
        counts = (taken.requests, taken.served, taken.content_bytes, taken.read_robots, taken.before_reading)
        cells.append((safe(taken.name, 30), safe(taken.operator, 24), taken.purpose, *map(str, counts)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        told = (
            text.rjust(width) if place > 2 else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(told).rstrip()
    rest = len(account.crawlers) - _MOST_SHOWN
    if rest > 0:
        yield f"and {rest} more: --json, --csv or --out FILE has all"


def _judged(account: Account) -> Iterator[str]:
    found = [taken for taken in account.crawlers if taken.disallowed]
    if not found:
        yield "No AI crawler asked for what robots.txt forbade."
    for taken in found[:_MOST_SHOWN]:
        lines = ", ".join(line for line, _ in taken.lines.most_common(3))
        yield (
            f"{safe(taken.name, 30)} asked {taken.disallowed} times for what robots.txt forbade "
            f"({safe(lines)}), and got it {taken.disallowed_served} times."
        )
