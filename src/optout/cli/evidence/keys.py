"""`optout evidence init|key`: make a log, tell its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import DIRECTORY, JSON
from optout.cli.terminal import safe

if TYPE_CHECKING:
    from optout.evidence.checkpoint import VerifierKey


@click.command()
@DIRECTORY
@click.option("--origin", default="", metavar="NAME", help="The log's name, as example.org/optout; random if absent.")
@JSON
def init(directory: Path, origin: str, as_json: bool) -> None:
    """Make a log in a new or empty directory, with a key of its own."""
    from optout.evidence.clock import SystemClock
    from optout.evidence.directory import create_log

    _print_key(create_log(directory, origin, now_us=SystemClock().now_us()), as_json)
    if not as_json:
        click.echo("Write the key down where nobody who can reach this directory can change it.")


@click.command()
@DIRECTORY
@JSON
def key(directory: Path, as_json: bool) -> None:
    """Print the log's public key and its fingerprint."""
    from optout.evidence.directory import Layout
    from optout.evidence.signing import load_verifier_key

    _print_key(load_verifier_key(Layout(directory).vkey), as_json)


def _print_key(vkey: VerifierKey, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"origin": vkey.name, "vkey": str(vkey), "fingerprint": vkey.fingerprint}))
        return
    click.echo(f"key          {safe(str(vkey))}")
    click.echo(f"fingerprint  sha256:{vkey.fingerprint}")
