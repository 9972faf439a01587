"""`optout demo`: a sample site, three doors before it, real crawlers' requests, and the verdict.

Exit 0 only if every door told every visitor what was expected, the three logs hold the same, and each verifies.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import click

from optout.errors import OptoutError


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the site's policy and the logs in this directory.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(keep: Path | None, as_json: bool) -> None:
    """Show the main job: a sample site, three doors before it, real crawlers' requests, the log, the verdict."""
    from optout.cli.demo.report import as_data, print_report
    from optout.cli.demo.run import run

    with tempfile.TemporaryDirectory(prefix="optout-demo-") as temporary:
        directory = keep if keep is not None else Path(temporary)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise OptoutError(f"cannot make {directory}: {fault.strerror}", "give --keep another directory") from fault
        result = asyncio.run(run(directory))
        if as_json:
            click.echo(json.dumps(as_data(result), indent=1))
        else:
            print_report(result, kept=keep)
    click.get_current_context().exit(0 if result.ok else 1)
