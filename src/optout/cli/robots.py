"""`optout robots`: what a robots.txt says: line by line, for many questions, and to other readers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from optout.cli.findings import lint_options, run_lint
from optout.cli.lines import arriving
from optout.cli.robots_diff import diff

if TYPE_CHECKING:
    from io import BufferedReader

    from optout.robots.dialects import Dialect, Verdict
    from optout.robots.matcher import Match
    from optout.robots.model import RobotsTxt, Rule


DIALECTS = ("rfc", "google", "protego", "python-old", "python-new")
"""Named here, so that `--help` need not import the readers; a test holds them against `Dialect`."""


@click.group()
def robots() -> None:
    """robots.txt (RFC 9309): which line decides, and for whom."""


@robots.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("url")
@click.option(
    "--token",
    "tokens",
    metavar="TOKEN",
    multiple=True,
    required=True,
    help="The crawler's product token; repeat it in order of preference.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(file: str, url: str, tokens: tuple[str, ...], as_json: bool) -> None:
    """Show the group that binds a crawler and the line of FILE (- is standard input) that decides about URL.

    URL may be a path. Exit code: 0 allowed, 1 disallowed, 2 fault.
    """
    from optout.messages import parse_target
    from optout.robots.matcher import RobotsMatcher
    from optout.robots.parser import parse_robots

    with click.open_file(file, "rb") as stream:
        parsed = parse_robots(stream.read())
    target = parse_target(url)[0]
    match = RobotsMatcher(parsed).match(tokens, target)
    report = _report(parsed, match, tokens, target)
    if as_json:
        click.echo(json.dumps(report))
    else:
        click.echo("\n".join(_picture(report, "robots.txt" if file == "-" else file)))
    sys.exit(0 if match.allowed else 1)


def _report(parsed: RobotsTxt, match: Match, tokens: tuple[str, ...], target: str) -> dict[str, Any]:
    """The fields of `explain --json` (docs/robots.md): public and stable."""
    from optout.robots.matcher import also_matching
    from optout.robots.model import normalize_path

    return {
        "allowed": match.allowed,
        "asked": list(tokens),
        "path": normalize_path(target).decode("ascii"),
        "token": match.token,
        "everyone": match.everyone,
        "groups": [{"line": group.line, "tokens": list(group.tokens)} for group in match.groups],
        "rule": _rule(match.rule) if match.rule is not None else None,
        "why": _why(match, target),
        "others": [_rule(rule) | {"why": _loses(rule, match)} for rule in also_matching(match, target)],
        "faults": [{"line": fault.line, "code": fault.code, "text": fault.text} for fault in parsed.faults],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "line": rule.line,
        "text": rule.text,
        "allow": rule.allow,
        "pattern": rule.pattern.written,
        "octets": rule.pattern.priority,
    }


def _why(match: Match, target: str) -> str:
    from optout.robots.matcher import ROBOTS_TXT
    from optout.robots.model import normalize_path

    if match.rule is not None:
        return "the matching rule with the most octets decides"
    if match.token is None:
        return "no group names the crawler, and there is none for *"
    if normalize_path(target) == ROBOTS_TXT:
        return "/robots.txt is always allowed"
    return "no rule of the group matches the path"


def _count(octets: int) -> str:
    return "1 octet" if octets == 1 else f"{octets} octets"


def _loses(rule: Rule, match: Match) -> str:
    """Why a rule that matches did not decide."""
    decided = match.rule
    if decided is None:
        return "/robots.txt is always allowed"
    if rule.pattern.priority < decided.pattern.priority:
        return f"shorter: {_count(rule.pattern.priority)} against {decided.pattern.priority}"
    if rule.allow != decided.allow:
        return "as long, but Allow wins a tie"
    return "as long and says the same, further down"


def _picture(report: dict[str, Any], name: str) -> Iterator[str]:
    """The same report for a person. Everything from the file or the URL is escaped."""
    from optout.cli.terminal import safe

    name, asked = safe(name), safe(", ".join(report["asked"]))
    yield f"{asked}: {safe(report['path'])} is {'allowed' if report['allowed'] else 'disallowed'}"
    for group in report["groups"]:
        yield f"  group    {name}:{group['line']}  User-agent: {safe(', '.join(group['tokens']))}"
    if report["rule"] is not None:
        yield from _pointed(report["rule"], f"  decides  {name}:{report['rule']['line']}  ")
    yield f"  because  {report['why']}"
    for rule in report["others"]:
        yield f"  not      {name}:{rule['line']}  {safe(rule['text'])}  ({rule['why']})"
    if report["faults"]:
        yield f"  faults   {len(report['faults'])} in the file; --json lists them"


def _pointed(rule: dict[str, Any], lead: str) -> Iterator[str]:
    """The line of the file, and carets under its pattern."""
    from rich.cells import cell_len

    from optout.cli.terminal import safe

    key = rule["text"][: len(rule["text"]) - len(rule["pattern"])]
    pattern = safe(rule["pattern"])
    yield f"{lead}{safe(key)}{pattern}"
    yield f"{' ' * cell_len(lead + safe(key))}{'^' * cell_len(pattern)} {_count(rule['octets'])}"


@robots.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="rfc",
    show_default=True,
    help="Whose reading of FILE to answer from.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
def batch(file: Path, dialect: str, as_json: bool) -> None:
    """Answer questions from standard input: a product token, a tab, and a URL or path per line.

    Prints `allow` or `disallow`, a tab, and the number of the deciding line of FILE, or 0 where none decides; for a
    line without a tab `error`, a tab and 0. Exit code: 0 if every line was answered, else 2.
    """
    from optout.messages import as_text, parse_target
    from optout.robots.dialects import Dialect, reader

    read = reader(Dialect(dialect), file.read_bytes())
    answered = True
    for lines in arriving(cast("BufferedReader", sys.stdin.buffer)):
        shown = []
        for line in lines:
            token, tab, url = as_text(line.removesuffix(b"\r")).partition("\t")
            verdict = read(token, parse_target(url)[0]) if tab else None
            answered = answered and verdict is not None
            shown.append(_json_line(token, url, verdict) if as_json else _text_line(verdict))
        sys.stdout.buffer.write("".join(shown).encode("ascii"))
        sys.stdout.buffer.flush()
    sys.exit(0 if answered else 2)


def _text_line(verdict: Verdict | None) -> str:
    if verdict is None:
        return "error\t0\n"
    return f"{'allow' if verdict.allowed else 'disallow'}\t{verdict.line}\n"


def _json_line(token: str, url: str, verdict: Verdict | None) -> str:
    allowed, line = (verdict.allowed, verdict.line) if verdict is not None else (None, 0)
    return json.dumps({"token": token, "url": url, "allowed": allowed, "line": line}) + "\n"


@robots.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@click.option(
    "--token", "tokens", metavar="TOKEN", multiple=True, required=True, help="A product token; several times."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare(file: str, urls: tuple[str, ...], tokens: tuple[str, ...], as_json: bool) -> None:
    """Show how five readers take FILE (- is standard input): who reads it differently from RFC 9309.

    URL may be a path. Exit code: 0 all agree, 1 somebody reads it differently, 2 fault.
    """
    from optout.messages import parse_target
    from optout.robots.dialects import Dialect, reader

    with click.open_file(file, "rb") as stream:
        data = stream.read()
    readers = {dialect: reader(dialect, data) for dialect in Dialect}
    rows = [
        (token, url, {dialect: read(token, parse_target(url)[0]) for dialect, read in readers.items()})
        for token in tokens
        for url in urls
    ]
    agree = all(_agree(verdicts) for *_, verdicts in rows)
    if as_json:
        click.echo(json.dumps({"agree": agree, "answers": [_compared(*row) for row in rows]}))
    else:
        click.echo("\n".join(_side_by_side(rows)))
    sys.exit(0 if agree else 1)


def _agree(verdicts: dict[Dialect, Verdict]) -> bool:
    return len({verdict.allowed for verdict in verdicts.values()}) == 1


def _compared(token: str, url: str, verdicts: dict[Dialect, Verdict]) -> dict[str, Any]:
    readings = {dialect.value: {"allowed": each.allowed, "line": each.line} for dialect, each in verdicts.items()}
    return {"token": token, "url": url, "agree": _agree(verdicts), "readings": readings}


def _side_by_side(rows: list[tuple[str, str, dict[Dialect, Verdict]]]) -> Iterator[str]:
    """A column a reader; a star marks who differs from the first, which is RFC 9309."""
    from optout.cli.terminal import safe

    width = max(len(name) for name in DIALECTS) + 6
    yield "".join(name.ljust(width) for name in DIALECTS).rstrip()
    for token, url, verdicts in rows:
        standard = next(iter(verdicts.values())).allowed
        cells = []
        for verdict in verdicts.values():
            line = f":{verdict.line}" if verdict.line else ""
            star = "" if verdict.allowed == standard else " *"
            cells.append(f"{'allow' if verdict.allowed else 'disallow'}{line}{star}".ljust(width))
        yield f"{''.join(cells)}{safe(token)}  {safe(url)}"
    if not all(_agree(verdicts) for *_, verdicts in rows):
        yield "* differs from RFC 9309"


robots.add_command(diff)


@robots.command()
@lint_options
def lint(files: tuple[str, ...], is_fixed: bool, form: str, as_json: bool) -> None:
    """Find mistakes in FILE..., each a robots.txt (- is standard input).

    Exit code: 0 nothing, or notes alone; 1 errors or warnings; 2 fault. With --fix what is left is told.
    """
    from optout.adapters.crawler_files import registry_in_use
    from optout.lint.runner import fix_robots, lint_robots

    registry = registry_in_use()
    run_lint(
        files,
        "robots.txt",
        "json" if as_json else form,
        lambda data: lint_robots(data, registry),
        fix_robots if is_fixed else None,
    )


@robots.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def render(file: str, as_json: bool) -> None:
    """Write FILE (- is standard input) anew in one form that says the same and that every reader takes alike.

    Groups whole, each with a rule, patterns in ASCII, sitemaps last; comments and what cannot be read are left out.
    """
    from optout.robots.parser import parse_robots
    from optout.robots.writer import write_robots

    with click.open_file(file, "rb") as stream:
        data = stream.read()
    parsed = parse_robots(data)
    written = write_robots(parsed)
    if as_json:
        faults = [{"line": each.line, "code": each.code, "text": each.text} for each in parsed.faults]
        click.echo(json.dumps({"text": written.decode("utf-8", "replace"), "faults": faults}))
        return
    sys.stdout.buffer.write(written)
    if parsed.faults:
        click.echo(f"{len(parsed.faults)} faults in what was read; `optout robots lint` tells them", err=True)
