"""How findings of a linter are printed: for a person, a program, a workflow."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.lint.base import Finding

_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
_Command = TypeVar("_Command", bound=Callable[..., Any])


_FILES = click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
_FIX = click.option("--fix", "is_fixed", is_flag=True, help="Mend what has a safe fix; of - to standard output.")
_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="For a person, a program, or annotations of a workflow.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="As --format json.")


def lint_options(command: _Command) -> _Command:
    """What a linter takes that can mend: FILE..., --fix, --format, --json."""
    return _FILES(_FIX(_FORMAT(_JSON(command))))


def lint_options_alone(command: _Command) -> _Command:
    """What a linter takes that mends nothing: FILE..., --format, --json."""
    return _FILES(_FORMAT(_JSON(command)))


def run_lint(
    files: tuple[str, ...],
    name: str,
    form: str,
    lint: Callable[[bytes], tuple[Finding, ...]],
    fix: Callable[[bytes], bytes] | None,
) -> None:
    """Lint files, mended first if `fix` is given, and end with 0 (nothing, or notes alone) or 1.

    `name` is what standard input is called.
    """
    found: list[tuple[str, Finding]] = []
    for file in files:
        with click.open_file(file, "rb") as stream:
            data = stream.read()
        if fix is not None:
            data = _mended(file, data, fix(data))
        found += [(name if file == "-" else file, finding) for finding in lint(data)]
    forms = {"json": _json, "github": _github, "text": _text}
    for line in forms[form](found):
        click.echo(line, err=fix is not None and "-" in files)
    sys.exit(1 if any(finding.severity.value != "note" for _, finding in found) else 0)


def _mended(file: str, data: bytes, fixed: bytes) -> bytes:
    if file == "-":
        sys.stdout.buffer.write(fixed)
        sys.stdout.buffer.flush()
    elif fixed != data:
        try:
            Path(file).write_bytes(fixed)
        except OSError as fault:
            raise UsageError(f"{file} cannot be written: {fault.strerror}", "run it without --fix") from fault
    return fixed


_Found = list[tuple[str, "Finding"]]


def _json(found: _Found) -> Iterator[str]:
    """The fields are public and stable."""
    yield json.dumps(
        [
            {
                "file": file,
                "code": finding.code,
                "severity": finding.severity.value,
                "line": finding.line,
                "column": finding.column,
                "title": finding.title,
                "text": finding.text,
                "fixable": finding.fixable,
            }
            for file, finding in found
        ]
    )


def _text(found: _Found) -> Iterator[str]:
    from optout.cli.terminal import safe

    for file, finding in found:
        place = f"{safe(file)}:{finding.line}" if finding.line else safe(file)
        mark = "  [--fix]" if finding.fixable else ""
        yield f"{place}: {finding.severity.value} {finding.code} {safe(finding.title)}: {safe(finding.text, 200)}{mark}"
    yield f"{len(found)} found; docs/lint/ says why each matters" if found else "nothing found"


def _github(found: _Found) -> Iterator[str]:
    """Workflow commands of GitHub Actions, escaped as these want it."""
    for file, finding in found:
        name = _escaped(file).replace(":", "%3A").replace(",", "%2C")
        place = f"file={name},line={max(1, finding.line)},title={finding.code}"
        yield f"::{_GITHUB[finding.severity.value]} {place}::{_escaped(f'{finding.title}: {finding.text}')}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
