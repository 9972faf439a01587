"""`optout explain`: what a visitor would be told for a URL, by the engine itself, with the line that decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.engine import Outcome
    from optout.messages import Request
    from optout.signals.control_tokens import ControlToken
    from optout.signals.declaration import Document, Published
    from optout.signals.verdict import UsageVerdict


@click.command()
@click.argument("url")
@click.option("--user-agent", "-A", required=True, help="The User-Agent field that the visitor sends.")
@click.option("--policy", metavar="FILE|DIR|NAME", help="A policy file, a directory, or a ready stance's name.")
@click.option("--ip", help="The client's address.")
@click.option("--header", "-H", "headers", multiple=True, metavar="'K: V'", help="A further request field.")
@click.option("--method", default="GET", show_default=True, help="The request method.")
@click.option("--robots", type=click.Path(path_type=Path), help="Read robots.txt from a file, not from the site.")
@click.option("--tdmrep", type=click.Path(path_type=Path), help="Read tdmrep.json from a file, not from the site.")
@click.option(
    "--policy-token",
    "policy_tokens",
    multiple=True,
    metavar="TOKEN=USE",
    help="A token whose group in robots.txt reserves a use, as some-token=train; several times.",
)
@click.option("--license", "license_file", type=click.Path(path_type=Path), help="Read license documents from a file.")
@click.option("--offline", is_flag=True, help="Do not ask the site for what it publishes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(
    url: str,
    user_agent: str,
    policy: str | None,
    ip: str | None,
    headers: tuple[str, ...],
    method: str,
    robots: Path | None,
    tdmrep: Path | None,
    policy_tokens: tuple[str, ...],
    license_file: Path | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Say what a visitor with this user agent would be told at URL, and why.

    The site's robots.txt, tdmrep.json and the license documents that robots.txt names there are read from the files
    given, or asked of the URL's own site.
    Exit code: 0 the request passes, 1 it is refused, 2 usage or fault.
    """
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.intake import now_us
    from optout.adapters.list_files import ListWatch, list_directory
    from optout.adapters.policy_watch import PolicyWatch
    from optout.adapters.switch import default_state_directory
    from optout.engine import Engine
    from optout.testing import make_request

    fields = [field(text) for text in headers]
    request = make_request(url, user_agent, method=method, headers=fields, ip=ip, received_us=now_us())
    if not request.authority:
        raise UsageError(f"{safe(url)} is no absolute URL", "write it like https://photos.example/gallery/1.jpg")
    registry = registry_in_use()
    lists = ListWatch(list_directory(default_state_directory())).book
    engine = Engine(PolicyWatch(policy, registry).current, registry, lists=lists)
    published = _published(url, request, robots, tdmrep, license_file, offline=offline)
    outcome = engine.explain(request, published)
    uses = _uses(outcome, published, request, tuple(map(_policy_token, policy_tokens)))
    report = _report(outcome, request.authority) | {"uses": _told_uses(uses), "conflicts": _told_conflicts(uses)}
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=True))
    else:
        click.echo("\n".join([_words(url, outcome, request.authority), *_use_lines(uses)]))
    click.get_current_context().exit(0 if report["status"] == 200 else 1)


def _policy_token(text: str) -> ControlToken:
    from optout.signals.control_tokens import ControlToken
    from optout.signals.preference import Usage

    token, _, use = text.partition("=")
    if not token or use not in set(Usage):
        uses = ", ".join(Usage)
        raise UsageError(f"--policy-token: {safe(text)} names no token and use", f"write TOKEN=USE, with one of {uses}")
    return ControlToken(name=token, uses=(Usage(use),))


def _uses(
    outcome: Outcome | None, published: Published, request: Request, policy_tokens: tuple[ControlToken, ...]
) -> UsageVerdict | None:
    """What the site's documents say of each use to this crawler; None for whoever is none."""
    from optout.signals.control_tokens import CONTROL_TOKENS
    from optout.signals.verdict import Signals, usage_verdict

    if outcome is None:
        return None
    signals = Signals(
        robots=published.robots_document.data,
        tdmrep=published.tdmrep_document.data,
        controls=(*CONTROL_TOKENS, *policy_tokens),
        rsl=tuple((named, document.data) for named, document in published.licenses),
        authority=request.authority,
    )
    return usage_verdict(signals, outcome.decision.agent.claim.crawler.robots_tokens, request.target)


def _told_uses(verdict: UsageVerdict | None) -> dict[str, object]:
    return {
        use.usage.value: {
            "preference": use.preference.value,
            "source": use.decided.source if use.decided is not None else "",
            "line": use.decided.line if use.decided is not None else 0,
            "text": use.decided.text if use.decided is not None else "",
        }
        for use in (verdict.uses if verdict is not None else ())
    }


def _told_conflicts(verdict: UsageVerdict | None) -> list[dict[str, object]]:
    return [
        {
            "usage": conflict.usage.value,
            "allowed": {"source": conflict.allowed.source, "line": conflict.allowed.line},
            "disallowed": {"source": conflict.disallowed.source, "line": conflict.disallowed.line},
        }
        for conflict in (verdict.conflicts if verdict is not None else ())
    ]


def _use_lines(verdict: UsageVerdict | None) -> Iterator[str]:
    """What may be done with the page, where anything is said of it; whether it may be fetched stands above."""
    said = [use for use in verdict.uses if use.decided is not None] if verdict is not None else []
    for place, use in enumerate(said):
        decided = use.decided
        assert decided is not None  # noqa: S101  chosen so just above
        where = f"{decided.source}:{decided.line}" if decided.line else decided.source
        yield f"  {'uses' if not place else '    '}   {use.usage} {use.preference} ({safe(where)} {safe(decided.text)})"
    for conflict in verdict.conflicts if verdict is not None else ():
        allowed, disallowed = safe(conflict.allowed.source), safe(conflict.disallowed.source)
        yield f"  note   {conflict.usage}: {allowed} allows what {disallowed} disallows; the stricter stands"


def field(text: str) -> tuple[str, str]:
    """Name and value of a field that an option gives. Raises UsageError."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UsageError(f"{safe(text)} is no header field", "write it like 'Accept: text/html'")
    return name.strip(), value.strip()


def _published(
    url: str, request: Request, robots: Path | None, tdmrep: Path | None, license_file: Path | None, *, offline: bool
) -> Published:
    """What the site publishes: from the files given, else from the site that the operator typed."""
    from optout.signals import declaration

    if not offline and not (robots or tdmrep or license_file):
        return _ask(url, request)
    found = (_from_file(declaration.ROBOTS_NAME, robots), _from_file(declaration.TDMREP_NAME, tdmrep))
    published = declaration.parse_published(*found, authority=request.authority)
    licenses = tuple((named, _from_file(document.name, license_file)) for named, document in published.licenses)
    return replace(published, licenses=licenses)


def _ask(url: str, request: Request) -> Published:
    """The site's documents, asked of the URL that the operator typed."""
    import asyncio

    from optout.adapters.documents import OriginSource
    from optout.adapters.fetcher import Fetcher
    from optout.signals.declaration import license_path, parse_published

    async def ask() -> Published:
        base = f"{request.scheme}://{url.partition('://')[2].partition('/')[0]}"
        async with Fetcher() as fetcher:
            source = OriginSource(fetcher, base, scheme=request.scheme)
            published = parse_published(*await source.fetch(request.authority), authority=request.authority)
            licenses = [
                (named, await source.fetch_license(request.authority, license_path(document)))
                for named, document in published.licenses
            ]
        return replace(published, licenses=tuple(licenses))

    return asyncio.run(ask())


def _from_file(name: str, path: Path | None) -> Document:
    from optout.signals import declaration

    if path is None:
        return declaration.unknown(name, "not given")
    try:
        return declaration.known(name, path.read_bytes())
    except OSError as fault:
        raise UsageError(f"cannot read {path}: {fault.strerror}", "give a file that exists") from fault


def _report(outcome: Outcome | None, authority: str) -> dict[str, object]:
    """The public JSON form (design part 8)."""
    from optout.cli.policy_words import why

    if outcome is None:
        text = "no crawler that the policy speaks about: the request passes and leaves no trace"
        reasons = [{"code": "default", "text": text, "source": None}]
        return {
            "action": "allow",
            "status": 200,
            "clause": "",
            "policy_digest": "",
            "enforced": True,
            "enforced_because": "",
            "agent": None,
            "reasons": reasons,
        }
    decision, agent = outcome.decision, outcome.decision.agent
    return {
        "action": decision.action.value,
        "status": outcome.response.status if outcome.response else 200,
        "clause": decision.clause,
        "policy_digest": decision.policy.digest,
        "enforced": decision.enforced,
        "enforced_because": why(decision.policy, authority),
        "agent": {
            "name": agent.claim.crawler.name,
            "operator": agent.claim.crawler.operator,
            "purpose": agent.purpose.value,
            "standing": agent.standing.value,
        },
        "reasons": [
            {
                "code": reason.code.value,
                "text": reason.text,
                "source": {"file": reason.source.file, "line": reason.source.line} if reason.source else None,
            }
            for reason in decision.reasons
        ],
    }


def _words(url: str, outcome: Outcome | None, authority: str) -> str:
    from optout.cli.policy_words import why

    if outcome is None:
        return f"{safe(url)}: passes, and leaves no trace (no crawler that the policy speaks about)"
    decision, agent = outcome.decision, outcome.decision.agent
    crawler = agent.claim.crawler
    status = outcome.response.status if outcome.response else 200
    head = f"{safe(url)}: {decision.action} ({status})" + ("" if decision.enforced else ", only observed")
    note = f": {safe(agent.note)}" if agent.address_list or outcome.is_signed else ""
    who = f"  who    {crawler.name} ({crawler.operator}), {agent.purpose}, {agent.standing}{note}"
    reasons = [
        f"  {'why' if not place else '   '}    {safe(str(reason))}" for place, reason in enumerate(decision.reasons)
    ]
    lines = [head, who, *reasons, f"  by     {safe(decision.clause)}"]
    if not decision.enforced:
        lines.append(f"  mode   only observed, because {why(decision.policy, authority)}")
    return "\n".join(lines)
