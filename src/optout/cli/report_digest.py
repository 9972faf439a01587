"""`optout report --digest`: the week in a letter, printed or sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.evidence.index.catalog import Catalog
    from optout.report.digest import Gap, Sum, Week
    from optout.report.language import Say

PASSWORD = "OPTOUT_SMTP_PASSWORD"  # noqa: S105  the name of a variable


def digested(directory: Path, until_us: int | None, say: Say, *, mail: str, sender: str, smtp: str) -> None:
    """Print or send the digest of the seven days before `until_us`, or before now."""
    from optout.report.digest import digest, subject

    week = _week(directory, until_us)
    text, title = digest(week, say), subject(week, say)
    if not mail:
        click.echo(f"{title}\n\n{text}", nl=False)
        return
    if not sender:
        raise UsageError("--sender is missing", "say who sends the digest: --sender optout@your.site")
    from optout.adapters.mailer import parse_server, send

    server = parse_server(smtp, os.environ.get(PASSWORD, ""))
    send(server, _message(title, text, mail, sender))
    click.echo(f"sent to {safe(mail)}: {safe(title)}")


def _message(title: str, text: str, mail: str, sender: str) -> EmailMessage:
    message = EmailMessage()
    try:
        message["Subject"] = title
        message["From"], message["To"] = sender, mail
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    except ValueError as fault:  # a line end in an address
        raise UsageError("that is no e-mail address", "write it like name@site.example") from fault
    message.set_content(text)
    return message


def _week(directory: Path, until_us: int | None) -> Week:
    from optout.cli.evidence.choosing import catalog_of
    from optout.cli.report import account_of
    from optout.evidence.clock import SystemClock
    from optout.evidence.directory import Layout
    from optout.evidence.signing import load_verifier_key
    from optout.report.digest import WEEK_US, Week

    end = until_us if until_us is not None else SystemClock().now_us()
    start = end - WEEK_US
    account = account_of(directory, start, end, "", {})
    with catalog_of(directory) as catalog:
        return Week(
            log=load_verifier_key(Layout(directory).vkey).name,
            since_us=start,
            until_us=end,
            sums=_sums(catalog, start, end),
            before=_sums(catalog, start - WEEK_US, start),
            gaps=tuple(_gaps(catalog, start, end)),
            broken=catalog.lost,
            seen_line=account.seen_line,
        )


def _sums(catalog: Catalog, since_us: int, until_us: int) -> tuple[Sum, ...]:
    from optout.evidence.index.question import Question
    from optout.report.digest import Sum

    question = Question(since_us=since_us, until_us=until_us, facets={"type": "crawl.request"})
    found = catalog.figures(question, ("product", "operator", "standing", "action"))
    return tuple(
        Sum(crawler=product, operator=operator, standing=standing, action=action, count=each.count, size=each.size)
        for each in found
        for product, operator, standing, action in [each.key]
        if each.count
    )


def _gaps(catalog: Catalog, since_us: int, until_us: int) -> Iterator[Gap]:
    from optout.evidence.index.question import Question
    from optout.evidence.schema import parse_record
    from optout.evidence.segments import Break
    from optout.report.digest import Gap
    from optout.report.figures import number

    question = Question(since_us=since_us, until_us=until_us, facets={"type": "log.gap"})
    for hit in catalog.records(question):
        fields = {} if isinstance(hit, Break) else parse_record(hit.found.entry.record) or {}
        if fields:
            times = number(fields, "from_us"), number(fields, "to_us")
            yield Gap(from_us=times[0], to_us=times[1], reason=str(fields.get("reason", "")))
