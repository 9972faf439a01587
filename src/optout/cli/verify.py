"""`optout crawlers verify`: what one request proves of who sends it, step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from optout.cli.terminal import safe
from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.crawlers.model import Claim
    from optout.identity import Agent
    from optout.messages import Request
    from optout.signatures.directory import KeySet
    from optout.signatures.verification import Checked, Presented


@click.command("verify")
@click.option("--user-agent", "-A", default="", help="The User-Agent field that the visitor sent.")
@click.option("--ip", help="The client's address.")
@click.option("--header", "-H", "headers", multiple=True, metavar="'K: V'", help="A further request field.")
@click.option("--url", help="What was asked for: a signature is made for a site.")
@click.option("--method", default="GET", show_default=True, help="The request method.")
@click.option("--at", metavar="TIME", help="When the request came, such as 2026-11-27T08:00:00Z. Default: now.")
@click.option(
    "--directory",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The signer's key directory, from a file; nobody is asked.",
)
@click.option("--offline", is_flag=True, help="Ask nobody for keys.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def verify(
    user_agent: str,
    ip: str | None,
    headers: tuple[str, ...],
    url: str | None,
    method: str,
    at: str | None,
    directory: Path | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Say what a request claims to be, and what its address and its signature prove.

    Exit code: 0 the claim is verified, 1 it is not, 2 usage or fault.
    """
    from optout.cli.explain import field
    from optout.testing import make_request

    fields = [field(text) for text in headers]
    signed = any(name.lower() == "signature-input" for name, _ in fields)
    if signed and url is None:
        raise UsageError("the request is signed, and nothing says for which site", "give --url as the visitor asked")
    request = make_request(
        url or "https://site.example/", user_agent, method=method, headers=fields, ip=ip, received_us=_time_us(at)
    )
    if not request.authority:
        raise UsageError(f"{safe(url or '')} is no absolute URL", "write it like https://photos.example/gallery/1.jpg")
    found = _find(request, directory, offline=offline)
    if as_json:
        click.echo(json.dumps(_report(found), ensure_ascii=True))
    else:
        click.echo("\n".join(_lines(found)))
    is_verified = found.agent is not None and found.agent.standing.value == "verified"
    click.get_current_context().exit(0 if is_verified else 1)


class _Found(NamedTuple):
    """Everything that was found out; `unsigned` is the agent before its signature was weighed."""

    claim: Claim | None
    unsigned: Agent | None
    agent: Agent | None
    presented: Presented
    checked: Checked
    faults: tuple[str, ...]


def _find(request: Request, directory: Path | None, *, offline: bool) -> _Found:
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.list_files import ListWatch, list_directory
    from optout.adapters.switch import default_state_directory
    from optout.identity import identify, prove, signers_of
    from optout.signatures.verification import UNSIGNED, Checked, Verdict, present, question, settle

    claim = registry_in_use().recognize(request.user_agent, request.signature_agent)
    if claim is None:
        return _Found(None, None, None, UNSIGNED, Checked(verdict=Verdict.UNSIGNED), ())
    book = ListWatch(list_directory(default_state_directory())).book
    unsigned = identify(claim, *book.look(claim, request.client, request.received_us))
    presented = present(request, signers_of(claim))
    asked = question(presented, request)
    answer: Checked | None = None
    faults: tuple[str, ...] = ()
    if asked is not None and directory is not None:
        keys = _read(directory)
        answer, faults = _check(presented, keys, asked.at_s), keys.faults
    elif asked is not None and not offline:
        answer, faults = _ask(asked)
    checked = settle(presented, answer, request.client)
    return _Found(claim, unsigned, prove(unsigned, checked.verdict), presented, checked, faults)


def _check(presented: Presented, keys: KeySet, now_s: int) -> Checked:
    from optout.signatures.verification import check

    signature = presented.signature
    assert signature is not None  # noqa: S101  there was a question about it
    return check(keyid=signature.keyid, base=presented.base, value=signature.value, keys=keys, now_s=now_s)


def _read(directory: Path) -> KeySet:
    from optout.signatures.directory import LONGEST_DIRECTORY, parse_directory

    try:
        with directory.open("rb") as file:
            return parse_directory(file.read(LONGEST_DIRECTORY + 1))
    except OSError as fault:
        raise UsageError(f"cannot read {directory}: {fault.strerror}", "give a file that can be read") from fault


def _ask(asked: object) -> tuple[Checked | None, tuple[str, ...]]:
    """The answer of the signer's own host, as a door would get it."""
    import asyncio

    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.fetcher import Fetcher
    from optout.adapters.key_directories import KeyDirectories
    from optout.adapters.public_addresses import PublicAddresses
    from optout.lookups import SignatureCheck
    from optout.signatures.binding import Binding

    assert isinstance(asked, SignatureCheck)  # noqa: S101  the caller made it

    async def ask() -> tuple[Checked | None, tuple[str, ...]]:
        async with Fetcher(resolver=PublicAddresses()) as fetcher:
            keys = KeyDirectories(fetcher, registry_in_use().signers, within=10.0)
            answer = await keys.check(asked)
            await keys.close()
            faults = [f"{host}: {fault}" for host, fault in keys.faults().items()]
            if keys.binding(asked.host) is Binding.BAD:
                faults.append(f"{asked.host}: the directory's own signature is wrong")
            return answer, tuple(faults)

    return asyncio.run(ask())


def _time_us(text: str | None) -> int:
    from optout.adapters.intake import now_us

    if text is None:
        return now_us()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as fault:
        raise UsageError(f"--at: {safe(text)} is no time", "write it like 2026-11-27T08:00:00Z") from fault
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000


def _lines(found: _Found) -> Iterator[str]:
    claim, unsigned, agent = found.claim, found.unsigned, found.agent
    if claim is None or unsigned is None or agent is None:
        yield "claim      none: no crawler that Optout knows, so nothing is checked"
        return
    crawler = claim.crawler
    yield f"claim      {crawler.name} ({crawler.operator}), {agent.purpose}: {claim.said_by} says {safe(claim.token)}"
    if len(claim.named) > 1:
        yield f"           it names {', '.join(each.name for each in claim.named)}; the most restricted governs"
    yield f"addresses  {unsigned.note or _no_list(found)}"
    suffixes = ", ".join(crawler.rdns_suffixes)
    yield f"names      {f'may end in {suffixes}' if suffixes else f'{crawler.operator} documents none'}"
    yield from _signature_lines(found)
    note = f": {safe(agent.note)}" if agent.note else ""
    yield f"standing   {agent.standing}, by {agent.method}{note}"


def _no_list(found: _Found) -> str:
    crawler = found.claim.crawler if found.claim else None
    if crawler is None or not crawler.address_list:
        return "no list of networks is published for it"
    return "not looked up: no list was fetched, `optout crawlers update` does"


def _signature_lines(found: _Found) -> Iterator[str]:
    signature, checked = found.presented.signature, found.checked
    who = f", of {safe(found.presented.host)}" if found.presented.host else ""
    yield f"signature  {checked.verdict}{who}"
    if signature is not None:
        covered = " ".join(component.text for component in signature.components)
        yield f"           covers {safe(covered, 400)}"
        times = f"from {_moment(signature.created)} to {_moment(signature.expires)}"
        yield f"           key {safe(signature.keyid, 100)}, {times}"
    yield from (f"           {safe(fault)}" for fault in found.faults)


def _moment(seconds: int | None) -> str:
    if seconds is None:
        return "an untold time"
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _report(found: _Found) -> dict[str, object]:
    """The public JSON form."""
    claim, agent, signature, key = found.claim, found.agent, found.presented.signature, found.checked.key
    return {
        "claim": None
        if claim is None
        else {
            "name": claim.crawler.name,
            "operator": claim.crawler.operator,
            "purpose": claim.crawler.purpose.value,
            "said_by": claim.said_by.value,
            "token": claim.token,
            "named": [each.name for each in claim.named],
            "contradiction": claim.contradiction,
        },
        "addresses": found.unsigned.note if found.unsigned else "",
        "names": list(claim.crawler.rdns_suffixes) if claim else [],
        "signature": {
            "verdict": found.checked.verdict.value,
            "signer": found.presented.host,
            "covered": [component.text for component in signature.components] if signature else [],
            "keyid": signature.keyid if signature else "",
            "created": signature.created if signature else None,
            "expires": signature.expires if signature else None,
            "nonce": signature.nonce if signature else "",
            "base": found.presented.base,
            "key": json.loads(key.jwk) if key else None,
            "directory_sha256": found.checked.directory_sha256,
            "faults": list(found.faults),
        },
        "standing": agent.standing.value if agent else None,
        "method": agent.method.value if agent else None,
        "note": agent.note if agent else "",
    }
