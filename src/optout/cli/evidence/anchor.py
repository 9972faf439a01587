"""`optout evidence checkpoint|anchor|anchors`: others see the log, so that its time rests on more than one clock."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import DIRECTORY, JSON, SOFTWARE
from optout.cli.terminal import safe
from optout.errors import EvidenceError

if TYPE_CHECKING:
    from optout.evidence.anchors import Checked

_ROOTS = click.option(
    "--roots",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The authorities' root certificates (PEM).",
)


@click.command()
@DIRECTORY
@JSON
def checkpoint(directory: Path, as_json: bool) -> None:
    """Print the log's name, size and root hash in one line. Mail it: whoever has it can check the log later."""
    import base64

    from optout.evidence.checkpoint import NoteFault, open_checkpoint
    from optout.evidence.directory import Layout
    from optout.evidence.seen import seen_of
    from optout.evidence.signing import load_verifier_key

    layout = Layout(directory)
    key = load_verifier_key(layout.vkey)
    try:
        found = open_checkpoint(layout.checkpoint.read_bytes(), key)
    except OSError as fault:
        raise EvidenceError(f"cannot read {layout.checkpoint}: {fault.strerror}") from fault
    if isinstance(found, NoteFault):
        raise EvidenceError(f"{layout.checkpoint}: {found.text}", "restore it from its backup")
    if as_json:
        root = base64.b64encode(found.root).decode()
        click.echo(json.dumps({"origin": found.origin, "size": found.size, "root": root}))
        return
    click.echo(str(seen_of(found)))


@click.command()
@DIRECTORY
@click.option("--tsa", "authorities", multiple=True, required=True, metavar="URL", help="A timestamp authority.")
@_ROOTS
@JSON
def anchor(directory: Path, authorities: tuple[str, ...], roots: Path | None, as_json: bool) -> None:
    """Have the log's last checkpoint stamped (RFC 3161). Run it every hour from a timer; it never touches a door.

    Exit 0: every authority has stamped it, 1: one has not, and the next run asks again.
    """
    import asyncio

    from optout.adapters.anchoring import anchor as ask
    from optout.evidence.anchors import ROOTS
    from optout.evidence.directory import Layout

    file = roots or Layout(directory).anchors / ROOTS
    try:
        pem = file.read_bytes()
    except OSError as fault:
        raise EvidenceError(
            f"no root certificates: {fault.strerror}", "give --roots FILE; the authority publishes them"
        ) from fault
    asked = asyncio.run(ask(directory, authorities, pem, software=SOFTWARE))
    if as_json:
        told = [
            {
                "authority": one.authority,
                "size": one.size,
                "time_us": one.token.time_us if one.token else None,
                "fault": one.fault,
            }
            for one in asked
        ]
        click.echo(json.dumps(told))
    else:
        for one in asked:
            what = one.fault or (one.token.moment if one.token else "has stamped this checkpoint already")
            click.echo(f"{safe(one.authority)}  {one.size} records  {safe(what, 300)}")
    sys.exit(1 if any(one.fault for one in asked) else 0)


@click.command()
@DIRECTORY
@_ROOTS
@JSON
def anchors(directory: Path, roots: Path | None, as_json: bool) -> None:
    """List the timestamps, each checked again. Exit 0: all hold, 1: one does not."""
    from optout.evidence.anchors import check_anchors, own_roots, rests_on
    from optout.evidence.checkpoint import NoteFault
    from optout.evidence.directory import Layout
    from optout.evidence.signing import load_verifier_key
    from optout.evidence.timestamp import Token, load_roots

    layout = Layout(directory)
    key = load_verifier_key(layout.vkey)
    try:
        known = load_roots(roots.read_bytes()) if roots else own_roots(layout)
        found = check_anchors(layout, key, known)
    except OSError as fault:
        raise EvidenceError(f"cannot read the timestamps: {fault}") from fault
    size = max((one.anchor.size for one in found), default=0)
    if as_json:
        click.echo(json.dumps([_told(one) for one in found]))
    else:
        for one in found:
            told = _told(one)
            click.echo(f"{one.anchor.size:>9} records  {safe(one.anchor.authority)}  {safe(str(told['text']), 300)}")
        click.echo(rests_on(found, size))
    bad = [one for one in found if isinstance(one.checkpoint, NoteFault) or not isinstance(one.token, Token)]
    sys.exit(1 if bad else 0)


def _told(one: Checked) -> dict[str, object]:
    from optout.evidence.checkpoint import NoteFault
    from optout.evidence.timestamp import Token, TokenFault

    holds = isinstance(one.token, Token) and not isinstance(one.checkpoint, NoteFault)
    if isinstance(one.checkpoint, NoteFault):
        text = one.checkpoint.text
    elif isinstance(one.token, TokenFault):
        text = one.token.text
    else:
        text = one.token.moment if one.token is not None else "not checked: no root certificates"
    return {
        "size": one.anchor.size,
        "authority": one.anchor.authority,
        "holds": holds,
        "text": text,
        "time_us": one.token.time_us if isinstance(one.token, Token) else None,
    }
