"""`optout evidence export`: the log in the form that public readers of transparency logs know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import DIRECTORY, JSON
from optout.cli.terminal import safe
from optout.errors import EvidenceError

if TYPE_CHECKING:
    from optout.evidence.segments import Entry


@click.command()
@DIRECTORY
@click.option(
    "--tiles",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="OUT",
    help="Write checkpoint, hash tiles and entry bundles (C2SP tlog-tiles) into this new directory.",
)
@JSON
def export(directory: Path, out: Path, as_json: bool) -> None:
    """Write the whole log, as far as it is signed, as static files. It holds every tenant's records."""
    from optout.evidence.directory import Layout
    from optout.evidence.export import export_tiles

    checkpoint = export_tiles(Layout(directory), out)
    if as_json:
        told = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex(), "out": str(out)}
        click.echo(json.dumps(told))
        return
    click.echo(f"{checkpoint.size} records of {safe(checkpoint.origin)} in {safe(str(out))}")


def write_proof(directory: Path, entry: Entry, file: Path) -> None:
    """Write a record's proof to `file` and its bytes beside it; raises EvidenceError."""
    from optout.evidence.directory import Layout
    from optout.evidence.proofs import prove
    from optout.evidence.signing import load_verifier_key

    layout = Layout(directory)
    try:
        proof = prove(layout, entry.record, entry.leaf_index, load_verifier_key(layout.vkey))
        if proof is None:
            raise EvidenceError(
                f"record {entry.leaf_index} is not signed yet", "try again in ten seconds, or when Optout has stopped"
            )
        file.write_bytes(proof.encode())
        file.with_name(f"{file.name}.record").write_bytes(entry.record)
    except OSError as fault:
        raise EvidenceError(f"cannot write the proof: {fault}") from fault
