"""`optout review DIR`: the pages, in a browser or one of them printed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optout.cli.terminal import safe
from optout.errors import EvidenceError, UsageError

if TYPE_CHECKING:
    from aiohttp import web

    from optout.engine import Engine
    from optout.evidence.segments import Entry
    from optout.review.app import Review
    from optout.review.gate import Gate

_STANCES = ("no-training", "observe", "search-only")  # license-required needs the owner's own terms


def serve_pages(
    directory: Path,
    *,
    policy: str,
    works: Path | None,
    listen: str,
    get: str,
    proxies: tuple[str, ...],
    user_field: str,
    tenant_field: str,
    hosts: tuple[str, ...],
    tls: tuple[str, str],
    by: str,
) -> None:
    """Show the pages until interrupted; with `get`, print that one page and end."""
    from optout.cli.evidence.options import actor
    from optout.review.app import make_app
    from optout.review.gate import Gate, Proxy

    review = _review(directory, policy, works)
    host, port = _address(listen)
    named = Proxy(addresses=proxies, user_field=user_field, tenant_field=tenant_field) if proxies else None
    proxy = None if get else named  # who asks on this shell is no visitor of a proxy's
    if host not in {"127.0.0.1", "::1", "localhost"} and named is None:
        raise UsageError(
            f"{safe(host)} can be reached from elsewhere", "listen on 127.0.0.1, or name a proxy that knows who looks"
        )
    with _socket(host, port) as bound:
        number = int(bound.getsockname()[1])
        own = {f"{name}:{number}" for name in ("127.0.0.1", "localhost", "[::1]")}
        gate = Gate(
            hosts=frozenset({*own, *(each.lower() for each in hosts)}),
            port=number,
            user=actor(by),
            is_tls=all(tls),
            proxy=proxy,
        )
        app = make_app(review, gate)
        if get:
            asyncio.run(_print_page(app, gate, get))
            return
        scheme = "https" if all(tls) else "http"
        if proxy is None:
            click.echo(f"Open this link within ten minutes; it works once:\n\n  {_link(scheme, number, gate)}\n")
            click.echo("Ctrl-C ends the pages. Run it again for another link.")
        else:
            click.echo(f"listening on {safe(host)}:{number} for {safe(', '.join(proxies))}")
        sys.stdout.flush()
        asyncio.run(_serve(app, bound, tls))


def _link(scheme: str, port: int, gate: Gate) -> str:
    return f"{scheme}://127.0.0.1:{port}/enter?token={gate.new_token()}"


def _review(directory: Path, policy: str, works: Path | None) -> Review:
    from optout.adapters.crawler_files import registry_in_use
    from optout.cli.evidence.privacy import reveal_part
    from optout.cli.evidence.rows import csv_row
    from optout.evidence.directory import Layout
    from optout.evidence.signing import load_verifier_key
    from optout.review.app import Review
    from optout.review.reader import Reader
    from optout.review.works import parse_works

    load_verifier_key(Layout(directory).vkey)  # says at once, and in words, where there is no log
    registry = registry_in_use()
    engine: Engine | None = None
    stances: dict[str, Engine] = {}
    if policy:
        from optout.adapters.policy_files import load_policy_set
        from optout.adapters.policy_watch import PolicyWatch
        from optout.engine import Engine

        engine = Engine(PolicyWatch(policy, registry).current, registry)
        stances = {name: Engine(load_policy_set(name, registry)[0], registry) for name in _STANCES}
    listed = parse_works(_list_of(works)) if works is not None else ((), ())
    can_write = Layout(directory).key.exists()

    def reveal(log: Path, entry: Entry, by: str, reason: str) -> dict[str, object] | None:
        return reveal_part(log, entry, by, reason)

    def export(scope: Mapping[str, str], by: str) -> tuple[dict[str, Any], bytes | None]:
        return _export(directory, scope, by)

    return Review(
        reader=Reader(directory),
        registry=registry,
        engine=engine,
        stances=stances,
        works=listed,
        reveal=reveal if can_write else None,
        export=export if can_write else None,
        csv_row=csv_row,
    )


def _list_of(path: Path) -> bytes:
    """The list of works: a table or addresses as they are, a sitemap as the addresses in it."""
    from optout.cli.url_lists import listed

    try:
        data = path.read_bytes()
    except OSError as fault:
        raise UsageError(f"cannot read {path}: {fault.strerror}", "name a list that exists") from fault
    is_sitemap = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\x1f\x8b"))
    return "\n".join(listed(None, path)).encode("utf-8", "replace") if is_sitemap else data


def _export(directory: Path, scope: Mapping[str, str], by: str) -> tuple[dict[str, Any], bytes | None]:
    """What would go into a bundle; with `do`, the bundle, checked as its reader would."""
    import tempfile

    from optout.cli.evidence.bundle import preview, write_export
    from optout.evidence.bundle import Scope, plan_bundle
    from optout.evidence.bundle.verify import verify
    from optout.evidence.directory import Layout
    from optout.report.figures import figures
    from optout.review.asked import parse_asked

    asked = parse_asked(scope).question()
    chosen = Scope(
        tenant=scope.get("tenant", ""),
        since_us=asked.since_us,
        until_us=asked.until_us,
        crawler=scope.get("crawler", ""),
        ids=frozenset(),
    )
    plan = plan_bundle(Layout(directory), chosen)
    counted = figures(plan.fields())
    told = preview(plan, counted, {})
    if not scope.get("do"):
        return told, None
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "case.evidence.zip"
        write_export(plan, counted, file, case=scope.get("case", ""), made_by=by, seen=[], parts={})
        data = file.read_bytes()
    said = verify(data, str(plan.key))
    if said["exit"] != 0:
        raise EvidenceError(f"the bundle does not verify: {said['why']}", "run `optout evidence verify` on the log")
    return told, data


# Serving


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise UsageError(
            f"--listen: {safe(listen)} is no address", "write it like 127.0.0.1:8099; port 0 takes a free one"
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def _socket(host: str, port: int):  # type: ignore[no-untyped-def]
    import socket

    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as fault:
        raise UsageError(
            f"cannot listen on {safe(host)}:{port}: {fault.strerror}", "choose another --listen"
        ) from fault


async def _serve(app: web.Application, bound: Any, tls: tuple[str, str]) -> None:
    import ssl

    from aiohttp import web

    context = None
    if all(tls):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, bound, ssl_context=context).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _print_page(app: web.Application, gate: Gate, path: str) -> None:
    """One page without a listening server: its bytes on standard output."""
    from aiohttp.test_utils import TestClient, TestServer

    if not path.startswith("/"):
        raise UsageError(f"--get: {safe(path)} is no path", "write it like --get /records.json?crawler=GPTBot")
    name = gate.redeem(gate.new_token())
    async with TestClient(TestServer(app), cookies={gate.cookie: name or ""}) as client:
        gate.accept(f"{client.host}:{client.port}")
        async with client.get(path, allow_redirects=False) as answer:
            body = await answer.read()
    sys.stdout.buffer.write(body)
    if answer.status != 200:
        sys.exit(1)
