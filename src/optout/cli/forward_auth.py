"""`optout forward-auth`: answer the questions of a front end."""

from __future__ import annotations

import importlib.util
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.adapters.forward_auth.server import ForwardAuthOptions

_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command("forward-auth")
@click.option(
    "--listen",
    default="127.0.0.1:9180",
    show_default=True,
    metavar="HOST:PORT|unix:PATH",
    help="Where the front end asks.",
)
@click.option(
    "--dialect",
    type=click.Choice(["nginx", "nginx-route", "caddy", "traefik", "envoy"]),
    default="nginx",
    show_default=True,
    help="Which front end asks.",
)
@click.option(
    "--policy", metavar="FILE|DIR|NAME", help="A policy, or the name of a ready one. Without it: only observe."
)
@click.option("--upstream", metavar="URL", help="Where robots.txt and tdmrep.json are read; else they are not known.")
@click.option("--evidence", type=_DIRECTORY, help="The directory of the evidence log; else STATE/evidence.")
@click.option("--state", type=_DIRECTORY, help="The directory of the off switch.")
@click.option(
    "--trusted-proxy", multiple=True, metavar="CIDR", help="Who may ask, else this machine; repeat it for each."
)
@click.option("--forwarded-field", default="x-forwarded-for", show_default=True, metavar="NAME")
@click.option(
    "--status-listen", metavar="HOST:PORT", help="Where to tell health, readiness and metrics; :PORT is this machine."
)
@click.option("--json", "as_json", is_flag=True, help="Print what it does as one JSON object.")
def forward_auth(
    listen: str,
    dialect: str,
    policy: str | None,
    upstream: str | None,
    evidence: Path | None,
    state: Path | None,
    trusted_proxy: tuple[str, ...],
    forwarded_field: str,
    status_listen: str | None,
    as_json: bool,
) -> None:
    """Answer the questions of nginx (auth_request), Caddy, Traefik or Envoy, until it is stopped.

    `OPTOUT_MODE=observe` overrides every policy.
    """
    for package in ("aiohttp", "httptools"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"{package} is not installed", "install Optout with it: pip install 'optout[serve]'")
    from optout.adapters.forward_auth import asked_by
    from optout.adapters.forward_auth.check import Dialect
    from optout.adapters.forward_auth.server import ForwardAuthOptions
    from optout.adapters.listening import load_place
    from optout.adapters.stats.status import load_status_address
    from optout.adapters.switch import default_state_directory, is_observe_only

    where = load_place(listen)
    place = state or default_state_directory()
    options = ForwardAuthOptions(
        state=place,
        host=where.host,
        port=where.port,
        socket=where.socket,
        dialect=Dialect(dialect),
        upstream=upstream or "",
        policy=policy,
        evidence=evidence or place / "evidence",
        trusted=asked_by(trusted_proxy, forwarded_field),
        observe_only=is_observe_only(),
        status=load_status_address(status_listen) if status_listen else None,
    )
    _run(options, as_json=as_json)


def _run(options: ForwardAuthOptions, *, as_json: bool) -> None:
    from optout.adapters.event_loop import run
    from optout.adapters.forward_auth.server import serve
    from optout.cli.announcement import log_to_stderr

    log_to_stderr()
    facts = _facts(options)

    def on_ready(address: str) -> None:
        click.echo(json.dumps({"listening": address, **facts}) if as_json else _text(address, facts))

    run(serve(options, on_ready))


def _facts(options: ForwardAuthOptions) -> dict[str, object]:
    """What the door is going to do; raises PolicyError or UsageError for a policy that does not load."""
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.policy_files import load_policy_set
    from optout.policy.model import Mode

    policies, problems = load_policy_set(options.policy, registry_in_use(options.state))
    observes = options.observe_only or all(policy.mode is Mode.OBSERVE for policy in policies)
    return {
        "dialect": options.dialect.value,
        "mode": "observe" if observes else "enforce",
        "policies": [{"file": each.file, "mode": each.mode.value, "sites": list(each.sites)} for each in policies],
        "problems": [str(problem) for problem in problems],
        "upstream": options.upstream or None,
        "evidence": str(options.evidence) if options.evidence else None,
        "state": str(options.state),
        "trusted": [str(network) for network in options.trusted.networks],
    }


def _text(address: str, facts: dict[str, object]) -> str:
    from optout.cli.terminal import safe

    off = shlex.join(["optout", "off", "--state", str(facts["state"])])
    lines = [f"optout answers {facts['dialect']} at {address}"]
    lines += [f"  {name:<9} {facts[name]}" for name in ("mode", "evidence")]
    lines += [
        f"  {'documents':<9} {facts['upstream'] or 'none are read: give --upstream, or name files in the policy'}"
    ]
    lines += [f"  {'PROBLEM':<9} {problem}" for problem in _words(facts["problems"])]
    lines += [f"  {'turn off':<9} {off}"]
    return "\n".join(safe(line) for line in lines)


def _words(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
