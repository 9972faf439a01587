"""`optout audit`: what a site really serves, what it adds up to for each crawler, and what is wrong with it.

With `--probe` also what it enforces: one harmless request for each class of crawlers.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from optout.adapters.survey import Site
    from optout.report.site_audit import SiteAudit

_NONCE = re.compile(r"[0-9a-f]{32}")
_LEAST_PAUSE, _PAUSE = 0.05, 1.0  # seconds


@click.command()
@click.argument("url")
@click.option("--allow-private", is_flag=True, help="Ask an address that is not public, as of a test server.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to show to others.")
@click.option("--probe", is_flag=True, help="Your own site: send one harmless request as each class of crawlers.")
@click.option("--evidence", type=click.Path(path_type=Path), help="With --probe: the log whose key marks the requests.")
@click.option("--nonce", default="", help="With --probe and no key: the word that the site serves as proof.")
@click.option("--pause", type=click.FloatRange(min=_LEAST_PAUSE), default=_PAUSE, help="Seconds between probes (1).")
def audit(
    url: str,
    allow_private: bool,
    as_json: bool,
    page: Path | None,
    probe: bool,
    evidence: Path | None,
    nonce: str,
    pause: float,
) -> None:
    """Fetch what the site of URL publishes, the page itself and one image; lint all of it and say what it adds up to.

    Seventeen requests at most, one after another, to one address; license documents alone may lie on other hosts.
    With --probe fourteen more, at most one a second.

    Exit code: 0 nothing, or notes alone; 1 errors or warnings; 2 fault.
    """
    from optout.adapters.survey import find_site
    from optout.report.site_audit import as_json as told_as_json

    if not probe and (evidence is not None or nonce):
        raise UsageError("--evidence and --nonce are for --probe", "add --probe")
    site = find_site(url, allow_private=allow_private)
    key = _key(evidence) if evidence is not None else None
    if probe and key is None and _NONCE.fullmatch(nonce) is None:
        raise UsageError(*_how_to_prove(site, nonce))
    with _progress() as told:
        found = asyncio.run(_audited(site, key=key, nonce=nonce, probes=probe, pause_s=pause, told=told))
    if page is not None:
        _write(page, url, found)
    if as_json:
        click.echo(json.dumps(told_as_json(url, found)))
    else:
        click.echo("\n".join(_lines(url, found)))
    sys.exit(1 if found.fails else 0)


async def _audited(
    site: Site, *, key: bytes | None, nonce: str, probes: bool, pause_s: float, told: Callable[[str], None]
) -> SiteAudit:
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.fetcher import Fetcher
    from optout.adapters.probes import PROOF_PATH, is_owners, probe
    from optout.adapters.survey import survey
    from optout.report.site_audit import audit_site

    registry = registry_in_use()
    async with Fetcher() as fetcher:
        if probes and key is None and not await is_owners(fetcher, site, nonce):
            what = f"{site.base}{PROOF_PATH} does not serve the word of --nonce: nobody's site but your own is probed"
            raise UsageError(what, "publish it there as the only line, or name the log with --evidence")
        source = await survey(fetcher, site, told)
        answers = await probe(fetcher, site, source, registry, key=key, pause_s=pause_s, told=told) if probes else ()
    return audit_site(source, registry, answers)


def _key(directory: Path) -> bytes:
    """The key with which probes are marked, of a log; raises EvidenceError."""
    from optout.evidence.directory import Layout
    from optout.evidence.probe import probe_key
    from optout.evidence.signing import load_private_key

    return probe_key(load_private_key(Layout(directory).key))


def _how_to_prove(site: Site, nonce: str) -> tuple[str, str]:
    from optout.adapters.probes import PROOF_PATH, new_nonce

    what = "--nonce is no word that this command made" if nonce else "nothing says that this site is yours"
    word = new_nonce()
    then = f"publish the line {word} at {site.base}{PROOF_PATH} and add --nonce {word}"
    return what, f"name the log of the site's doors with --evidence DIR, or {then}"


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Whom to tell what is asked next: a bar on a terminal, nobody elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn

    from optout.cli.terminal import safe

    columns = BarColumn(bar_width=20), TextColumn("{task.completed} asked  {task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what: bar.update(task, advance=1, description=escape(safe(what, 60)))


def _write(file: Path, url: str, found: SiteAudit) -> None:
    from optout.report.site_page import page

    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, optout {version('optout')}"
    try:
        file.write_bytes(page(url, found, made=made))
    except OSError as fault:
        raise EvidenceError(f"cannot write {file}: {fault.strerror}", "name another file") from fault


def _lines(url: str, found: SiteAudit) -> Iterator[str]:
    from optout.cli.terminal import safe
    from optout.report.site_audit import COLUMNS

    yield safe(url)
    for each in found.source.answers:
        yield f"  {each.status or '-':>3}  {safe(each.url)}  {safe(each.media_type)}{safe(each.fault)}"
        for hop in each.hops:
            yield f"       -> {safe(hop)}"
    yield "\nwhat it says of this page"
    yield from _table(("", *COLUMNS), [(safe(names, 60), *words) for names, words in found.rows])
    if found.probes:
        yield "\ndeclared and enforced"
        rows = [
            (each.purpose.value, safe(each.crawler), each.declared.value, each.enforced.value, str(each.status or "-"))
            for each in found.probes
        ]
        yield from _table(("class", "asked as", "declared", "enforced", "status"), rows)
    yield "\nwhat is wrong" if found.findings else "\nnothing is wrong"
    for told in found.findings:
        finding = told.finding
        where = f"{safe(told.place)}: {finding.severity.value} {finding.code}"
        yield f"  {where} {finding.title}: {safe(finding.text, 300)}"
        yield f"      instead: {safe(told.instead, 300)}"
    if found.findings:
        yield f"\n{len(found.findings)} found; docs/lint/ says why each matters"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    for row in (heads, *rows):
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
