"""`optout serve`: stand in front of a site as a reverse proxy."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.adapters.serve_options import ServeOptions

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--upstream", required=True, metavar="URL", help="Your site: http://, https:// or unix:/path of a socket."
)
@click.option(
    "--policy", metavar="FILE|DIR|NAME", help="A policy, or the name of a ready one. Without it: only observe."
)
@click.option(
    "--listen",
    default="127.0.0.1:8080",
    show_default=True,
    metavar="HOST:PORT|unix:PATH",
    help="Where visitors come in.",
)
@click.option("--tls-cert", type=_FILE, help="The certificate chain (PEM); read again when it is renewed.")
@click.option("--tls-key", type=_FILE, help="The key of the certificate (PEM).")
@click.option("--evidence", type=_DIRECTORY, help="The directory of the evidence log; else STATE/evidence.")
@click.option("--no-evidence", is_flag=True, help="Keep no record of anything.")
@click.option("--state", type=_DIRECTORY, help="The directory of the off switch.")
@click.option("--engine", type=click.Choice(["aiohttp", "mitmproxy"]), default="aiohttp", show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="How many processes share the port.",
)
@click.option("--trusted-proxy", multiple=True, metavar="CIDR", help="A proxy of yours in front; repeat it for each.")
@click.option(
    "--proxy-protocol", is_flag=True, help="Each connection begins with the PROXY protocol, from a --trusted-proxy."
)
@click.option("--forwarded-field", default="x-forwarded-for", show_default=True, metavar="NAME")
@click.option("--accept-advisory", is_flag=True, help="Let the mitmproxy of Python 3.11 listen beyond this machine.")
@click.option(
    "--status-listen", metavar="HOST:PORT", help="Where to tell health, readiness and metrics; :PORT is this machine."
)
@click.option("--json", "as_json", is_flag=True, help="Print what it does as one JSON object.")
def serve(
    upstream: str,
    policy: str | None,
    listen: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    evidence: Path | None,
    no_evidence: bool,
    state: Path | None,
    engine: str,
    workers: int,
    trusted_proxy: tuple[str, ...],
    proxy_protocol: bool,
    forwarded_field: str,
    accept_advisory: bool,
    status_listen: str | None,
    as_json: bool,
) -> None:
    """Stand in front of a site as a reverse proxy, until it is stopped.

    SIGTERM and Ctrl-C let requests under way end, for 30 seconds at most, or 5 with --engine mitmproxy.
    `OPTOUT_MODE=observe` overrides every policy.
    """
    _need(engine)
    if workers > 1 and engine == "mitmproxy":
        raise UsageError("mitmproxy serves in one process", "leave out --workers, or --engine mitmproxy")
    from optout.adapters.client_address import load_trusted_proxies
    from optout.adapters.listening import load_place
    from optout.adapters.serve_options import ServeOptions
    from optout.adapters.stats.status import load_status_address
    from optout.adapters.switch import default_state_directory, is_observe_only
    from optout.adapters.upstream import load_upstream

    load_upstream(upstream)
    if (tls_cert is None) != (tls_key is None):
        raise UsageError("--tls-cert and --tls-key go together", "give both, or neither")
    if evidence is not None and no_evidence:
        raise UsageError("--evidence and --no-evidence contradict each other", "give one of them")
    if proxy_protocol:
        _check_proxy_protocol(is_tls=tls_cert is not None, has_proxies=bool(trusted_proxy), engine=engine)
    where = load_place(listen)
    if where.socket and (engine == "mitmproxy" or workers > 1):
        raise UsageError("a unix socket is served by the aiohttp engine in one process", "give --listen HOST:PORT")
    place = state or default_state_directory()
    options = ServeOptions(
        upstream=upstream,
        state=place,
        listen_host=where.host,
        listen_port=where.port,
        listen_socket=where.socket,
        proxy_protocol=proxy_protocol,
        policy=policy,
        evidence=None if no_evidence else evidence or place / "evidence",
        tls_cert=tls_cert,
        tls_key=tls_key,
        trusted=load_trusted_proxies(trusted_proxy, forwarded_field),
        accept_advisory=accept_advisory,
        observe_only=is_observe_only(),
        status=load_status_address(status_listen) if status_listen else None,
    )
    _run(engine, options, workers=workers, as_json=as_json)


def _check_proxy_protocol(*, is_tls: bool, has_proxies: bool, engine: str) -> None:
    if engine == "mitmproxy":
        raise UsageError("mitmproxy does not read the PROXY protocol", "leave out --engine mitmproxy")
    if not has_proxies:
        raise UsageError(
            "--proxy-protocol believes every address that it is told", "name who may tell: --trusted-proxy ADDRESS"
        )
    if is_tls:
        raise UsageError(
            "--proxy-protocol and --tls-cert do not go together", "let the proxy in front end TLS, or pass plain TCP"
        )


def _run(engine: str, options: ServeOptions, *, workers: int, as_json: bool) -> None:
    from optout.cli.announcement import announcement, log_to_stderr

    log_to_stderr()
    told = announcement(options, engine, workers)

    def on_ready(address: str) -> None:
        click.echo(json.dumps({"listening": address, **told.facts}) if as_json else told.text(address))

    if engine == "mitmproxy":
        from optout.adapters.mitmproxy.process import serve_mitmproxy

        serve_mitmproxy(options, on_ready)
        return
    if workers > 1:
        import asyncio

        from optout.adapters.workers import supervise

        asyncio.run(supervise(options, workers, on_ready))
        return
    from optout.adapters.event_loop import run
    from optout.adapters.gateway.server import serve as serve_gateway

    run(serve_gateway(options, on_ready))


# What each engine stands on, and the extra that brings it.
_NEEDED = {
    "aiohttp": ("serve", ("aiohttp", "httptools")),
    "mitmproxy": ("mitmproxy", ("aiohttp", "mitmproxy")),
}


def _need(engine: str) -> None:
    extra, packages = _NEEDED[engine]
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"{package} is not installed", f"install Optout with it: pip install 'optout[{extra}]'")
