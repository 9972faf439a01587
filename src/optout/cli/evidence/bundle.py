"""`optout evidence bundle`: what a lawyer, a licensing desk or a court gets of a log."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import BY, DIRECTORY, JSON, SOFTWARE, actor, microseconds
from optout.cli.terminal import percent, safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from optout.evidence.bundle import Plan
    from optout.evidence.directory import Layout
    from optout.report.account import Account
    from optout.report.figures import Figures

_CUSTODY = "custody.notice"
_MOST_NAMED = 10


@click.command()
@DIRECTORY
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The zip to write.")
@click.option("--tenant", default="", metavar="T", help="Only this tenant's records; nothing of anybody else goes in.")
@click.option("--since", default="", metavar="TIME", help="Only records from this time on (ISO 8601).")
@click.option("--until", default="", metavar="TIME", help="Only records before this time.")
@click.option("--crawler", default="", metavar="NAME", help="Only visits that claimed this name, as GPTBot.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this record and what followed it; several times.")
@click.option("--case", default="", metavar="TEXT", help="What the bundle is for, on its first page.")
@BY
@click.option(
    "--seen", multiple=True, metavar="LINE", help="'origin size root' noted earlier: prove growth from there."
)
@click.option("--disclose", multiple=True, metavar="ID", help="The private part of this record, too; several times.")
@click.option(
    "--preview", "is_preview", is_flag=True, help="Say what would go in, personal data above all, and write nothing."
)
@JSON
def bundle(
    directory: Path,
    out: Path | None,
    tenant: str,
    since: str,
    until: str,
    crawler: str,
    ids: tuple[str, ...],
    case: str,
    by: str,
    seen: tuple[str, ...],
    disclose: tuple[str, ...],
    is_preview: bool,
    as_json: bool,
) -> None:
    """Write a bundle: records, what proves them, the documents they name, and two programs that check it."""
    from optout.evidence.bundle import Scope, plan_bundle
    from optout.evidence.directory import Layout as Log
    from optout.report.figures import figures

    scope = Scope(
        tenant=tenant,
        since_us=microseconds(since, "--since"),
        until_us=microseconds(until, "--until"),
        crawler=crawler,
        ids=frozenset(ids),
    )
    if out is None and not is_preview:
        raise UsageError("--out is missing", "name the zip to write, or look first with --preview")
    layout = Log(directory)
    plan = plan_bundle(layout, scope)
    _tell_earlier(layout)
    counted = figures(plan.fields())
    parts = private_parts(plan, frozenset(disclose))
    missing = sorted(set(disclose) - parts.keys())
    if missing:
        raise EvidenceError(
            f"no private part of {', '.join(missing)} can be disclosed", "it is not in scope, had none, or was erased"
        )
    if is_preview or out is None:
        told = preview(plan, counted, parts)
        click.echo(json.dumps(told) if as_json else _told(told))
        return
    sizes = [_size(line, plan.key.name) for line in seen]
    digest = write_export(plan, counted, out, case=case, made_by=actor(by), seen=sizes, parts=parts)
    if as_json:
        click.echo(json.dumps({"file": str(out), "sha256": digest, **preview(plan, counted, parts)}))
        return
    click.echo(f"{safe(str(out))}  sha256:{digest}")
    click.echo(f"{counted.attempts} visits in {len(plan.chosen.indexes)} records. Check it as its reader will:")
    click.echo(f"  python3 verify.py {safe(str(out))} --vkey '{safe(str(plan.key))}'")


def _tell_earlier(layout: Layout) -> None:
    """A bundle is of one log; say so where there are others."""
    from optout.evidence.succession import logs_of

    for log in logs_of(layout.root)[:-1]:
        click.echo(f"not in it: the log before it, {safe(str(log))}; it has a bundle of its own", err=True)


def private_parts(plan: Plan, ids: frozenset[str] | None) -> dict[str, bytes]:
    """The private parts of chosen records as files for a bundle, by id; `ids` None is all that can be read."""
    from optout.evidence.erasure import id_of, open_part
    from optout.evidence.keys import KeyStore

    keys = KeyStore(plan.layout.keys)
    found = {}
    for entry in plan.entries() if ids is None or ids else ():
        if entry.private and (ids is None or id_of(entry) in ids):
            part = open_part(keys, entry)
            if part is not None:
                found[id_of(entry)] = part.disclosed()
    return found


def write_export(
    plan: Plan, counted: Figures, out: Path, *, case: str, made_by: str, seen: list[int], parts: dict[str, bytes]
) -> str:
    """Write a bundle with its pages, and the export into the log; the zip's SHA-256 (hex)."""
    from optout.evidence.bundle import write_bundle
    from optout.evidence.clock import SystemClock
    from optout.evidence.signing import load_signer
    from optout.report import start_here, visits

    made_us = SystemClock().now_us()
    account = _account(plan, case=case, made_by=made_by, made_us=made_us, disclosed=len(parts))
    pages = {
        "START-HERE.pdf": start_here.start_here(account, counted),
        "data/report.html": visits.page(account, counted),
    }
    line = {
        "act": "export",
        "by": made_by,
        "case": case,
        "time_us": made_us,
        "software": account.software,
        "host": platform.node(),
        "records": len(plan.chosen.indexes),
        "private_parts": len(parts),
        "checkpoint": account.seen_line,
        **{f"scope.{name}": value for name, value in plan.scope.words().items()},
    }
    earlier = [fields for _, fields in plan.fields() if fields.get("type") == _CUSTODY]
    digest = write_bundle(
        plan,
        out,
        signer=load_signer(plan.layout.key, plan.layout.vkey),
        pages=pages,
        custody=[*earlier, line],
        bag_info={
            "Source-Organization": plan.key.name,
            "External-Description": case or "Evidence of visits by AI crawlers",
            "Bagging-Software-Agent": account.software,
        },
        disclosed=parts,
        seen=seen,
        progress=percent(),
    )
    _record(plan, {**line, "sha256": digest})
    return digest


def _account(plan: Plan, *, case: str, made_by: str, made_us: int, disclosed: int) -> Account:
    import base64

    from optout.evidence.anchors import read_own, rests_on
    from optout.report.account import Account

    root = base64.b64encode(plan.checkpoint.root).decode()
    stamped = read_own(plan.layout, plan.key)
    return Account(
        case=case,
        scope=plan.scope.words(),
        since_us=plan.scope.since_us,
        until_us=plan.scope.until_us,
        made_us=made_us,
        made_by=made_by,
        software=SOFTWARE,
        vkey=str(plan.key),
        fingerprint=plan.key.fingerprint,
        rests_on=rests_on(stamped, plan.checkpoint.size),
        disclosed=disclosed,
        seen_line=f"{plan.checkpoint.origin} {plan.checkpoint.size} {root}",
    )


def _record(plan: Plan, line: Mapping[str, object]) -> None:
    """The export is in the log, too; whoever holds that takes it over from a spool."""
    from optout.evidence.opening import Opening, open_log

    fields: dict[str, str | int] = {
        f"custody.{name}": value for name, value in line.items() if isinstance(value, str | int)
    }
    if plan.scope.tenant:
        fields["tenant"] = plan.scope.tenant
    log = open_log(plan.layout.root, Opening.JOIN, software=SOFTWARE)
    try:
        log.append({"type": _CUSTODY, **fields}).result(10)
    finally:
        log.close()


def preview(plan: Plan, counted: Figures, parts: dict[str, bytes]) -> dict[str, object]:
    """What would go into a bundle, personal data above all."""
    senders = sorted(
        {str(each) for visit in counted.visits for each in _texts(visit.fields, "http.request.header.from")}
    )
    agents = {str(visit.fields.get("user_agent.original", "")) for visit in counted.visits}
    return {
        "records": len(plan.chosen.indexes),
        "visits": counted.attempts,
        "documents": len(plan.chosen.documents),
        "gaps": len(counted.gaps),
        "log_size": plan.checkpoint.size,
        "personal": {"user_agents": len(agents), "from_headers": senders, "private_parts": len(parts)},
    }


def _texts(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _told(told: dict[str, object]) -> str:
    personal = told["personal"]
    assert isinstance(personal, dict)  # noqa: S101  made just above
    senders = personal["from_headers"]
    lines = [
        f"{told['visits']} visits in {told['records']} records of {told['log_size']}, {told['documents']} documents, "
        f"{told['gaps']} gaps",
        "",
        "personal data that would be disclosed",
        f"  user agents, as sent      {personal['user_agents']} different ones; any may hold a name",
        f"  From fields, as sent      {len(senders)}"
        + "".join(f"\n    {safe(each, 120)}" for each in senders[:_MOST_NAMED]),
        f"  private parts             {personal['private_parts']} (addresses, queries)",
    ]
    return "\n".join(lines)


def _size(line: str, origin: str) -> int:
    words = line.split()
    if len(words) != 3 or words[0] != origin or not words[1].isdecimal():
        raise UsageError(f"--seen: not a line of {origin}", "give 'origin size root', as `verify.py` prints it")
    return int(words[1])
