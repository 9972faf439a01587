"""`optout evidence verify`: whether the log still is what was signed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import DIRECTORY, JSON
from optout.cli.terminal import percent, safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from optout.evidence.anchors import Checked
    from optout.evidence.audit import AuditReport
    from optout.evidence.chain import Audited
    from optout.evidence.seen import Seen


@click.command()
@DIRECTORY
@click.option("--vkey", "expected", default="", metavar="V", help="The key that the log must have, from elsewhere.")
@click.option("--seen", multiple=True, metavar="LINE", help="'origin size root' that somebody noted; several times.")
@click.option(
    "--seen-file",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A checkpoint that somebody kept, or a file of such lines.",
)
@JSON
def verify(directory: Path, expected: str, seen: tuple[str, ...], seen_file: tuple[Path, ...], as_json: bool) -> None:
    """Check the whole log against its signatures. Exit 0: sound, 1: not, 2: could not tell."""
    from optout.evidence.anchors import check_anchors, own_roots, rests_on, seen_by_authorities
    from optout.evidence.audit import Verdict
    from optout.evidence.chain import audit_chain, last_key
    from optout.evidence.checkpoint import NoteFault, parse_verifier_key
    from optout.evidence.directory import Layout

    vkey = parse_verifier_key(expected) if expected else None
    if isinstance(vkey, NoteFault):
        raise UsageError(f"--vkey: {vkey.text}", "give the line that `optout evidence key` prints")
    noted = _noted(seen, seen_file)
    layout, trouble = Layout(directory), ""
    checked: tuple[Checked, ...] = ()
    try:
        key = last_key(directory, vkey)
        if key is not None:
            checked = check_anchors(layout, key, own_roots(layout))
    except (OSError, EvidenceError) as fault:  # what is wrong with the log itself is the audit's to say
        trouble = "" if isinstance(fault, FileNotFoundError) else f"the timestamps could not be checked: {fault}"
    *earlier, last = audit_chain(directory, vkey, (*noted, *seen_by_authorities(checked)), percent())
    report = last.report
    told = [*_anchor_faults(checked), *([trouble] if trouble else [])]
    time = rests_on(checked, report.covered)
    if as_json:
        past = [{"log": one.log.name, **_as_json(one.report, "", [])} for one in earlier]
        click.echo(json.dumps({**_as_json(report, time, told), "past": past}))
    else:
        click.echo("\n".join([_verdict(report, time, told), *map(_earlier, earlier)]))
    verdicts = {one.report.verdict for one in (*earlier, last)}
    is_sound, is_not = verdicts == {Verdict.SOUND}, Verdict.NOT_SOUND in verdicts
    sys.exit(0 if is_sound else 1 if is_not else 2)


def _earlier(one: Audited) -> str:
    report = one.report
    lines = [f"\nbefore it, in {safe(str(one.log))}: {report.verdict}, {report.size} records"]
    lines += [f"  - {safe(str(problem), 400)}" for problem in report.problems]
    return "\n".join(lines)


def _noted(lines: tuple[str, ...], files: tuple[Path, ...]) -> tuple[Seen, ...]:
    from optout.evidence.checkpoint import NoteFault
    from optout.evidence.seen import parse_seen, parse_seen_file

    found: list[Seen] = []
    for line in lines:
        one = parse_seen(line)
        if isinstance(one, NoteFault):
            raise UsageError(f"--seen: {one.text}", "give the line that `optout evidence checkpoint` printed")
        found.append(one)
    for file in files:
        several = parse_seen_file(file.read_bytes())
        if isinstance(several, NoteFault):
            raise UsageError(f"{file}: {several.text}", "give a checkpoint, or lines of 'origin size root'")
        found += several
    return tuple(found)


def _anchor_faults(checked: tuple[Checked, ...]) -> list[str]:
    from optout.evidence.checkpoint import NoteFault
    from optout.evidence.timestamp import TokenFault

    found = []
    for one in checked:
        wrong = [part.text for part in (one.checkpoint, one.token) if isinstance(part, NoteFault | TokenFault)]
        if wrong:
            found.append(f"the timestamp of {one.anchor.authority} over {one.anchor.size} records: {wrong[0]}")
    return found


def _as_json(report: AuditReport, time: str, told: list[str]) -> dict[str, object]:
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
        "not_proved": [*report.not_proved, *told],
        "time": time,
        "problems": [
            {"file": problem.file, "index": problem.index, "text": problem.text} for problem in report.problems
        ],
    }


def _verdict(report: AuditReport, time: str, told: list[str]) -> str:
    own = " (self-attested: by the key in the directory itself)" if report.self_attested else ""
    lines = [f"{report.verdict}{own}"]
    sections = (
        ("problems", [str(problem) for problem in report.problems]),
        ("proved", report.proved),
        ("not proved", [*report.not_proved, *told]),
        ("time", [time] if report.covered else []),
    )
    for title, sentences in sections:
        if sentences:
            lines += ["", title, *(f"  - {safe(sentence, 400)}" for sentence in sentences)]
    return "\n".join(lines)
