"""`optout robots lint`: what is wrong with a robots.txt, why it matters, and what can be mended safely."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.lint.base import Finding

_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--fix", "is_fixed", is_flag=True, help="Mend what has a safe fix; standard input goes to standard output."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True, help="How."
)
@click.option("--json", "as_json", is_flag=True, help="As --format json.")
def lint(file: str, is_fixed: bool, form: str, as_json: bool) -> None:
    """Find mistakes in FILE, a robots.txt (- is standard input).

    Exit code: 0 nothing, or notes alone; 1 errors or warnings; 2 fault. With --fix what is left is told.
    """
    from optout.crawlers.registry import bundled_registry
    from optout.lint.runner import fix_robots, lint_robots

    with click.open_file(file, "rb") as stream:
        data = stream.read()
    if is_fixed:
        fixed = fix_robots(data)
        _put_back(file, data, fixed)
        data = fixed
    findings = lint_robots(data, bundled_registry())
    name = "robots.txt" if file == "-" else file
    if as_json or form == "json":
        click.echo(json.dumps([_told(finding) for finding in findings]), err=is_fixed and file == "-")
    else:
        for line in _github(findings, name) if form == "github" else _text(findings, name):
            click.echo(line, err=is_fixed and file == "-")
    sys.exit(1 if any(finding.severity.value != "note" for finding in findings) else 0)


def _put_back(file: str, data: bytes, fixed: bytes) -> None:
    if file == "-":
        sys.stdout.buffer.write(fixed)
        sys.stdout.buffer.flush()
    elif fixed != data:
        try:
            Path(file).write_bytes(fixed)
        except OSError as fault:
            raise UsageError(f"{file} cannot be written: {fault.strerror}", "run it without --fix") from fault


def _told(finding: Finding) -> dict[str, Any]:
    """The fields of `--format json`: public and stable."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "line": finding.line,
        "column": finding.column,
        "title": finding.title,
        "text": finding.text,
        "fixable": finding.fixable,
    }


def _text(findings: tuple[Finding, ...], name: str) -> Iterator[str]:
    from optout.cli.terminal import safe

    for finding in findings:
        place = f"{safe(name)}:{finding.line}" if finding.line else safe(name)
        mark = "  [--fix]" if finding.fixable else ""
        yield f"{place}: {finding.severity.value} {finding.code} {safe(finding.title)}: {safe(finding.text, 200)}{mark}"
    yield f"{len(findings)} found; docs/lint/ says why each matters" if findings else "nothing found"


def _github(findings: tuple[Finding, ...], name: str) -> Iterator[str]:
    """Workflow commands of GitHub Actions, escaped as these want it."""
    file = _escaped(name).replace(":", "%3A").replace(",", "%2C")
    for finding in findings:
        place = f"file={file},line={max(1, finding.line)},title={finding.code}"
        yield f"::{_GITHUB[finding.severity.value]} {place}::{_escaped(f'{finding.title}: {finding.text}')}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
