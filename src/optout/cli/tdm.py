"""`optout tdm`: what a tdmrep.json says, what is wrong with it, and the same in one form."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from optout.cli.findings import lint_options, run_lint


@click.group()
def tdm() -> None:
    """TDMRep: explain, lint and render a tdmrep.json."""


@tdm.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(file: str, url: str, as_json: bool) -> None:
    """Show which rule of FILE (- is standard input) counts for URL, which may be a path.

    Exit code: 0 not reserved or unset, 1 reserved, 2 fault.
    """
    from optout.messages import parse_target
    from optout.robots.model import normalize_path
    from optout.signals.tdmrep import Reserved, TdmMatcher, parse_tdmrep

    with click.open_file(file, "rb") as stream:
        rep = parse_tdmrep(stream.read())
    target = parse_target(url)[0]
    path = normalize_path(target)
    rule = TdmMatcher(rep).match(target)
    others = [each for each in rep.rules if each is not rule and each.location.matches(path)]
    told: dict[str, Any] = {
        "path": path.decode("ascii"),
        "reserved": (rule.reserved if rule is not None else Reserved.UNSET).value,
        "policy": rule.policy if rule is not None and rule.reserved is Reserved.RESERVED else "",
        "rule": _told(rule) if rule is not None else None,
        "others": [_told(each) for each in others],
        "faults": [{"line": fault.line, "code": fault.code.value, "text": fault.text} for fault in rep.faults],
    }
    name = "tdmrep.json" if file == "-" else file
    click.echo(json.dumps(told) if as_json else "\n".join(_picture(told, name)))
    sys.exit(1 if told["reserved"] == Reserved.RESERVED.value else 0)


def _told(rule: Any) -> dict[str, Any]:
    return {"line": rule.line, "location": rule.location.written, "reserved": rule.reserved.value}


def _picture(told: dict[str, Any], name: str) -> Iterator[str]:
    from optout.cli.terminal import safe

    name = safe(name)
    words = {"reserved": "reserved", "not-reserved": "not reserved", "unset": "unset: nothing is said"}
    yield f"{safe(told['path'])} is {words[told['reserved']]}"
    if told["rule"] is not None:
        rule = told["rule"]
        yield f"  counts   {name}:{rule['line']}  {safe(rule['location'])}  (the first that matches)"
    else:
        yield "  because  no location matches; unset is never permission"
    if told["policy"]:
        yield f"  terms    {safe(told['policy'])}"
    for rule in told["others"]:
        yield f"  not      {name}:{rule['line']}  {safe(rule['location'])}  (further down)"
    if told["faults"]:
        yield f"  faults   {len(told['faults'])} in the file; `optout tdm lint` tells them"


@tdm.command()
@lint_options
def lint(files: tuple[str, ...], is_fixed: bool, form: str, as_json: bool) -> None:
    """Find mistakes in FILE..., each a tdmrep.json (- is standard input).

    Exit code: 0 nothing, or notes alone; 1 errors or warnings; 2 fault. With --fix what is left is told.
    """
    from optout.lint.runner import fix_tdmrep, lint_tdmrep

    run_lint(files, "tdmrep.json", "json" if as_json else form, lint_tdmrep, fix_tdmrep if is_fixed else None)


@tdm.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def render(file: str, as_json: bool) -> None:
    """Write FILE (- is standard input) anew in one form that says the same of every path.

    Each location once, patterns in ASCII; what cannot be read or never decides is left out.
    """
    from optout.signals.tdmrep import parse_tdmrep
    from optout.signals.tdmrep_writer import write_tdmrep

    with click.open_file(file, "rb") as stream:
        rep = parse_tdmrep(stream.read())
    written = write_tdmrep(rep)
    if as_json:
        faults = [{"line": fault.line, "code": fault.code.value, "text": fault.text} for fault in rep.faults]
        click.echo(json.dumps({"text": written.decode("ascii"), "faults": faults}))
        return
    click.echo(written, nl=False)
    if rep.faults:
        click.echo(f"{len(rep.faults)} faults in what was read; `optout tdm lint` tells them", err=True)
