"""`optout report`: pages for people. Now the declaration certificate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import BY, DIRECTORY, SOFTWARE, actor, microseconds
from optout.cli.terminal import safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optout.evidence.directory import Layout
    from optout.report.account import Account
    from optout.report.history import History


@click.command()
@DIRECTORY
@click.option("--declaration", is_flag=True, help="The certificate of what a site declared, and since when.")
@click.option("--from", "since", default="", metavar="TIME", help="The beginning of the period (ISO 8601).")
@click.option("--to", "until", default="", metavar="TIME", help="Its end.")
@click.option("--authority", default="", metavar="SITE", help="Which site, where the log has several.")
@click.option("--work", default="/", show_default=True, metavar="PATH", help="The page or work in question.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Else to the terminal."
)
@BY
def report(
    directory: Path, declaration: bool, since: str, until: str, authority: str, work: str, out: Path | None, by: str
) -> None:
    """Write the declaration certificate of a site, as one HTML file to print and sign."""
    from optout.crawlers.registry import bundled_registry
    from optout.report import declaration as certificate
    from optout.report.reservation import says

    if not declaration:
        raise UsageError("say which report", "--declaration is the one that there is")
    since_us, until_us = microseconds(since, "--from"), microseconds(until, "--to")
    layout, history = _history(directory, authority)
    documents = _documents(layout, history)
    registry = bundled_registry()
    said = {
        version.sha256: says(name, documents[version.sha256], work, registry)
        for name, versions in history.versions.items()
        for version in versions
        if version.sha256 in documents
    }
    page = certificate.page(
        certificate.Certified(
            account=_account(layout, since_us, until_us, actor(by)),
            history=history,
            work=work,
            documents=documents,
            says=said,
        )
    )
    if out is None:
        sys.stdout.buffer.write(page)
        return
    try:
        out.write_bytes(page)
    except OSError as fault:
        raise EvidenceError(f"cannot write {out}: {fault.strerror}") from fault
    click.echo(f"{safe(str(out))}: what {safe(history.site)} declared")


def _history(directory: Path, authority: str) -> tuple[Layout, History]:
    from optout.cli.evidence.policy_at import fields_of
    from optout.evidence.directory import Layout
    from optout.report.history import history, sites_of

    layout = Layout(directory)
    sites = sites_of(fields_of(layout))
    if not authority and len(sites) != 1:
        told = ", ".join(sites[:10]) or "none"
        raise UsageError(f"the log tells of {len(sites)} sites: {told}", "name one: --authority SITE")
    return layout, history(fields_of(layout), authority or sites[0])


def _documents(layout: Layout, history: History) -> Mapping[str, bytes]:
    found = {}
    for version in (each for versions in history.versions.values() for each in versions):
        file = layout.snapshots / version.sha256
        if version.sha256 and file.exists():
            found[version.sha256] = file.read_bytes()
    return found


def _account(layout: Layout, since_us: int | None, until_us: int | None, made_by: str) -> Account:
    from optout.evidence.anchors import read_own, rests_on
    from optout.evidence.checkpoint import NoteFault, open_checkpoint
    from optout.evidence.clock import SystemClock
    from optout.evidence.seen import seen_of
    from optout.evidence.signing import load_verifier_key
    from optout.report.account import Account

    key = load_verifier_key(layout.vkey)
    checkpoint = open_checkpoint(layout.checkpoint.read_bytes(), key)
    if isinstance(checkpoint, NoteFault):
        raise EvidenceError(f"{layout.checkpoint}: {checkpoint.text}", "restore it from its backup")
    return Account(
        case="",
        scope={},
        since_us=since_us,
        until_us=until_us,
        made_us=SystemClock().now_us(),
        made_by=made_by,
        software=SOFTWARE,
        vkey=str(key),
        fingerprint=key.fingerprint,
        seen_line=str(seen_of(checkpoint)),
        rests_on=rests_on(read_own(layout, key), checkpoint.size),
    )
