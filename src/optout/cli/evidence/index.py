"""`optout evidence index`: read what is new into the index, or make it anew."""

from __future__ import annotations

import json
from pathlib import Path

import click

from optout.cli.evidence.choosing import told_on_terminal
from optout.cli.evidence.options import DIRECTORY, JSON
from optout.cli.terminal import safe
from optout.errors import EvidenceError


@click.command()
@DIRECTORY
@click.option("--rebuild", is_flag=True, help="Throw it away first; nothing is lost by that.")
@JSON
def index(directory: Path, rebuild: bool, as_json: bool) -> None:
    """Bring the index up to date, which `list`, `show` and `figures` do by themselves.

    It is made from the records and can be deleted at any time.
    """
    from optout.evidence.index.opening import open_index
    from optout.evidence.succession import logs_of

    try:
        logs = logs_of(directory)
    except OSError as fault:
        raise EvidenceError(f"cannot read {fault.filename}: {fault.strerror}") from fault
    found = []
    for log in logs:
        with told_on_terminal() as told, open_index(log, rebuild=rebuild, told=told) as opened:
            found.append(
                {
                    "log": str(log),
                    "file": str(opened.path) if opened.path is not None else None,
                    "records": opened.size,
                    "replaced": opened.replaced,
                    "damaged": [each.index for each in opened.breaks],
                }
            )
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        where = one["file"] or f"nowhere: {one['log']} cannot be written, so each question reads all of it"
        click.echo(f"{one['records']} records in {safe(str(where))}")
        if one["replaced"]:
            click.echo(f"  the index before it was moved aside: {safe(str(one['replaced']))}")
