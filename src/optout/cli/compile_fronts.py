"""The front ends that a policy can be compiled for: one line each, whose compiler is imported only when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from optout.compilers.edge import Edge, Loss
from optout.crawlers.registry import Registry
from optout.errors import UsageError
from optout.policy.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """The files for a front end by name, and what they cannot do."""

    files: Mapping[str, str]
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """How to compile for one front end.

    `compiler` takes an edge and its registry, and gives an object with `files` and `losses`. `log` and `place` name
    its parameters for the log and for the directory in which the front end finds the files; "" where it has none.
    `router` makes the routed form; "" where there is none. `reload` makes the front end read the files.
    """

    compiler: str
    router: str
    log: str
    place: str
    reload: str


FRONTS: Mapping[str, Front] = {
    "nginx": Front(
        compiler="optout.compilers.nginx:compile_nginx",
        router="optout.compilers.nginx.route:compile_route",
        log="log",
        place="",
        reload="nginx -t && systemctl reload nginx",
    ),
    "caddy": Front(
        compiler="optout.compilers.caddy:compile_caddy",
        router="optout.compilers.caddy.route:compile_caddy_route",
        log="log",
        place="",
        reload="caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy",
    ),
    "haproxy": Front(
        compiler="optout.compilers.haproxy:compile_haproxy",
        router="",
        log="",
        place="place",
        reload="haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy",
    ),
    "apache": Front(
        compiler="optout.compilers.apache:compile_apache",
        router="optout.compilers.apache.route:compile_apache_route",
        log="log",
        place="place",
        reload="apachectl configtest && systemctl reload apache2",
    ),
}


def compile_for(name: str, edge: Edge, registry: Registry, *, log: str, place: str) -> Compiled:
    """`edge` for the front end called `name`; an empty `log` or `place` leaves the compiler's own.

    Raises UsageError where the front end has no such thing.
    """
    front = FRONTS[name]
    module, _, attribute = front.compiler.partition(":")
    options: dict[str, str] = {}
    for value, option, parameter in ((log, "--log", front.log), (place, "--place", front.place)):
        if value and not parameter:
            raise UsageError(f"{option} means nothing to {name}", f"leave {option} out")
        if value:
            options[parameter] = value
    made = getattr(import_module(module), attribute)(edge, registry, **options)
    return Compiled(files=made.files, losses=made.losses)


def route_for(name: str, policy: Policy, registry: Registry, *, edge: Edge | None, socket: str) -> Compiled:
    """The routed form for the front end called `name`; an empty `socket` leaves the router's own.

    Raises UsageError where there is none.
    """
    module, _, attribute = FRONTS[name].router.partition(":")
    if not module:
        able = ", ".join(each for each, front in FRONTS.items() if front.router)
        raise UsageError(f"--route is not for {name}, but for {able}", "leave --route out: it is compiled for")
    options = {"socket": socket} if socket else {}
    made = getattr(import_module(module), attribute)(policy, registry, edge=edge, **options)
    return Compiled(files=made.files, losses=made.losses)
