"""`optout doctor`: what is right and wrong with an installation, and the lines to paste."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.adapters.doctor import Diagnosis
    from optout.adapters.doctor.findings import Finding

_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("url", required=False)
@click.option("--state", type=_DIRECTORY, help="The state directory that the door was given.")
@click.option("--policy", default="", metavar="FILE|DIR|NAME", help="The policy; else the one that the door names.")
@click.option("--evidence", type=_DIRECTORY, help="The evidence directory; else the one that the door names.")
@click.option("--crawler", default="GPTBot", show_default=True, metavar="NAME", help="The AI crawler to come as.")
@click.option("--connect", default="", metavar="HOST:PORT", help="Where to connect, instead of where URL's name leads.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(
    url: str | None,
    state: Path | None,
    policy: str,
    evidence: Path | None,
    crawler: str,
    connect: str,
    as_json: bool,
) -> None:
    """Ask the site at URL through its front door, and the doors and the disk of this machine, what is wrong.

    It comes as a person, as a search engine and as an AI crawler, about twenty requests in all, and changes nothing.
    Without URL it looks at this machine alone. Exit 0: nothing to do, 1: findings, 2: the site gave no answer.
    """
    if importlib.util.find_spec("aiohttp") is None:
        raise UsageError("aiohttp is not installed", "install Optout with it: pip install 'optout[serve]'")
    import asyncio

    from optout.adapters.doctor import Complaint, diagnose
    from optout.adapters.switch import default_state_directory

    complaint = Complaint(
        url=url,
        state=state or default_state_directory(),
        connect=connect,
        policy=policy,
        evidence=evidence,
        crawler=crawler,
    )
    diagnosis = asyncio.run(diagnose(complaint))
    click.echo(json.dumps(_as_json(diagnosis)) if as_json else _text(diagnosis))
    click.get_current_context().exit(2 if not diagnosis.was_asked else 0 if diagnosis.is_clean else 1)


def _as_json(diagnosis: Diagnosis) -> dict[str, object]:
    findings = [
        {
            "code": finding.code,
            "level": finding.level.value,
            "what": finding.what,
            "why": finding.why,
            "lines": list(finding.lines),
        }
        for finding in diagnosis.findings
    ]
    return {"asked": diagnosis.was_asked, "clean": diagnosis.is_clean, "findings": findings}


def _text(diagnosis: Diagnosis) -> str:
    told = [line for finding in diagnosis.findings for line in _lines(finding)]
    counts = [finding.level.value for finding in diagnosis.findings]
    faults, warnings = counts.count("fault"), counts.count("warning")
    return "\n".join([*told, "", f"{len(counts)} things looked at: {faults} faults, {warnings} warnings"])


def _lines(finding: Finding) -> list[str]:
    from optout.cli.terminal import safe

    lines = [f"{finding.level.value:<8} {finding.code:<14} {safe(finding.what, 400)}"]
    if finding.why:
        lines.append(f"{'':<23} {safe(finding.why, 400)}")
    return lines + [f"{'':<27} {safe(line, 400)}" for line in finding.lines]
