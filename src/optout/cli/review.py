"""`optout review`: what was taken, by whom, under which rule."""

from __future__ import annotations

from pathlib import Path

import click

from optout.cli.evidence.options import BY
from optout.errors import UsageError


@click.command()
@click.argument("paths", metavar="[DIR|FILE...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--import", "is_import", is_flag=True, help="The files are access logs of nginx, Apache or Caddy.")
@click.option(
    "--robots", multiple=True, metavar="[TIME=]FILE", help="With --import: the robots.txt of that time; several times."
)
@click.option(
    "--site", default="", metavar="HOST", help="With --import: only lines about this host, where logs say it."
)
@click.option("--json", "as_json", is_flag=True, help="With --import: print one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="With --import: a row for each AI crawler, safe as a spreadsheet.")
@click.option("--lang", default="en", show_default=True, metavar="TAG", help="With --out: the language, en or de.")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --import: write HTML, or PDF (*.pdf).",
)
@click.option("--policy", default="", metavar="FILE|DIR|NAME", help="Today's policy, for its page.")
@click.option(
    "--works",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A list of works: CSV, a path a line, or a sitemap.",
)
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Where the pages are.")
@click.option("--get", default="", metavar="PATH", help="Print one page, as /records.json, and end.")
@click.option(
    "--proxy", "proxies", multiple=True, metavar="NET", help="Believe this proxy on who looks; several times."
)
@click.option(
    "--user-field", default="X-Forwarded-User", show_default=True, metavar="NAME", help="Its field for the user."
)
@click.option(
    "--tenant-field", default="", metavar="NAME", help="Its field for the tenant, who then sees nothing else."
)
@click.option(
    "--host", "hosts", multiple=True, metavar="HOST", help="A name under which the pages are asked for; several times."
)
@click.option("--tls-cert", default="", metavar="FILE", help="A certificate chain, for https.")
@click.option("--tls-key", default="", metavar="FILE", help="Its key.")
@BY
def review(
    paths: tuple[Path, ...],
    is_import: bool,
    robots: tuple[str, ...],
    site: str,
    as_json: bool,
    as_csv: bool,
    lang: str,
    out: Path | None,
    policy: str,
    works: Path | None,
    listen: str,
    get: str,
    proxies: tuple[str, ...],
    user_field: str,
    tenant_field: str,
    hosts: tuple[str, ...],
    tls_cert: str,
    tls_key: str,
    by: str,
) -> None:
    """Show who came, by the log in DIR: pages in a browser, on this machine alone.

    With --import it reads a web server's access logs instead: plain, gzip or zstd, in any order; - is the standard
    input. Lines of people are counted and not kept.
    """
    if is_import:
        from optout.cli.review_import import import_logs
        from optout.report.language import language

        if not paths:
            raise UsageError("which logs?", "optout review --import /var/log/nginx/access.log*")
        if as_json and as_csv:
            raise UsageError("--json and --csv exclude each other", "choose one")
        import_logs(paths, robots, site=site, as_json=as_json, as_csv=as_csv, out=out, say=language(lang), lang=lang)
        return
    if len(paths) != 1 or bool(tls_cert) != bool(tls_key):
        raise UsageError(
            "say what to review",
            "optout review DIR for a log, optout review --import /var/log/nginx/access.log* for a web server's;"
            " --tls-cert and --tls-key go together",
        )
    from optout.cli.review_pages import serve_pages

    serve_pages(
        paths[0],
        policy=policy,
        works=works,
        listen=listen,
        get=get,
        proxies=proxies,
        user_field=user_field,
        tenant_field=tenant_field,
        hosts=hosts,
        tls=(tls_cert, tls_key),
        by=by,
    )
