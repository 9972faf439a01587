"""`optout evidence policy-at`: what was in force on a day, and what is different today."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import DIRECTORY, JSON, microseconds
from optout.cli.terminal import safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from optout.evidence.directory import Layout

_LONGEST = 500  # characters of a line of a difference


@click.command(name="policy-at")
@DIRECTORY
@click.argument("date", metavar="TIME")
@click.option("--authority", default="", metavar="SITE", help="Only what this site published.")
@click.option("--show", "is_shown", is_flag=True, help="Print the documents of that time, whole.")
@JSON
def policy_at(directory: Path, date: str, authority: str, is_shown: bool, as_json: bool) -> None:
    """Say which policies, robots.txt and tdmrep.json were in force at TIME, and how they differ from today's."""
    from optout.evidence.directory import Layout

    time_us = microseconds(date, "TIME")
    if time_us is None:
        raise UsageError("TIME is missing", "write it as 2026-11-24 or 2026-11-24T10:00:00Z")
    layout = Layout(directory)
    then, now = _in_force(layout, authority, time_us)
    if as_json:
        click.echo(json.dumps([_told(key, then.get(key, ""), now.get(key, "")) for key in sorted({*then, *now})]))
        return
    for key in sorted({*then, *now}):
        before, after = then.get(key, ""), now.get(key, "")
        click.echo(
            f"{safe(' '.join(key))}  {before or 'none'}{'' if before == after else '  today ' + (after or 'none')}"
        )
        if is_shown and before:
            click.echo("\n".join(safe(line, _LONGEST) for line in _lines(layout, before)))
        elif before != after:
            for line in difflib.unified_diff(
                _lines(layout, before), _lines(layout, after), "then", "today", lineterm=""
            ):
                click.echo(f"  {safe(line, _LONGEST)}")
    if not then and not now:
        click.echo("nothing is known of that time")


_Key = tuple[str, str]


def _in_force(layout: Layout, authority: str, time_us: int) -> tuple[dict[_Key, str], dict[_Key, str]]:
    """The SHA-256 of each document by what and whose it is, at that time and now; "" for one that is gone."""
    then: dict[_Key, str] = {}
    now: dict[_Key, str] = {}
    for _, fields in fields_of(layout):
        found = _document(fields)
        if found is None or (authority and found[0][1] != authority):
            continue
        key, digest = found
        now[key] = digest
        moment = fields.get("time_us")
        if isinstance(moment, int) and moment <= time_us:
            then[key] = digest
    return then, now


def _document(fields: Mapping[str, object]) -> tuple[_Key, str] | None:
    """Which document a record says is in force; None for other records."""
    if fields.get("type") == "declaration.seen":
        key = (str(fields.get("declaration.name")), str(fields.get("server.address")))
        return key, str(fields.get("declaration.sha256", ""))
    if fields.get("type") == "policy.snapshot":
        whose = fields.get("file") or fields.get("authority")
        if whose:
            return (str(fields.get("snapshot.kind")), str(whose)), str(fields.get("snapshot.sha256", ""))
    return None


def fields_of(layout: Layout) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Every record of a log and of those before it, with its place in its own; raises EvidenceError."""
    from optout.evidence.schema import parse_record
    from optout.evidence.segments import Break, read_entries
    from optout.evidence.signing import load_verifier_key
    from optout.evidence.succession import logs_of

    load_verifier_key(layout.vkey)
    try:
        for log in logs_of(layout.root):
            for item in read_entries(log / layout.segments.name):
                if not isinstance(item, Break):
                    yield item.leaf_index, parse_record(item.record) or {}
    except OSError as fault:
        raise EvidenceError(f"cannot read {fault.filename}: {fault.strerror}") from fault


def _lines(layout: Layout, digest: str) -> list[str]:
    data = layout.document(digest) if digest else b""
    if data is None:
        return [f"(the document {digest} is not here)"]
    return data.decode("utf-8", "replace").splitlines()


def _told(key: _Key, before: str, after: str) -> dict[str, object]:
    return {"document": key[0], "of": key[1], "then": before or None, "today": after or None, "same": before == after}
