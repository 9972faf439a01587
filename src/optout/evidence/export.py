"""A log as a static C2SP tlog: checkpoint, hash tiles and entry bundles, for any public reader (C2SP tlog-tiles).

The export holds every record below the checkpoint, of every tenant: it is the owner's own. What may be handed on is a
bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint, NoteFault, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.files import replace_file
from optout.evidence.segments import Break, read_entries
from optout.evidence.signing import load_verifier_key
from optout.evidence.tiles import WIDTH, Tiler, numbered, write_derived, write_tile
from optout.evidence.tree import Tree, leaf_hash


def export_tiles(layout: Layout, out: Path) -> Checkpoint:
    """Write the log below its published checkpoint into a new or empty directory; its checkpoint comes last.

    Raises EvidenceError if `out` holds something, or if the records are not those that were signed.
    """
    key = load_verifier_key(layout.vkey)
    try:
        note = layout.checkpoint.read_bytes()
        checkpoint = open_checkpoint(note, key)
        if isinstance(checkpoint, NoteFault):
            raise EvidenceError(f"{layout.checkpoint}: {checkpoint.text}", "restore it from its backup")
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise EvidenceError(f"{out} is not empty", "name a new directory")
        tree, tiler = Tree(), Tiler()
        for number, bundle in enumerate(_bundles(_records(layout, checkpoint.size))):
            for record in bundle:
                leaf = leaf_hash(record)
                tree.append(leaf)
                tiler.append(leaf)
            write_derived(out / "tile" / "entries" / numbered(number, len(bundle)), encode_bundle(bundle))
            for tile in tiler.take_full():
                write_tile(out / "tile", tile)
        for tile in tiler.partial():
            write_tile(out / "tile", tile)
        if (tree.size, tree.root()) != (checkpoint.size, checkpoint.root):
            raise EvidenceError(
                f"{layout.root}: the records are not those that were signed", "run `optout evidence verify`"
            )
        replace_file(out / "vkey", f"{key}\n".encode())
        replace_file(out / "checkpoint", note)
    except OSError as fault:
        raise EvidenceError(f"cannot export {layout.root} to {out}: {fault}") from fault
    return checkpoint


def encode_bundle(records: Iterable[bytes]) -> bytes:
    """An entry bundle: each record behind its length as two bytes (tlog-tiles, "Log entries")."""
    return b"".join(len(record).to_bytes(2, "big") + record for record in records)


def _records(layout: Layout, size: int) -> Iterator[bytes]:
    if not size:
        return
    for item in read_entries(layout.segments):
        if isinstance(item, Break):
            return  # the root tells
        yield item.record
        if item.leaf_index + 1 == size:
            return


def _bundles(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    while bundle := list(islice(records, WIDTH)):
        yield bundle
