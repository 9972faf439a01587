"""`optout audit`: what a site really serves, what it adds up to for each crawler, and what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.lint.base import Finding
    from optout.lint.rules.site import Answer, SiteSource
    from optout.signals.verdict import UsageVerdict

_PATHS = ("/robots.txt", "/.well-known/tdmrep.json", "/ai.txt")
_MOST_NAMED = 40  # crawlers whose answers are told one by one
_MOST_LICENSES = 4  # license documents that are asked for; their addresses are the site's choice


@click.command()
@click.argument("url")
@click.option("--allow-private", is_flag=True, help="Ask an address that is not public, as of a test server.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def audit(url: str, allow_private: bool, as_json: bool) -> None:
    """Fetch what the site of URL publishes, and the page itself; lint all of it and say what it adds up to.

    Four requests, and one for each of up to four license documents that they name; no redirect followed.
    Exit code: 0 nothing, or notes alone; 1 errors or warnings; 2 fault.
    """
    from optout.crawlers.registry import bundled_registry
    from optout.lint.rules.site import SITE
    from optout.lint.rules.site_licenses import SITE_LICENSES
    from optout.lint.runner import lint, lint_robots, lint_rsl, lint_tdmrep

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("URL is no absolute http or https address", "write it like https://photos.example/gallery/")
    source = asyncio.run(_fetched(url, allow_private))
    found: list[tuple[str, Finding]] = [("site", finding) for finding in lint((*SITE, *SITE_LICENSES), source)]
    if source.signals.robots:
        found += [("robots.txt", each) for each in lint_robots(source.signals.robots, bundled_registry())]
    if source.signals.tdmrep:
        found += [("tdmrep.json", each) for each in lint_tdmrep(source.signals.tdmrep)]
    found += [(name, each) for name, data in source.signals.rsl for each in lint_rsl(data)]
    verdicts = {token: source.verdict(token) for token in _tokens(source)}
    if as_json:
        click.echo(json.dumps(_told(url, source, found, verdicts)))
    else:
        click.echo("\n".join(_lines(url, source, found, verdicts)))
    sys.exit(1 if any(finding.severity.value != "note" for _, finding in found) else 0)


def _connect_to(host: str, port: int | None, scheme: str, allow_private: bool) -> str:
    """Where to connect: one address, looked up once, so that a second answer of DNS cannot lead elsewhere (CWE-367)."""
    port = port or (443 if scheme == "https" else 80)
    try:
        found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as fault:
        raise UsageError(f"{host} cannot be found: {fault.strerror}", "look at the name") from fault
    private = [address for address in found if not ip_address(str(address).partition("%")[0]).is_global]
    if private and not allow_private:
        raise UsageError(f"{host} leads to {private[0]}, which is not public", "add --allow-private if it is yours")
    address = str(found[0])
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


async def _fetched(url: str, allow_private: bool) -> SiteSource:
    from optout.adapters.fetcher import Fetcher
    from optout.lint.rules.site import Answer, SiteSource
    from optout.lint.rules.site_licenses import license_urls

    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    connect = _connect_to(parts.hostname or "", parts.port, parts.scheme, allow_private)
    async with Fetcher() as fetcher:

        async def one(address: str, connect: str) -> Answer:
            got = await fetcher.visit(address, {}, connect=connect)
            return Answer(url=address, status=got.status, fields=got.fields, body=got.body, fault=got.fault)

        async def named(address: str) -> Answer:
            """A license document: its host is the site's word, so only the site's own may be one that is not public."""
            try:
                there = urlsplit(address)
                if not there.hostname or "@" in there.netloc:
                    raise UsageError("no host, or a password", "name it by an absolute URL")
                is_own = allow_private and there.hostname == parts.hostname
                return await one(address, _connect_to(there.hostname, there.port, there.scheme.lower(), is_own))
            except UsageError as fault:
                return Answer(url=address, fault=fault.what)
            except ValueError:
                return Answer(url=address, fault="no address")

        robots, tdmrep, ai_txt = [await one(f"{base}{path}", connect) for path in _PATHS]
        page = await one(url, connect)
        if page.fault:
            raise UsageError(f"the page cannot be had: {page.fault}", "see that the site answers")
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        source = SiteSource(robots, tdmrep, ai_txt, page, target)
        licenses = [await named(address) for address in license_urls(source)[:_MOST_LICENSES]]
    return replace(source, licenses=tuple(licenses))


def _tokens(source: SiteSource) -> tuple[str, ...]:
    """Everybody, and each crawler that robots.txt names."""
    from optout.robots.changes import named_tokens
    from optout.robots.parser import parse_robots

    *named, everyone = named_tokens(parse_robots(source.signals.robots))
    return (everyone, *named[:_MOST_NAMED])


def _answers(source: SiteSource) -> tuple[Answer, ...]:
    return (source.robots, source.tdmrep, source.ai_txt, source.page, *source.licenses)


def _told(
    url: str, source: SiteSource, found: list[tuple[str, Finding]], verdicts: dict[str, UsageVerdict]
) -> dict[str, Any]:
    """The public fields of `--json`."""

    def answer(each: Answer) -> dict[str, Any]:
        return {"url": each.url, "status": each.status, "media_type": each.media_type, "fault": each.fault}

    return {
        "url": url,
        "answers": [answer(each) for each in _answers(source)],
        "uses": {
            token: {use.usage.value: use.preference.value for use in verdict.uses}
            for token, verdict in verdicts.items()
        },
        "findings": [
            {
                "file": file,
                "code": finding.code,
                "severity": finding.severity.value,
                "line": finding.line,
                "title": finding.title,
                "text": finding.text,
            }
            for file, finding in found
        ],
    }


def _lines(
    url: str, source: SiteSource, found: list[tuple[str, Finding]], verdicts: dict[str, UsageVerdict]
) -> Iterator[str]:
    from optout.cli.terminal import safe
    from optout.robots.changes import EVERYONE

    yield safe(url)
    for each in _answers(source):
        yield f"  {each.status or '-':>3}  {safe(each.url)}  {safe(each.media_type)}{safe(each.fault)}"
    yield "\nwhat it says of this page"
    for token, verdict in verdicts.items():
        said = [f"{use.usage} {use.preference}" for use in verdict.uses if use.decided is not None]
        name = "everybody" if token == EVERYONE else safe(token)
        yield f"  {name}: {', '.join(said) or 'nothing'}"
    yield "\nwhat is wrong" if found else "\nnothing is wrong"
    for file, finding in found:
        place = f"{safe(file)}:{finding.line}" if finding.line else safe(file)
        yield f"  {place}: {finding.severity.value} {finding.code} {finding.title}: {safe(finding.text, 200)}"
    if found:
        yield f"\n{len(found)} found; docs/lint/ says why each matters and what to write instead"
