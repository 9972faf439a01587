"""`optout evidence list|show`: the records, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.export import write_proof
from optout.cli.evidence.options import BY, DIRECTORY, JSON, microseconds
from optout.cli.evidence.privacy import reveal_part
from optout.cli.terminal import safe
from optout.errors import EvidenceError

if TYPE_CHECKING:
    from optout.evidence.checkpoint import Checkpoint
    from optout.evidence.segments import Entry


@click.command(name="list")
@DIRECTORY
@click.option("--type", "kind", default="", metavar="T", help="Only records of this type, as crawl.request.")
@click.option(
    "--since", default="", metavar="TIME", help="Only records from this time on (ISO 8601; UTC unless it says)."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the last N of them.")
@click.option("--json", "as_json", is_flag=True, help="A record a line, its leaf exactly as stored.")
def list_records(directory: Path, kind: str, since: str, limit: int | None, as_json: bool) -> None:
    """List records in the order of the log."""
    chosen: Iterator[Entry] | deque[Entry] = _chosen(directory, kind, microseconds(since, "--since"))
    if limit is not None:
        chosen = deque(chosen, maxlen=limit)
    for entry in chosen:
        sys.stdout.buffer.write((entry.record if as_json else _line(entry).encode()) + b"\n")
    sys.stdout.flush()
    waiting = _waiting(directory)
    if waiting:
        click.echo(f"{waiting} more in spools of other writers, not yet in the tree", err=True)


@click.command()
@DIRECTORY
@click.argument("record_id", metavar="ID")
@click.option(
    "--proof",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the proof that a signature covers it (C2SP tlog-proof), and its bytes to FILE.record.",
)
@click.option("--private", "is_revealed", is_flag=True, help="Its private part, too; that it was read is recorded.")
@click.option("--reason", default="", metavar="TEXT", help="Why the private part is read; it stands in the log.")
@BY
@JSON
def show(
    directory: Path, record_id: str, proof: Path | None, is_revealed: bool, reason: str, by: str, as_json: bool
) -> None:
    """Show one record, by its id or its index: its fields, leaf hash, and whether a signature covers it."""
    meant = [entry for entry in _entries(directory) if _is_meant(entry, record_id)]
    if not meant:
        click.echo(f"no record {safe(record_id)} in this log", err=True)
        sys.exit(1)
    if proof is not None:
        write_proof(directory, meant[0], proof)
    shown = [_shown(directory, entry) for entry in meant]
    if is_revealed:
        for one, entry in zip(shown, meant, strict=True):
            one["private"] = reveal_part(directory, entry, by, reason)
    for one in shown:
        click.echo(json.dumps(one) if as_json else _page(one))


# Choosing records


def _entries(directory: Path) -> Iterator[Entry]:
    """Every record that is whole; at the end an EvidenceError if others are not."""
    from optout.evidence.directory import Layout
    from optout.evidence.segments import Break, Damage, read_entries
    from optout.evidence.signing import load_verifier_key

    layout = Layout(directory)
    load_verifier_key(layout.vkey)
    broken = None
    try:
        for item in read_entries(layout.segments):
            if not isinstance(item, Break):
                yield item
            elif not (item.last and item.damage is Damage.INCOMPLETE):
                broken = broken or item
    except OSError as fault:
        raise EvidenceError(f"cannot read {fault.filename}: {fault.strerror}") from fault
    if broken is not None:
        raise EvidenceError(
            f"record {broken.index} in {broken.path} is damaged: this is not all", "run `optout evidence verify`"
        )


def _waiting(directory: Path) -> int:
    from optout.evidence.directory import Layout
    from optout.evidence.waiting import count_waiting, read_taken

    layout = Layout(directory)
    try:
        return count_waiting(layout, read_taken(layout))
    except OSError as fault:
        raise EvidenceError(f"cannot read {fault.filename}: {fault.strerror}") from fault


def _chosen(directory: Path, kind: str, since_us: int | None) -> Iterator[Entry]:
    from optout.evidence.schema import parse_envelope

    for entry in _entries(directory):
        envelope = parse_envelope(entry.record)
        if envelope is None or (kind and envelope.type != kind):
            continue
        if since_us is None or envelope.time_us >= since_us:
            yield entry


def _is_meant(entry: Entry, record_id: str) -> bool:
    from optout.evidence.schema import parse_envelope

    if record_id.isdecimal() and record_id.isascii():
        return str(entry.leaf_index) == record_id
    envelope = parse_envelope(entry.record)
    return envelope is not None and envelope.id == record_id


# For people


def _line(entry: Entry) -> str:
    from optout.evidence.schema import parse_record

    fields = parse_record(entry.record) or {}
    place = f"{fields.get('server.address', '')}{fields.get('url.path', '')}"
    action = fields.get("decision.action")
    if action is not None and fields.get("decision.enforced") is False:
        action = f"would {action}"
    told = (fields.get("crawl.product"), action, place, fields.get("reason"))
    words = " ".join(safe(str(word), 80) for word in told if word)
    kind = safe(str(fields.get("type")))
    return f"{entry.leaf_index:>7}  {_moment(fields.get('time_us'))}  {kind:<15}  {words}".rstrip()


def _moment(time_us: object) -> str:
    try:
        return datetime.fromtimestamp(int(str(time_us)) / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return safe(str(time_us))


def _shown(directory: Path, entry: Entry) -> dict[str, object]:
    from optout.evidence.schema import parse_record
    from optout.evidence.tree import leaf_hash

    checkpoint = _checkpoint(directory)
    return {
        "index": entry.leaf_index,
        "leaf_hash": leaf_hash(entry.record).hex(),
        "covered": checkpoint is not None and entry.leaf_index < checkpoint.size,
        "checkpoint_size": checkpoint.size if checkpoint is not None else None,
        "file": str(entry.path.relative_to(directory)),
        "record": parse_record(entry.record),
    }


def _checkpoint(directory: Path) -> Checkpoint | None:
    from optout.evidence.checkpoint import NoteFault, open_checkpoint
    from optout.evidence.directory import Layout
    from optout.evidence.signing import load_verifier_key

    layout = Layout(directory)
    try:
        checkpoint = open_checkpoint(layout.checkpoint.read_bytes(), load_verifier_key(layout.vkey))
    except OSError:
        return None
    return None if isinstance(checkpoint, NoteFault) else checkpoint


def _page(shown: dict[str, object]) -> str:
    size = shown["checkpoint_size"]
    covered = f"yes, by the checkpoint over {size} records" if shown["covered"] else "not yet"
    lines = [
        f"record     {shown['index']} in {safe(str(shown['file']))}",
        f"leaf hash  {shown['leaf_hash']}",
        f"covered    {covered}",
        "",
    ]
    record = shown["record"]
    if isinstance(record, dict):
        width = max(map(len, record), default=0)
        for name, value in sorted(record.items()):
            text = ", ".join(map(str, value)) if isinstance(value, list) else _plain(value)
            lines.append(f"{safe(name):<{width}}  {safe(text, 4096)}")
    if "private" in shown:
        private = shown["private"]
        lines += ["", "private part"]
        if isinstance(private, dict):
            lines += [f"{safe(name)}  {safe(str(value), 4096)}" for name, value in sorted(private.items())]
        else:
            lines.append("there is none, or it was erased")
    return "\n".join([*lines, ""])


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
