"""`optout review`: what was taken, by whom, under which rule."""

from __future__ import annotations

from pathlib import Path

import click

from optout.errors import UsageError


@click.command()
@click.argument("paths", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--import", "is_import", is_flag=True, help="The files are access logs of nginx, Apache or Caddy.")
@click.option(
    "--robots", multiple=True, metavar="[TIME=]FILE", help="With --import: the robots.txt of that time; several times."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="A row for each AI crawler, safe to open as a spreadsheet.")
@click.option("--lang", default="en", show_default=True, metavar="TAG", help="The language of the file: en or de.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write HTML, or PDF (*.pdf)."
)
def review(
    paths: tuple[Path, ...],
    is_import: bool,
    robots: tuple[str, ...],
    as_json: bool,
    as_csv: bool,
    lang: str,
    out: Path | None,
) -> None:
    """Say what AI crawlers took from this site, by the web server's own access logs.

    Plain, gzip and zstd files, in any order; - is the standard input. Lines of people are counted and not kept.
    """
    from optout.cli.review_import import import_logs
    from optout.report.language import language

    if not is_import or not paths:
        raise UsageError("say what to review", "optout review --import /var/log/nginx/access.log*")
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "choose one")
    import_logs(paths, robots, as_json=as_json, as_csv=as_csv, out=out, say=language(lang), lang=lang)
