"""The routed form for Apache: whoever may be a crawler is sent through Optout, everybody else never leaves Apache.

    route-server.conf    the upstreams, once, beside the virtual hosts
    route-site.conf      included in the site's virtual host

Apache has no way to ask about a request before it serves it. So a possible crawler is proxied to `optout serve`, whose
own upstream is the site once more: a virtual host on a port of loopback, without this include. While Optout is down, a
hot standby takes its place, that same virtual host; AI crawlers have none where the policy refuses on error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from optout.compilers.apache import declared_rules, passed_over, target_rules
from optout.compilers.apache.rules import Rule, block, expression
from optout.compilers.apache.site import declaring
from optout.compilers.edge import Edge, Loss
from optout.compilers.heads import route_head
from optout.compilers.patterns import ALWAYS_OPEN, exactly
from optout.compilers.plan import Written
from optout.compilers.recognition import ORDINARY, groups, possible
from optout.compilers.recognition.pcre import pcre
from optout.crawlers.model import AI_PURPOSES
from optout.crawlers.registry import Registry
from optout.policy.model import OnError, Policy

SERVER, SITE = "route-server.conf", "route-site.conf"
SOCKET: Final = "/run/optout/serve.sock"
"""Where `optout serve` listens, unless it is said otherwise."""
ORIGIN: Final = "127.0.0.1:8481"
"""Where the site's own virtual host for Optout listens, unless it is said otherwise."""
_MOST = 7000

_LOSSES = (
    Loss(
        code="front-end-answers-first",
        text="a broken escape, an escaped NUL and, unless AllowEncodedSlashes is set, an escaped slash in a path are"
        " answered 400 or 404 by Apache itself, to everybody, and are in no log of Optout's",
        remedy="none is needed: nothing of the site goes out",
    ),
)


def compile_apache_route(
    policy: Policy, registry: Registry, *, edge: Edge | None = None, socket: str = SOCKET, origin: str = ORIGIN
) -> Written:
    """The files for sites under `policy`. What an `edge` declares of its site is written into them, for everybody."""
    refusing = policy.on_error is OnError.REFUSE and policy.enforces_everywhere
    observed = replace(edge, enforced=False) if edge is not None else None
    site = [
        "RewriteEngine On",
        *(line for rule in _rules(policy, registry, observed, refusing=refusing) for line in rule.lines()),
        *_proxied(refusing=refusing),
        *(_unless_routed(declaring(observed)) if observed is not None else ()),
    ]
    files = {SERVER: _upstreams(socket, origin, refusing=refusing), SITE: "".join(f"{line}\n" for line in site)}
    head = route_head(policy, _LOSSES, front="apache", uses=_USES)
    return Written(files={name: head + text for name, text in files.items()}, losses=_LOSSES)


_USES = (
    f"Optout: optout serve --listen unix:PATH --upstream http://{ORIGIN} --trusted-proxy 127.0.0.1 --policy POLICY",
    "Use: `a2enmod rewrite headers proxy_http proxy_balancer lbmethod_byrequests`;",
    f"`Listen {ORIGIN}` and a VirtualHost there with what the site serves;",
    f"`Include` {SERVER} beside the virtual hosts and {SITE} first in the public one;",
    "then `apachectl configtest && systemctl reload apache2`. Undo: take the Include lines out, and reload.",
)


def _upstreams(socket: str, origin: str, *, refusing: bool) -> str:
    def balancer(name: str, *, standby: bool) -> Iterator[str]:
        yield f'<Proxy "balancer://{name}">'
        yield f'  BalancerMember "unix:{socket}|http://optout.{name}" retry=2 connectiontimeout=1 timeout=60'
        if standby:
            yield f'  BalancerMember "http://{origin}" status=+H retry=0'
        yield "</Proxy>"

    strict = balancer("optout-strict", standby=False) if refusing else iter(())
    return "".join(f"{line}\n" for line in (*balancer("optout", standby=True), *strict))


def _rules(policy: Policy, registry: Registry, edge: Edge | None, *, refusing: bool) -> Iterator[Rule]:
    if edge is not None:
        yield from declared_rules(edge)
    path = Rule(conditions=('%{ENV:OPTOUT_TARGET} "^([^?]*)"',), sets=(("RAW_PATH", "%1"),))
    routed = [Rule(sets=(("ROUTED", "optout"),)), *target_rules(), path]
    if refusing:
        routed += _strictly(policy, registry)
    yield from passed_over([ORDINARY], "", passed_over(possible(registry, most=_MOST), "!", routed))


def _strictly(policy: Policy, registry: Registry) -> list[Rule]:
    """AI crawlers come back later, as far as a look at the user agent tells; nobody else notices."""
    crawlers = [crawler for _, crawler in registry.spellings if not crawler.acts_for.isdisjoint(AI_PURPOSES)]
    opened = [each for each in (ALWAYS_OPEN, exactly(policy.always_open)) if each]
    named = [
        Rule(conditions=(f'%{{HTTP_USER_AGENT}} "{expression(each.found)}" [NV]',), sets=(("ROUTED", "optout-strict"),))
        for group in groups(registry, crawlers)
        for each in pcre(group, most=_MOST)
    ]
    for each in reversed(opened):
        named = block(Rule(conditions=(f'%{{ENV:OPTOUT_TARGET}} "{expression(each)}"',)), named)
    return named


def _proxied(*, refusing: bool) -> Iterator[str]:
    yield 'RewriteCond %{ENV:OPTOUT_ROUTED} "^(.+)$"'
    yield 'RewriteRule ^ "balancer://%1%{ENV:OPTOUT_RAW_PATH}" [P,NE]'
    yield "<If \"-n reqenv('OPTOUT_ROUTED')\">"
    yield "  ProxyPreserveHost On"
    # What a visitor says of itself is not believed; Apache adds its own X-Forwarded-For afterwards.
    for name in ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Real-IP"):
        yield f"  RequestHeader unset {name}"
    yield '  RequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"'
    if refusing:
        yield '  Header always set Retry-After 30 "expr=%{REQUEST_STATUS} == 503"'
        yield '  Header always set Cache-Control no-store "expr=%{REQUEST_STATUS} == 503"'
    yield "</If>"


def _unless_routed(lines: Iterator[str]) -> Iterator[str]:
    """Optout declares by itself."""
    yield "<If \"-z reqenv('OPTOUT_ROUTED')\">"
    yield from (f"  {line}" for line in lines)
    yield "</If>"
