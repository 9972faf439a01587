"""`optout robots diff`: what a new robots.txt changes, crawler by crawler and page by page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optout.cli.url_lists import listed

if TYPE_CHECKING:
    from optout.robots.changes import Flip
    from optout.robots.matcher import Match

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option(
    "--token", "tokens", multiple=True, metavar="TOKEN", help="A product token; all that the files name if absent."
)
@click.option("--urls", type=_FILE, metavar="FILE", help="URLs or paths, one a line; else one for each pattern.")
@click.option("--sitemap", type=_FILE, metavar="FILE", help="A sitemap (XML), whose pages are asked for.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diff(old: Path, new: Path, tokens: tuple[str, ...], urls: Path | None, sitemap: Path | None, as_json: bool) -> None:
    """Show which crawler may fetch what after NEW that it might not after OLD, and the other way round.

    Exit code: 0 nothing changes, 1 something does, 2 fault.
    """
    from optout.messages import parse_target
    from optout.robots.changes import flips, named_tokens, sample_paths
    from optout.robots.parser import parse_robots

    before, after = old.read_bytes(), new.read_bytes()
    files = parse_robots(before), parse_robots(after)
    paths = [parse_target(url)[0] for url in listed(urls, sitemap)] if urls or sitemap else sample_paths(*files)
    found = list(flips(before, after, tokens or named_tokens(*files), paths))
    if as_json:
        click.echo(json.dumps({"asked": len(paths), "flips": [_told(flip) for flip in found]}))
    else:
        click.echo("\n".join(_lines(found, old.name, new.name)))
    sys.exit(1 if found else 0)


def _rule(match: Match) -> dict[str, Any] | None:
    return {"line": match.rule.line, "text": match.rule.text} if match.rule is not None else None


def _told(flip: Flip) -> dict[str, Any]:
    return {
        "token": flip.token,
        "path": flip.path,
        "before": {"allowed": flip.before.allowed, "rule": _rule(flip.before)},
        "after": {"allowed": flip.after.allowed, "rule": _rule(flip.after)},
    }


def _lines(found: list[Flip], old: str, new: str) -> Iterator[str]:
    from optout.cli.terminal import safe
    from optout.robots.changes import EVERYONE

    for flip in found:
        mark = "+" if flip.after.allowed else "-"
        word = "may be fetched now" if flip.after.allowed else "may not be fetched any more"
        name = "everybody else" if flip.token == EVERYONE else safe(flip.token)
        yield f"{mark} {name}: {safe(flip.path)} {word}"
        for file, match in ((old, flip.before), (new, flip.after)):
            rule = f"{match.rule.line}  {safe(match.rule.text)}" if match.rule is not None else "-  no rule"
            yield f"    {safe(file)}:{rule}"
    yield f"{len(found)} answers change" if found else "nothing changes"
