"""`optout evidence ingest`: from the logs that compiled front ends write into the evidence."""

from __future__ import annotations

import json
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import click


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("--follow", is_flag=True, help="Go on reading until stopped; a log that is not there yet is waited for.")
@click.option("--policy", metavar="FILE|DIR|NAME", help="The compiled policy: kept in the log, and names the tenant.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def ingest(directory: Path, logs: tuple[str, ...], follow: bool, policy: str | None, as_json: bool) -> None:
    """Take the access logs of compiled front ends into the log in DIR, no line twice.

    LOG is a file, read with its rotated files, or with --follow a socket: syslog:unix:/PATH or
    syslog:udp:127.0.0.1:PORT. Exit 0: every line is on record, 1: some were no records, and were counted.
    """
    from optout.adapters.ingest.process import IngestOptions
    from optout.adapters.ingest.process import ingest as run
    from optout.cli.announcement import log_to_stderr

    log_to_stderr()
    options = IngestOptions(
        directory=directory, logs=logs, software=f"optout {version('optout')} ingest", follow=follow, policy=policy
    )

    def on_ready(addresses: tuple[str, ...]) -> None:
        if follow:
            told = {"following": list(logs), "listening": list(addresses)}
            click.echo(json.dumps(told) if as_json else _text(told))

    counts = run(options, on_ready)
    click.echo(json.dumps(_as_json(counts)) if as_json else _summary(counts))
    sys.exit(1 if _lost(counts) and not follow else 0)


def _text(told: dict[str, list[str]]) -> str:
    from optout.cli.terminal import safe

    return "\n".join(f"optout follows {safe(name)}" for name in told["following"])


_KNOWN = ("lines", "records", "repeated")


def _lost(counts: Counter[str]) -> dict[str, int]:
    return {str(name): count for name, count in sorted(counts.items()) if name not in _KNOWN}


def _as_json(counts: Counter[str]) -> dict[str, object]:
    return {**{name: counts[name] for name in _KNOWN}, "lost": _lost(counts)}


def _summary(counts: Counter[str]) -> str:
    lines = [f"{counts['lines']} lines read, {counts['records']} records made, {counts['repeated']} known already"]
    lines += [f"  not recorded, {name}: {count}" for name, count in _lost(counts).items()]
    return "\n".join(lines)
