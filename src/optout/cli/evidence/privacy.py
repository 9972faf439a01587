"""`optout evidence erase|hold|retention|retract`: what becomes of private parts. Each leaves a record."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import BY, DIRECTORY, JSON, SOFTWARE, actor, microseconds
from optout.cli.terminal import safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from optout.evidence.directory import Layout
    from optout.evidence.erasure import Why
    from optout.evidence.keys import KeyStore
    from optout.evidence.recorder import Recorder
    from optout.evidence.retention import Term
    from optout.evidence.segments import Entry

_REASON = click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the log.")
_TENANT = click.option("--tenant", default="", metavar="T", help="Only this tenant's; everybody's if absent.")


@click.command()
@DIRECTORY
@click.option("--id", "ids", multiple=True, metavar="ID", help="The private part of this record; several times.")
@click.option("--month", default="", metavar="YYYY-MM", help="All private parts of a month.")
@click.option("--before", default="", metavar="TIME", help="All of months that ended before this time.")
@click.option("--all", "everything", is_flag=True, help="All there are.")
@_TENANT
@_REASON
@BY
@JSON
def erase(
    directory: Path,
    ids: tuple[str, ...],
    month: str,
    before: str,
    everything: bool,
    tenant: str,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    """Erase private parts: addresses, queries. The records and their proofs stay as they are."""
    from optout.evidence.erasure import Why, erase_months, erase_record
    from optout.evidence.keys import month_of

    if sum(map(bool, (ids, month, before, everything))) != 1:
        raise UsageError("say what to erase", "give one of --id, --month, --before, --all")
    why = Why(by=actor(by), reason=reason)
    before_us = microseconds(before, "--before")
    with opened(directory) as (log, layout, keys):
        if ids:
            for record_id in ids:
                erase_record(log, layout, keys, record_id, why)
            count = len(ids)
        else:
            limit = month_of(before_us) if before_us is not None else ""
            chosen = [
                each
                for each in keys.list()
                if tenant in ("", each.tenant) and month in ("", each.month) and (not limit or each.month < limit)
            ]
            count = erase_months(log, layout, keys, chosen, why)
    told = {"scope": "record" if ids else "month", "erased": count}
    click.echo(json.dumps(told) if as_json else f"erased the private parts of {count} {told['scope']}(s)")
    sys.exit(0 if count else 1)


@click.command()
@DIRECTORY
@click.option("--case", default="", metavar="NAME", help="The case; without it the holds are listed.")
@click.option("--since", default="", metavar="YYYY-MM", help="The first month that is held; all if absent.")
@click.option("--until", default="", metavar="YYYY-MM", help="The last month that is held.")
@click.option("--release", is_flag=True, help="Lift the hold of this case.")
@_TENANT
@_REASON
@BY
@JSON
def hold(
    directory: Path, case: str, since: str, until: str, release: bool, tenant: str, reason: str, by: str, as_json: bool
) -> None:
    """Keep private parts for a case, longer than the retention allows; or list and lift such holds."""
    from optout.evidence.clock import SystemClock
    from optout.evidence.directory import Layout
    from optout.evidence.erasure import Why
    from optout.evidence.holds import Hold, lift_hold, read_holds, set_hold

    if case:
        why = Why(by=actor(by), reason=reason)
        with opened(directory) as (log, layout, _):
            act = "release" if release else "hold"
            if release:
                if lift_hold(layout.keys, case) is None:
                    raise EvidenceError(f"there is no hold for {case}", "without --case the holds are listed")
            else:
                now_us = SystemClock().now_us()
                set_hold(
                    layout.keys,
                    Hold(case=case, tenant=tenant, since=since, until=until, by=why.by, time_us=now_us),
                )
            _note(log, {"hold.act": act, "hold.case": case, "hold.since": since, "hold.until": until}, tenant, why)
    holds = read_holds(Layout(directory).keys)
    if as_json:
        names = ("case", "tenant", "since", "until", "by", "time_us")
        click.echo(json.dumps([{name: getattr(each, name) for name in names} for each in holds]))
        return
    for each in holds:
        span = f"{each.since or 'the beginning'} to {each.until or 'the end'}"
        click.echo(f"{safe(each.case)}  {safe(each.tenant) or 'everybody'}  {span}  by {safe(each.by)}")
    if not holds:
        click.echo("nothing is held")


@click.command()
@DIRECTORY
@click.option("--days", type=click.IntRange(30, 365), default=180, show_default=True, help="How long after a month.")
@click.option("--apply", "is_applied", is_flag=True, help="Destroy the keys of months that are over.")
@BY
@JSON
def retention(directory: Path, days: int, is_applied: bool, by: str, as_json: bool) -> None:
    """Show until when private parts can be read; with --apply make an end of those whose time is over."""
    from optout.evidence.clock import SystemClock
    from optout.evidence.directory import Layout
    from optout.evidence.erasure import Why, erase_months
    from optout.evidence.holds import read_holds
    from optout.evidence.keys import KeyStore
    from optout.evidence.retention import terms

    layout = Layout(directory)
    found = terms(KeyStore(layout.keys), read_holds(layout.keys), now_us=SystemClock().now_us(), days=days)
    over = [each.where for each in found if each.is_over]
    if is_applied and over:
        with opened(directory) as (log, _, keys):
            erase_months(log, layout, keys, over, Why(by=actor(by), reason=f"retention of {days} days"))
    click.echo(json.dumps([_term(each) for each in found]) if as_json else _table(found, is_applied))


@click.command()
@DIRECTORY
@click.argument("record_id", metavar="ID")
@_REASON
@BY
@JSON
def retract(directory: Path, record_id: str, reason: str, by: str, as_json: bool) -> None:
    """A record proved to be a person's: erase its private part, and leave it out of every figure from now on."""
    from optout.evidence import erasure

    with opened(directory) as (log, layout, keys):
        erasure.retract(log, layout, keys, record_id, erasure.Why(by=actor(by), reason=reason))
    click.echo(json.dumps({"retracted": record_id}) if as_json else f"{safe(record_id)} is retracted")


@contextmanager
def opened(directory: Path) -> Iterator[tuple[Recorder, Layout, KeyStore]]:
    """The log to write into, beside whoever holds it; what waited in spools is in it then, unless somebody holds it."""
    from optout.evidence.directory import Layout
    from optout.evidence.keys import KeyStore
    from optout.evidence.opening import Opening, open_log
    from optout.evidence.signing import load_verifier_key

    layout = Layout(directory)
    load_verifier_key(layout.vkey)
    log = open_log(directory, Opening.JOIN, software=SOFTWARE)
    try:
        yield log, layout, KeyStore(layout.keys)
    except OSError as fault:
        raise EvidenceError(f"cannot do that in {directory}: {fault}") from fault
    finally:
        log.close()


def _note(log: Recorder, fields: dict[str, str], tenant: str, why: Why) -> None:
    told = {name: value for name, value in {**fields, "tenant": tenant}.items() if value}
    log.append({"type": "hold.notice", **told, "hold.by": why.by, "hold.reason": why.reason}).result(10)


def _term(term: Term) -> dict[str, object]:
    return {
        "tenant": term.where.tenant,
        "month": term.where.month,
        "days": term.days,
        "due": term.due.isoformat(),
        "held_by": list(term.held_by),
        "over": term.is_over,
    }


def _table(found: tuple[Term, ...], is_applied: bool) -> str:
    lines = ["month    can be read until  tenant"]
    for each in found:
        held = f"  held for {safe(', '.join(each.held_by))}" if each.held_by else ""
        ended = "  erased now" if each.is_over and is_applied else "  over: --apply erases it" if each.is_over else ""
        lines.append(
            f"{each.where.month}  {each.due.isoformat()}         {safe(each.where.tenant) or '-'}{held}{ended}"
        )
    return "\n".join(lines if found else ["there is no private part"])


def reveal_part(directory: Path, entry: Entry, by: str, reason: str) -> dict[str, object] | None:
    """A record's private fields, read on record; None if there are none to read. Raises EvidenceError."""
    from optout.evidence.erasure import Why, reveal

    why = Why(by=actor(by), reason=reason)
    with opened(directory) as (log, _, keys):
        part = reveal(log, keys, entry, why)
    return part.fields() if part is not None else None
