"""What `list` and `figures` take alike: which records are meant."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from optout.cli.evidence.options import microseconds

if TYPE_CHECKING:
    from optout.evidence.index.catalog import Catalog
    from optout.evidence.index.question import Question

_Command = TypeVar("_Command", bound=Callable[..., Any])

_FACETS = {
    "type": ("T", "Only records of this type, as crawl.request."),
    "crawler": ("NAME", "Only this crawler, as GPTBot."),
    "operator": ("NAME", "Only crawlers of this operator."),
    "purpose": ("P", "Only this purpose, as train."),
    "action": ("A", "Only this decision: allow, deny, require-license or throttle."),
    "standing": ("S", "Only this standing: verified, consistent, unverified or contradicted."),
    "tenant": ("T", "Only this tenant."),
    "host": ("NAME", "Only requests to this host."),
}
COLUMNS = {"crawler": "product"}
"""Options that the index calls otherwise."""


def filters(command: _Command) -> _Command:
    """Give a command the options that choose records; it gets them as `chosen`."""
    options = [
        click.option("--since", default="", metavar="TIME", help="From this time on (ISO 8601; UTC unless it says)."),
        click.option("--until", default="", metavar="TIME", help="Before this time."),
        click.option("--path", default="", metavar="P", help="Paths that begin so, or a pattern as '/*.jpg'."),
        *(
            click.option(f"--{name}", default="", metavar=metavar, help=text)
            for name, (metavar, text) in _FACETS.items()
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def question(options: dict[str, str]) -> Question:
    """What the options of `filters` ask for; raises UsageError."""
    from optout.evidence.index.question import PathPattern, Question

    facets = {COLUMNS.get(name, name): options[name] for name in _FACETS if options[name]}
    return Question(
        since_us=microseconds(options["since"], "--since"),
        until_us=microseconds(options["until"], "--until"),
        facets=facets,
        path=PathPattern(options["path"]) if options["path"] else None,
    )


@contextmanager
def told_on_terminal() -> Iterator[Callable[[int], None] | None]:
    """Whom to tell how many records were read; None, where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    yield lambda count: click.echo(f"\rreading the log: {count} records", nl=False, err=True)
    click.echo("\r\x1b[K", nl=False, err=True)


@contextmanager
def catalog_of(directory: Path) -> Iterator[Catalog]:
    """The records of a log; says on a terminal how far it is, if there is much to read."""
    from optout.evidence.index.catalog import open_catalog

    with ExitStack() as stack:
        with told_on_terminal() as told:
            catalog = stack.enter_context(open_catalog(directory, told))
        yield catalog
