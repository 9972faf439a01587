"""`optout evidence figures`: how many requests, by whom, and what was handed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.choosing import COLUMNS, catalog_of, filters, question
from optout.cli.evidence.options import DIRECTORY, JSON
from optout.cli.evidence.rows import moment
from optout.cli.terminal import safe

if TYPE_CHECKING:
    from optout.evidence.index.figures import Figure

_BY = ("crawler", "operator", "purpose", "action", "standing", "day", "host", "tenant", "type")
_WIDEST = 48


@click.command()
@DIRECTORY
@filters
@click.option("--by", multiple=True, type=click.Choice(_BY), help="Sum up by this; may be given several times.")
@JSON
def figures(directory: Path, by: tuple[str, ...], as_json: bool, **options: str) -> None:
    """Sum up records: how many, bytes of content sent, first and last. Requests, if no --type is given.

    Records that were retracted are in no sum.
    """
    options["type"] = options["type"] or "crawl.request"
    wanted = question(options)
    with catalog_of(directory) as catalog:
        found = catalog.figures(wanted, tuple(COLUMNS.get(name, name) for name in by))
    if as_json:
        click.echo(json.dumps([_as_json(by, figure) for figure in found]))
        return
    for text in _table(by, found):
        click.echo(text)


def _as_json(by: tuple[str, ...], figure: Figure) -> dict[str, object]:
    return {
        **dict(zip(by, figure.key, strict=True)),
        "count": figure.count,
        "bytes": figure.size,
        "first_us": figure.first_us,
        "last_us": figure.last_us,
    }


def _table(by: tuple[str, ...], found: list[Figure]) -> list[str]:
    rows = [(*by, "count", "bytes", "first", "last")]
    for figure in found:
        times = ("" if us is None else moment(us) for us in (figure.first_us, figure.last_us))
        keys = (safe(text, _WIDEST) or "-" for text in figure.key)
        rows.append((*keys, str(figure.count), str(figure.size), *times))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_cells(row, widths, len(by))).rstrip() for row in rows]


def _cells(row: tuple[str, ...], widths: list[int], keys: int) -> list[str]:
    numbers = (keys, keys + 1)
    return [
        text.rjust(width) if place in numbers else text.ljust(width)
        for place, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
