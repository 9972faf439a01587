"""`optout evidence list|show`: the records, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.choosing import catalog_of, filters, question
from optout.cli.evidence.crawler_signature import rechecked, signature_lines
from optout.cli.evidence.export import write_proof
from optout.cli.evidence.options import BY, DIRECTORY, JSON
from optout.cli.evidence.privacy import reveal_part
from optout.cli.evidence.rows import HEADER, csv_row, line, row
from optout.cli.terminal import safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from optout.evidence.checkpoint import Checkpoint
    from optout.evidence.index.catalog import Catalog, Cursor, Hit
    from optout.evidence.index.figures import Figure
    from optout.evidence.index.question import Question
    from optout.evidence.segments import Break, Entry

_LONGEST_INDEX = 16  # digits


@click.command(name="list")
@DIRECTORY
@filters
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Only the last N of them; of a page, its length."
)
@click.option("--reverse", is_flag=True, help="The newest first, and a cursor for the next page.")
@click.option("--cursor", default="", metavar="C", help="On from there: what a page before printed, or start.")
@click.option("--count", is_flag=True, help="Only how many they are, without those retracted.")
@click.option("--csv", "as_csv", is_flag=True, help="A row each, safe to open as a spreadsheet.")
@click.option("--json", "as_json", is_flag=True, help="A record a line, its leaf exactly as stored.")
def list_records(
    directory: Path,
    limit: int | None,
    reverse: bool,
    cursor: str,
    count: bool,
    as_csv: bool,
    as_json: bool,
    **options: str,
) -> None:
    """List records in the order of the log."""
    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other", "choose one")
    wanted, start = question(options), _cursor(cursor)
    with catalog_of(directory) as catalog:
        if count:
            _print_count(catalog.figures(wanted), as_json)
            return
        shape = _shape(as_csv, as_json)
        if as_csv:
            _print(csv_row(HEADER).encode())
        page = _Page(catalog=catalog, question=wanted, limit=limit)
        if limit is not None and not (reverse or cursor):
            for hit in page.last():
                _print(shape(hit))
        else:
            for hit in page.read(start, newest_first=reverse):
                _print(shape(hit))
        sys.stdout.flush()
        if page.end is not None and (reverse or cursor):
            click.echo(f"next page: --cursor {page.end}", err=True)
        waiting = _waiting(catalog)
        if waiting:
            click.echo(f"{waiting} more in spools of other writers, not yet in the tree", err=True)
        _complain(page.broken or next(iter(catalog.breaks), None))


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
    """Show one record, by its id or its index: its fields, leaf hash, and whether a signature covers it.

    A crawler's own signature, if the request bore one, is checked again from the record alone.
    """
    meant = _meant(directory, record_id)
    if not meant:
        click.echo(f"no record {safe(record_id)} in this log", err=True)
        sys.exit(1)
    if proof is not None:
        write_proof(*meant[0], proof)
    shown = [_shown(log, entry) for log, entry in meant]
    if is_revealed:
        for one, (_, entry) in zip(shown, meant, strict=True):
            one["private"] = reveal_part(directory, entry, by, reason)
    for one, (log, _) in zip(shown, meant, strict=True):
        one.update(rechecked(log, one))
        click.echo(json.dumps(one) if as_json else _page(one))


# Choosing records


@dataclass(slots=True, kw_only=True)
class _Page:
    """At most `limit` records; then `end` is where the next ones begin, and `broken` the first that is damaged."""

    catalog: Catalog
    question: Question
    limit: int | None
    end: Cursor | None = None
    broken: Break | None = None

    def read(self, start: Cursor | None, *, newest_first: bool) -> Iterator[Hit]:
        """The records behind `start`."""
        from optout.evidence.segments import Break

        self.end, count = start, 0
        for hit in self.catalog.records(self.question, cursor=start, newest_first=newest_first):
            if isinstance(hit, Break):
                self.broken = self.broken or hit
                continue
            if count == self.limit:
                return
            count, self.end = count + 1, hit.cursor
            yield hit
        if newest_first:
            self.end = None  # nothing is older; in the log's order more may come

    def last(self) -> list[Hit]:
        """The last ones, in the order of the log."""
        return list(self.read(None, newest_first=True))[::-1]


def _cursor(text: str) -> Cursor | None:
    from optout.evidence.index.catalog import parse_cursor

    found = None if text in {"", "start"} else parse_cursor(text)
    if found is None and text not in {"", "start"}:
        raise UsageError(f"--cursor: {text!r} is none", "give what a page before printed, or start")
    return found


def _complain(broken: Break | None) -> None:
    if broken is not None:
        raise EvidenceError(
            f"record {broken.index} in {broken.path} is damaged: this is not all", "run `optout evidence verify`"
        )


def _waiting(catalog: Catalog) -> int:
    from optout.evidence.waiting import count_waiting, none_taken

    try:
        return sum(count_waiting(index.layout, index.taken(none_taken(index.layout))) for index in catalog.indexes)
    except OSError as fault:
        raise EvidenceError(f"cannot read {fault.filename}: {fault.strerror}") from fault


def _meant(directory: Path, record_id: str) -> list[tuple[Path, Entry]]:
    from optout.evidence.directory import Layout
    from optout.evidence.index.asking import find_leaf
    from optout.evidence.signing import load_verifier_key

    load_verifier_key(Layout(directory).vkey)
    if record_id.isdecimal() and record_id.isascii() and len(record_id) <= _LONGEST_INDEX:
        try:
            entry = find_leaf(Layout(directory), int(record_id))
        except OSError as fault:
            raise EvidenceError(f"cannot read {fault.filename}: {fault.strerror}") from fault
        return [(directory, entry)] if entry is not None else []
    with catalog_of(directory) as catalog:
        found = catalog.find(record_id)
        if not found:
            _complain(next(iter(catalog.breaks), None))
        return found


# For people and for programs


def _print(data: bytes) -> None:
    sys.stdout.buffer.write(data + b"\n")


def _shape(as_csv: bool, as_json: bool) -> Callable[[Hit], bytes]:
    if as_json:
        return lambda hit: hit.found.entry.record
    if as_csv:
        return lambda hit: row(hit.found.entry, hit.found.row).encode()
    return lambda hit: line(hit.found.entry, retracted=bool(hit.found.row.retracted)).encode()


def _print_count(found: list[Figure], as_json: bool) -> None:
    count = found[0].count
    click.echo(json.dumps({"count": count}) if as_json else str(count))


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
    ]
    lines += signature_lines(shown)
    lines.append("")
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
