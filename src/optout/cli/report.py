"""`optout report`: documents for people, as HTML or PDF: an account of visits, a certificate, a sheet per operator."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import BY, SOFTWARE, actor, microseconds
from optout.cli.terminal import safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from optout.evidence.directory import Layout
    from optout.report.account import Account
    from optout.report.history import History
    from optout.report.language import Say
    from optout.report.sheet import Sheet


@click.command()
@click.argument("paths", metavar="DIR|FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--declaration", is_flag=True, help="The certificate of what a site declared, and since when.")
@click.option("--merge", is_flag=True, help="The files are bundles, of any sites: verify them, a sheet per operator.")
@click.option("--digest", is_flag=True, help="A letter on the last seven days, with the line that anchors the log.")
@click.option("--mail", default="", metavar="ADDRESS", help="Send the digest there; else it is printed.")
@click.option("--sender", default="", metavar="ADDRESS", help="Who sends it.")
@click.option(
    "--smtp",
    default="smtp://localhost",
    show_default=True,
    metavar="URL",
    help="smtp:// or smtps://[USER@]HOST[:PORT].",
)
@click.option("--key", "keys", multiple=True, metavar="KEY", help="With --merge: a log's key, from elsewhere.")
@click.option("--from", "since", default="", metavar="TIME", help="The beginning of the period (ISO 8601).")
@click.option("--to", "until", default="", metavar="TIME", help="Its end.")
@click.option("--crawler", default="", metavar="NAME", help="Only visits that claimed this name, as GPTBot.")
@click.option("--work", default="", metavar="PATH", help="A page or work: a path, or a pattern as '/*.jpg'.")
@click.option("--authority", default="", metavar="SITE", help="Which site, where the log has several.")
@click.option("--lang", default="en", show_default=True, metavar="TAG", help="The language: en or de.")
@click.option("--pdf", is_flag=True, help="A PDF, as a FILE that ends in .pdf is.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Else to the terminal."
)
@BY
def report(
    paths: tuple[Path, ...],
    declaration: bool,
    merge: bool,
    digest: bool,
    mail: str,
    sender: str,
    smtp: str,
    keys: tuple[str, ...],
    since: str,
    until: str,
    crawler: str,
    work: str,
    authority: str,
    lang: str,
    pdf: bool,
    out: Path | None,
    by: str,
) -> None:
    """Write a report on the log DIR to read, print and sign: who came, what each was told, by which rule.

    With --declaration it is the certificate of what a site declared; with --merge one sheet per operator, from the
    bundles of many sites; with --digest a letter on the week. Exit code: 1 where a bundle is not sound.
    """
    from optout.report.language import language

    say = language(lang)
    since_us, until_us = microseconds(since, "--from"), microseconds(until, "--to")
    if merge:
        from optout.cli.report_merge import merged

        sheet, is_sound = merged(paths, keys, actor(by), say, lang)
        write_sheet(sheet, out, as_pdf=pdf)
        click.get_current_context().exit(0 if is_sound else 1)
    if len(paths) != 1:
        raise UsageError("a report is of one log", "name its directory; --merge takes several bundles")
    directory = paths[0]
    if digest:
        from optout.cli.report_digest import digested

        digested(directory, until_us, say, mail=mail, sender=sender, smtp=smtp)
        return
    account = account_of(directory, since_us, until_us, actor(by), {"crawler": crawler, "work": work})
    if declaration:
        write_sheet(_certificate(directory, authority, work or "/", account, say, lang), out, as_pdf=pdf)
        return
    from optout.cli.report_visits import visited

    write_sheet(visited(directory, account, crawler, work, authority, say, lang), out, as_pdf=pdf)


def write_sheet(sheet: Sheet, out: Path | None, *, as_pdf: bool) -> None:
    """Write a report as HTML or, by the name of the file, as PDF."""
    from optout.report import as_html
    from optout.report import as_pdf as pdf

    is_pdf = as_pdf or (out is not None and out.suffix.lower() == ".pdf")
    data = pdf.as_pdf(sheet) if is_pdf else as_html.as_html(sheet)
    if out is None:
        sys.stdout.buffer.write(data)
        return
    try:
        out.write_bytes(data)
    except OSError as fault:
        raise EvidenceError(f"cannot write {out}: {fault.strerror}") from fault
    click.echo(f"{safe(str(out))}: {safe(sheet.title)}")


def _certificate(directory: Path, authority: str, work: str, account: Account, say: Say, lang: str) -> Sheet:
    from optout.adapters.crawler_files import registry_in_use
    from optout.report import declaration as certificate
    from optout.report.reservation import says

    layout, history = _history(directory, authority)
    documents = documents_of(layout, {version.sha256 for versions in history.versions.values() for version in versions})
    registry = registry_in_use()
    said = {
        version.sha256: says(name, documents[version.sha256], work, registry, say)
        for name, versions in history.versions.items()
        for version in versions
        if version.sha256 in documents
    }
    certified = certificate.Certified(account=account, history=history, work=work, documents=documents, says=said)
    return certificate.sheet(certified, say, lang)


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


def documents_of(layout: Layout, hashes: set[str]) -> Mapping[str, bytes]:
    """The documents with these SHA-256 (hex) that the log has kept."""
    found = {sha256: layout.document(sha256) for sha256 in sorted(hashes)}
    return {sha256: data for sha256, data in found.items() if data is not None}


def account_of(
    directory: Path, since_us: int | None, until_us: int | None, made_by: str, scope: Mapping[str, str]
) -> Account:
    """The head of a report on a log; raises EvidenceError where it cannot be read."""
    from optout.evidence.anchors import read_own, rests_on
    from optout.evidence.checkpoint import NoteFault, open_checkpoint
    from optout.evidence.clock import SystemClock
    from optout.evidence.directory import Layout
    from optout.evidence.seen import seen_of
    from optout.evidence.signing import load_verifier_key
    from optout.report.account import Account

    layout = Layout(directory)
    key = load_verifier_key(layout.vkey)
    try:
        note = layout.checkpoint.read_bytes()
    except OSError as fault:
        raise EvidenceError(f"cannot read {layout.checkpoint}: {fault.strerror}", "name a log's directory") from fault
    checkpoint = open_checkpoint(note, key)
    if isinstance(checkpoint, NoteFault):
        raise EvidenceError(f"{layout.checkpoint}: {checkpoint.text}", "restore it from its backup")
    return Account(
        case="",
        scope={name: value for name, value in scope.items() if value},
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
