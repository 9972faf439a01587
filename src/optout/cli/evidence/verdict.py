"""`optout evidence verify`: whether the log still is what was signed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import DIRECTORY, JSON
from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.evidence.audit import AuditReport


@click.command()
@DIRECTORY
@click.option("--vkey", "expected", default="", metavar="V", help="The key that the log must have, from elsewhere.")
@JSON
def verify(directory: Path, expected: str, as_json: bool) -> None:
    """Check the whole log against its signatures. Exit 0: sound, 1: not, 2: could not tell."""
    from optout.evidence.audit import Verdict, audit
    from optout.evidence.checkpoint import NoteFault, parse_verifier_key

    vkey = parse_verifier_key(expected) if expected else None
    if isinstance(vkey, NoteFault):
        raise UsageError(f"--vkey: {vkey.text}", "give the line that `optout evidence key` prints")
    report = audit(directory, vkey)
    click.echo(json.dumps(_as_json(report)) if as_json else _verdict(report))
    codes = {Verdict.SOUND: 0, Verdict.NOT_SOUND: 1, Verdict.COULD_NOT_TELL: 2}
    sys.exit(codes[report.verdict])


def _as_json(report: AuditReport) -> dict[str, object]:
    return {
        "verdict": report.verdict.value,
        "origin": report.origin,
        "vkey": report.vkey,
        "self_attested": report.self_attested,
        "size": report.size,
        "covered": report.covered,
        "boots": report.boots,
        "snapshots": report.snapshots,
        "gaps": report.gaps,
        "waiting": report.waiting,
        "proved": list(report.proved),
        "not_proved": list(report.not_proved),
        "problems": [
            {"file": problem.file, "index": problem.index, "text": problem.text} for problem in report.problems
        ],
    }


def _verdict(report: AuditReport) -> str:
    own = " (self-attested: by the key in the directory itself)" if report.self_attested else ""
    lines = [f"{report.verdict}{own}"]
    sections = (
        ("problems", [str(problem) for problem in report.problems]),
        ("proved", report.proved),
        ("not proved", report.not_proved),
    )
    for title, sentences in sections:
        if sentences:
            lines += ["", title, *(f"  - {safe(sentence, 400)}" for sentence in sentences)]
    return "\n".join(lines)
