"""For each front: the files to write, the three steps that put them into use, and how to go back."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from optout.adapters.init.answers import Answers, Front
from optout.adapters.init.policy import FILE as POLICY
from optout.adapters.init.units import ROUTE, USER, gateway_unit, ingest_unit, route_unit, serve_unit
from optout.compilers.apache import route as apache_route
from optout.compilers.apache.route import compile_apache_route
from optout.compilers.caddy.route import compile_caddy_route
from optout.compilers.edge import Edge, Loss
from optout.compilers.haproxy import compile_haproxy
from optout.compilers.nginx.route import HTTP, SERVER, SOCKET, compile_route
from optout.compilers.plan import Written
from optout.crawlers.registry import Registry

SYSLOG = "syslog:udp:127.0.0.1:5140"  # where HAProxy is told to log


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to write and what to say. `steps` are the three next lines; `undo` the lines that take them back.

    `unit` is the service to start first; "" where there is none. `again` is the line to type when the policy, or what
    the site publishes, has changed; "" where a running Optout sees it by itself.
    """

    files: Mapping[str, str]
    steps: tuple[str, ...]
    undo: tuple[str, ...]
    unit: str = ""
    again: str = ""
    losses: tuple[Loss, ...] = ()
    remarks: tuple[str, ...] = ()


def plan_front(answers: Answers, edge: Edge, registry: Registry) -> Plan:
    """The plan for the front that the owner named; `edge` is the first site's."""
    return _PLANS[answers.front](answers, edge, registry)


def _nginx(answers: Answers, edge: Edge, registry: Registry) -> Plan:
    made = compile_route(edge.policy, registry, edge=edge, socket=SOCKET)
    place = answers.directory
    reload = "sudo nginx -t && sudo systemctl reload nginx"
    return _routed(
        answers,
        made.files,
        made.losses,
        names=("nginx", "nginx-route", SOCKET),
        steps=(
            f"sudo ln -s {_q(place / HTTP)} /etc/nginx/conf.d/{HTTP}",
            f"include {place / SERVER};    # put this line first into the site's server block",
            reload,
        ),
        undo=(
            f"# take the line `include {place / SERVER};` out of the site's server block",
            f"sudo rm /etc/nginx/conf.d/{HTTP}",
            reload,
        ),
    )


def _caddy(answers: Answers, edge: Edge, registry: Registry) -> Plan:
    made = compile_caddy_route(edge.policy, registry, edge=edge, socket=SOCKET)
    (name,) = made.files
    place = answers.directory / name
    reload = "sudo caddy validate --config /etc/caddy/Caddyfile && sudo systemctl reload caddy"
    return _routed(
        answers,
        made.files,
        made.losses,
        names=("caddy", "caddy", SOCKET),
        steps=(
            f"import {place}    # put this line at the top of /etc/caddy/Caddyfile, before the sites",
            "route { import optout_route ... }    # and this around the rest of the site's block, put into a handle",
            reload,
        ),
        undo=(f"# take the lines with `{place}` and `optout_route` out of /etc/caddy/Caddyfile", reload),
    )


def _routed(
    answers: Answers,
    files: Mapping[str, str],
    losses: tuple[Loss, ...],
    *,
    names: tuple[str, str, str],
    steps: tuple[str, ...],
    undo: tuple[str, ...],
) -> Plan:
    """The plan for a front end that asks Optout; `names` are its own, that of its questions, and the socket's."""
    front, dialect, socket = names
    unit = ROUTE
    return Plan(
        files={**files, unit: route_unit(answers, dialect, socket, answers.directory / POLICY)},
        steps=steps,
        undo=undo,
        unit=unit,
        again=_again(answers, f"{front} --route --socket unix:{socket}", steps[-1]),
        losses=losses,
    )


def _apache(answers: Answers, edge: Edge, registry: Registry) -> Plan:
    made = compile_apache_route(edge.policy, registry, edge=edge)
    place = answers.directory
    reload = "sudo apachectl configtest && sudo systemctl reload apache2"
    modules = "rewrite headers remoteip proxy_http proxy_balancer lbmethod_byrequests"
    available = f"/etc/apache2/sites-available/{AGAIN}"
    include = f'Include "{place / apache_route.SITE}"'
    return Plan(
        files={
            **made.files,
            AGAIN: _site_again(answers),
            ROUTE: serve_unit(answers, apache_route.ORIGIN, apache_route.SOCKET, place / POLICY),
        },
        steps=(
            f"sudo a2enmod {modules} && sudo cp {_q(place / AGAIN)} {available} && sudo a2ensite {AGAIN[:-5]}"
            f"    # and write into {available} what the site serves",
            f"{include}    # put this line first into the site's VirtualHost",
            reload,
        ),
        undo=(
            f"# take the line `{include}` out of the site's VirtualHost",
            f"sudo a2dissite {AGAIN[:-5]} && sudo rm {available}",
            reload,
        ),
        unit=ROUTE,
        again=_again(answers, f"apache --route --socket unix:{apache_route.SOCKET}", reload),
        losses=made.losses,
    )


AGAIN = "optout-again.conf"
"""The site once more, in Apache, as Optout's upstream."""


def _site_again(answers: Answers) -> str:
    """The virtual host that Optout fetches from; what it serves is for the owner to write."""
    name, *others = answers.sites
    lines = [
        "# Made by `optout init`: the site once more, for what may be a crawler. Nobody else comes here.",
        f'Include "{answers.directory / apache_route.SERVER}"',
        f"Listen {apache_route.ORIGIN}",
        f"<VirtualHost {apache_route.ORIGIN}>",
        f"    ServerName {name}",
        *([f"    ServerAlias {' '.join(others)}"] if others else []),
        "    # What Optout says of the visitor: the address, and whether it came by https.",
        "    RemoteIPHeader X-Forwarded-For",
        "    RemoteIPInternalProxy 127.0.0.1",
        "    SetEnvIf X-Forwarded-Proto ^https$ HTTPS=on",
        "    # Write here what the site's own VirtualHost serves: DocumentRoot and the rest, but no certificates,",
        "    # no redirect to https, and not Optout's Include.",
        "</VirtualHost>",
    ]
    return "".join(f"{line}\n" for line in lines)


def _haproxy(answers: Answers, edge: Edge, registry: Registry) -> Plan:
    place = answers.directory
    host = SYSLOG.removeprefix("syslog:udp:")
    reload = "sudo haproxy -c -f /etc/haproxy/haproxy.cfg && sudo systemctl reload haproxy"
    return _compiled(
        answers,
        compile_haproxy(edge, registry, place=str(place)),
        log=SYSLOG,
        steps=(
            f"log {host} len 65535 local0    # put this line into `global` of /etc/haproxy/haproxy.cfg",
            f"sudo cat {_q(place / 'frontend.cfg')}    # and these lines into the site's frontend",
            reload,
        ),
        undo=(
            "# take the lines between `optout: begin` and `optout: end` out of the frontend, and the log line",
            reload,
        ),
    )


def _compiled(answers: Answers, made: Written, *, log: str, steps: tuple[str, ...], undo: tuple[str, ...]) -> Plan:
    """The plan for a front end that decides by itself; the last step is what makes it read its files."""
    unit = "optout-ingest.service"
    return Plan(
        files={**made.files, unit: ingest_unit(answers, log, answers.directory / POLICY)},
        steps=steps,
        undo=undo,
        unit=unit,
        again=_again(answers, answers.front.value, steps[-1]),
        losses=made.losses,
    )


def _again(answers: Answers, front: str, reload: str) -> str:
    words = ("--policy", answers.directory / POLICY, "--site", answers.sites[0], "--upstream", answers.origin)
    said = " ".join(shlex.quote(str(word)) for word in (*words, "--out", answers.directory))
    return f"sudo optout compile {front} {said} && {reload}"


def _nothing(answers: Answers, edge: Edge, registry: Registry) -> Plan:
    unit = "optout.service"
    place = answers.directory / unit
    return Plan(
        files={unit: gateway_unit(answers, answers.directory / POLICY)},
        steps=(
            f"# let the site itself listen at {answers.origin} alone, and leave port 80 free",
            add_user(),
            f"sudo systemctl enable --now {_q(place)}",
        ),
        undo=(f"sudo systemctl disable --now {unit}", "# let the site itself listen at port 80 again"),
        remarks=(f"{unit} serves http at port 80; for https add --tls-cert and --tls-key to it, and --listen :443",),
    )


_APPLICATIONS = {
    Front.AIOHTTP: """\
from aiohttp import web

from optout.adapters.aiohttp import setup


def with_optout(app: web.Application) -> web.Application:
    \"\"\"Call it once, right after the application is made.\"\"\"
    setup(app, policy={policy!r}, evidence={evidence!r}, state={state!r})
    return app
""",
    Front.ASGI: """\
from optout.adapters.asgi import OptoutMiddleware


def with_optout(app):
    \"\"\"Put it around the whole application, as the last line of its module.\"\"\"
    return OptoutMiddleware(app, policy={policy!r}, evidence={evidence!r}, state={state!r})
""",
    Front.WSGI: """\
from optout.adapters.wsgi import OptoutMiddleware


def with_optout(app):
    \"\"\"Put it around the whole application, as the last line of its module.\"\"\"
    return OptoutMiddleware(app, policy={policy!r}, evidence={evidence!r}, state={state!r})
""",
}


def _application(answers: Answers, edge: Edge, registry: Registry) -> Plan:
    name = "optout_door.py"
    text = _APPLICATIONS[answers.front].format(
        policy=str(answers.directory / POLICY), evidence=str(answers.evidence), state=str(answers.state)
    )
    return Plan(
        files={name: f'"""Optout before this application. Made by `optout init`."""\n\n{text}'},
        steps=(
            f"cp {_q(answers.directory / name)} .    # beside the application's own modules",
            "app = with_optout(app)    # with: from optout_door import with_optout",
            "# restart the application",
        ),
        undo=(f"# take the line `app = with_optout(app)` out, remove {name}, restart the application",),
    )


def add_user() -> str:
    """The line that makes the user as whom services run, unless there is one."""
    return f"id {USER} || sudo useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin {USER}"


def _q(path: Path) -> str:
    return shlex.quote(str(path))


_PLANS: dict[Front, Callable[[Answers, Edge, Registry], Plan]] = {
    Front.NOTHING: _nothing,
    Front.NGINX: _nginx,
    Front.NGINX_PHP_FPM: _nginx,
    Front.CADDY: _caddy,
    Front.APACHE: _apache,
    Front.HAPROXY: _haproxy,
    Front.AIOHTTP: _application,
    Front.ASGI: _application,
    Front.WSGI: _application,
}
