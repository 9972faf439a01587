"""`optout evidence offboard`: a tenant goes. He gets everything, and nobody can read his private parts any more."""

from __future__ import annotations

import json
from pathlib import Path

import click

from optout.cli.evidence.bundle import private_parts, write_export
from optout.cli.evidence.options import BY, DIRECTORY, JSON, actor
from optout.cli.evidence.privacy import opened
from optout.cli.terminal import safe


@click.command()
@DIRECTORY
@click.argument("tenant", metavar="TENANT")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The zip to write, and one beside it for each earlier log: all of the tenant's records, and private parts.",
)
@BY
@JSON
def offboard(directory: Path, tenant: str, out: Path, by: str, as_json: bool) -> None:
    """Write a tenant's complete bundle, then destroy his keys. What is held for a case stops it before it begins."""
    from optout.evidence.bundle import Scope, plan_bundle
    from optout.evidence.directory import Layout
    from optout.evidence.erasure import Why, erase_months, refuse_held
    from optout.evidence.keys import KeyStore
    from optout.evidence.succession import logs_of
    from optout.report.figures import figures

    layout = Layout(directory)
    months = tuple(each for each in KeyStore(layout.keys).list() if each.tenant == tenant)
    refuse_held(layout, months)
    files, disclosed = [], 0
    for place in logs_of(directory):
        plan = plan_bundle(Layout(place), Scope(tenant=tenant))
        parts = private_parts(plan, None)
        name = out if place == directory else out.with_name(f"{out.stem}-{place.name}{out.suffix}")
        counted = figures(plan.fields())
        digest = write_export(plan, counted, name, case="offboarding", made_by=actor(by), seen=[], parts=parts)
        files.append({"file": str(name), "sha256": digest})
        disclosed += len(parts)
    with opened(directory) as (log, _, keys):
        erased = erase_months(log, layout, keys, months, Why(by=actor(by), reason="offboarding"))
    told = {**files[-1], "earlier": files[:-1], "private_parts": disclosed, "months_erased": erased}
    if as_json:
        click.echo(json.dumps(told))
        return
    for one in files:
        click.echo(f"{safe(one['file'])}  sha256:{one['sha256']}")
    click.echo(f"{disclosed} private parts are in it; the keys of {erased} months are destroyed")
