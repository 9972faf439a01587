"""The options of the mitmproxy door: from mitmproxy's strings to typed values, and what mitmproxy must not be told.

Raises `UsageError` for the person who starts mitmproxy; the addon turns that into mitmproxy's own `OptionsError`.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from mitmproxy.exceptions import OptionsError
from mitmproxy.optmanager import OptManager
from mitmproxy.proxy.mode_servers import ServerInstance
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode
from mitmproxy.version import VERSION

from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.driver import Settings
from optout.adapters.switch import default_state_directory, is_observe_only
from optout.errors import UsageError

LOG = logging.getLogger("optout")
_GUIDE = "docs/doors/mitmproxy.md"


class Option(NamedTuple):
    """One option that the addon adds to mitmproxy."""

    name: str
    kind: type
    default: object
    help: str


OPTIONS = (
    Option("optout_policy", str, "", "A policy file, a directory of them, or a ready stance. Empty only observes."),
    Option("optout_evidence", str, "", "The evidence log's directory. Empty is `evidence` in the state directory."),
    Option("optout_state", str, "", "The state directory: off switch and certificates. Empty is the system's own."),
    Option("optout_trusted_proxies", str, "", "Addresses or networks of your own proxies before this one, by comma."),
    Option("optout_forwarded_field", str, "x-forwarded-for", "The field in which those proxies name the client."),
    Option("optout_accept_advisory", bool, False, "Serve others than this machine with an outdated mitmproxy."),
)
NAMES = frozenset(option.name for option in OPTIONS)


def add_options(options: OptManager) -> None:
    """Add the door's options, and take what the command line said of them; raises UsageError for what cannot be.

    Left to mitmproxy, a wrong value would end the loading of the addon, and it would go on as a proxy without one
    (11.0.2 and 12.2.3, `Script.loadscript`).
    """
    for option in OPTIONS:
        options.add_option(*option)
    told = " ".join(sorted(NAMES & options.deferred.keys()))
    try:
        options.process_deferred()
    except OptionsError as fault:
        raise UsageError(
            f"of the options {told} one is wrong: {fault}", "docs/doors/mitmproxy.md lists them"
        ) from fault


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOptions:
    """Everything the door was told. `upstream` is the origin's base URL; `forced` are mitmproxy's own options."""

    settings: Settings
    upstream: str
    forced: Mapping[str, object]


def load_options(options: OptManager, settings: Settings | None, *, accept_advisory: bool) -> DoorOptions:
    """The door's options; `settings` is given by a program that starts mitmproxy itself. Raises UsageError."""
    refuse_unsafe(options)
    modes = tuple(_reverse_modes(options.mode))
    settings = settings or _settings(options)
    forced: dict[str, object] = {
        **_FORCED,
        "listen_host": _listen_host(options, modes, accepts=accept_advisory or options.optout_accept_advisory),
    }
    if options.confdir == options.default("confdir"):
        forced["confdir"] = str(settings.state / "mitmproxy")  # else a CA of no use turns up in the home directory
    scheme, (host, port) = modes[0].scheme, modes[0].address
    shown = f"[{host}]" if ":" in host else host
    return DoorOptions(settings=settings, upstream=f"{scheme}://{shown}:{port}", forced=forced)


# Set whatever the command line says: without them the door would judge one host and serve another, or tell of visitors.
_FORCED: Mapping[str, object] = {
    "keep_host_header": True,  # mitmproxy would put the upstream's name in place of the site's
    "flow_detail": 0,  # it would print a line for each visitor
    "connection_strategy": "lazy",  # it would connect to the origin for requests that are then refused
    "onboarding": False,  # it would answer for the host mitm.it with pages of its own
    "rawtcp": False,  # an upgrade that is no WebSocket would become a tunnel past the door
}

_REFUSED: Mapping[str, tuple[str, str]] = {
    "body_size_limit": (
        "it would break people's uploads and downloads",
        "leave it out: bodies are streamed, and a refused upload is never read into memory",
    ),
    "stream_large_bodies": (
        "it would lose the answer to a refused upload",
        "leave it out: Optout streams every body that it lets pass",
    ),
    "store_streamed_bodies": ("it would keep every body in memory", "leave it out"),
    "save_stream_file": (
        "it would write every visitor's requests into a file",
        "leave out -w; what Optout may keep is in the evidence log",
    ),
    "hardump": (
        "it would write every visitor's requests into a file",
        "leave it out; what Optout may keep is in the evidence log",
    ),
}


def refuse_unsafe(options: OptManager) -> None:
    """Raise UsageError for options of mitmproxy under which the door could not keep its word."""
    for name, (why, remedy) in _REFUSED.items():
        if name in options and getattr(options, name):
            raise UsageError(f"Optout does not run with mitmproxy's option {name}: {why}", remedy)
    if not options.validate_inbound_headers:
        raise UsageError(
            "Optout does not run with validate_inbound_headers=false: it opens the door to request smuggling",
            "leave it out",
        )


def _reverse_modes(modes: list[str]) -> Iterator[ReverseMode]:
    """The modes, all of them reverse proxies of the same http or https origin."""
    first: ReverseMode | None = None
    for spec in modes:
        mode = ProxyMode.parse(spec)
        if not isinstance(mode, ReverseMode) or mode.scheme not in ("http", "https"):
            raise UsageError(
                f"Optout stands before a site of yours, and {spec!r} is no such mode",
                "start mitmdump with --mode reverse:http://127.0.0.1:8000, with your own server's address",
            )
        first = first or mode
        if (mode.scheme, mode.address) != (first.scheme, first.address):
            raise UsageError(
                "one mitmdump with Optout stands before one origin, and the modes name several",
                "start one mitmdump for each origin, with a state directory for each (optout_state)",
            )
        yield mode


def _settings(options: OptManager) -> Settings:
    state = Path(options.optout_state).expanduser() if options.optout_state else default_state_directory()
    evidence = Path(options.optout_evidence).expanduser() if options.optout_evidence else state / "evidence"
    proxies = [text for text in options.optout_trusted_proxies.split(",") if text.strip()]
    return Settings(
        state=state,
        software=software(),
        policy=os.path.expanduser(options.optout_policy) or None,  # noqa: PTH111  may be the name of a ready stance
        evidence=evidence,
        trusted=load_trusted_proxies(proxies, options.optout_forwarded_field),
        observe_only=is_observe_only(),
        asks_at_start=True,
    )


def software() -> str:
    """What stands in the evidence log as the program that wrote it."""
    return f"optout/{version('optout')} mitmproxy/{VERSION}"


_SOUND = (12, 2, 2)


def has_open_advisories(installed: str = VERSION) -> bool:
    """Whether a version of mitmproxy is one with known, open security advisories (design part 5.15)."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", installed)[:3])
    return numbers < _SOUND


def _listen_host(options: OptManager, modes: tuple[ReverseMode, ...], *, accepts: bool) -> str:
    """The address to listen on: as told, or loopback where mitmproxy is not fit to meet strangers."""
    told: str = options.listen_host
    for mode in modes:
        host = mode.listen_host(told)
        if host:
            _check_address(host, accepts=accepts)
    if accepts or told or not has_open_advisories():
        return told
    LOG.warning("listening on 127.0.0.1 only: mitmproxy %s has open security advisories (%s)", VERSION, _GUIDE)
    return "127.0.0.1"


def check_listening(servers: Iterable[ServerInstance[ProxyMode]], options: OptManager, *, accepts: bool) -> None:
    """Raise UsageError unless mitmproxy listens, and where it may."""
    for server in servers:
        fault, mode = server.last_exception, server.mode
        if fault is not None:
            place = f"{mode.listen_host(options.listen_host) or '*'}:{mode.listen_port(options.listen_port)}"
            reason = os.strerror(fault.errno) if isinstance(fault, OSError) and fault.errno else str(fault)
            raise UsageError(
                f"cannot listen on {place}: {reason}",
                "choose another address; ports below 1024 need CAP_NET_BIND_SERVICE",
            )
        for host, *_ in server.listen_addrs:
            _check_address(host, accepts=accepts)


def _check_address(host: str, *, accepts: bool) -> None:
    if accepts or not has_open_advisories() or _is_loopback(host):
        return
    raise UsageError(
        f"mitmproxy {VERSION} has open security advisories (it is the newest for Python 3.11; GHSA-847f-9342-265h in"
        f" its HTTP/2 library among them), so it serves this machine only, and {host!r} is an address for others",
        "use Python 3.12 or newer; or let a proxy of yours stand before it, and listen on 127.0.0.1; or accept the"
        " risk with --set optout_accept_advisory=true (optout serve: --accept-advisory)",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def upstream_tls(options: OptManager) -> ssl.SSLContext | bool:
    """How the origin's certificate is verified when Optout asks it for documents: as mitmproxy does."""
    if options.ssl_insecure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    trusted: str | None = options.ssl_verify_upstream_trusted_ca
    return ssl.create_default_context(cafile=str(Path(trusted).expanduser())) if trusted else True
