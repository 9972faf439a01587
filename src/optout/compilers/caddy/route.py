"""The routed form for Caddy: whoever may be a crawler is asked about at Optout, everybody else never leaves Caddy.

    import route.caddy          at the top of the Caddyfile
    import optout_route         first in a `route` that holds the rest of the site

While Optout is down, Caddy turns to the second upstream of the question: a site of its own on an abstract socket, which
answers as the policy's `on_error` says. Optout's own refusals never go there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from optout.compilers.caddy.answers import declaring
from optout.compilers.caddy.text import USER_AGENT, Lines, expression, indented, mapped, route, word
from optout.compilers.edge import Edge, Loss
from optout.compilers.heads import route_head
from optout.compilers.patterns import ALWAYS_OPEN, exactly
from optout.compilers.plan import Written
from optout.compilers.recognition import ORDINARY, groups
from optout.compilers.recognition.glance import glance_re2
from optout.compilers.recognition.re2 import re2
from optout.crawlers.model import AI_PURPOSES
from optout.crawlers.registry import Registry
from optout.policy.model import OnError, Policy

FILE: Final = "route.caddy"
SOCKET: Final = "/run/optout/auth.sock"
"""Where `optout forward-auth --dialect caddy` listens, unless it is said otherwise."""

_LOSSES = (
    Loss(
        code="routed-outcomes",
        text="how an exchange ended is not on record: only the front end knows it",
        remedy="none is needed: what was asked and decided is on record before content goes out",
    ),
)
_UNDECLARED = Loss(
    code="routed-declarations",
    text="no field declares what the site says of mining",
    remedy="compile with --site and what the site publishes (--upstream, or --robots and --tdmrep)",
)


def compile_caddy_route(
    policy: Policy, registry: Registry, *, edge: Edge | None = None, socket: str = SOCKET
) -> Written:
    """The file for sites under `policy`. What an `edge` declares of its site is written into it."""
    fallback = f"@optout-{policy.digest[:16]}"  # a name of its own, whatever else this machine runs
    declared = declaring(replace(edge, enforced=False)) if edge is not None else iter(())
    lines = [
        "(optout_route) {",
        *indented(_asking(registry, socket, fallback)),
        *indented(declared),
        "}",
        "",
        "http:// {",
        f"\tbind unix/{fallback}",
        "\troute {",
        *indented(indented(_fallback(policy, registry))),
        "\t}",
        "}",
    ]
    losses = _LOSSES if edge is not None and (edge.declared or edge.links) else (*_LOSSES, _UNDECLARED)
    head = route_head(policy, losses, front="caddy", uses=_USES)
    return Written(files={FILE: head + "".join(f"{line}\n" for line in lines)}, losses=losses)


_USES = (
    "Optout: optout forward-auth --dialect caddy --listen unix:PATH --upstream URL --policy POLICY",
    "Use: `import` this file at the top of the Caddyfile; around the site's directives but tls, bind and log write",
    "`route`, in it `import optout_route`, and in a `handle` behind it the rest;",
    "then `caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy`.",
    "Undo: take these lines out, and reload.",
)


def _asking(registry: Registry, socket: str, fallback: str) -> Lines:
    everybody = groups(registry, [crawler for _, crawler in registry.spellings])
    yield "@optout_possible {"
    yield from ("\tnot {", f"\t\tvars_regexp {USER_AGENT} {word(expression(ORDINARY))}", "\t\theader !Signature-Agent")
    yield from ("\t}", "\tnot {")
    possible = f"{glance_re2(everybody)}|^[^ ]*%20[^ ]*$"  # the last: one that somebody escaped from end to end
    yield from (f"\t\tnot vars_regexp {USER_AGENT} {word(expression(possible))}", "\t\theader !Signature-Agent")
    yield from ("\t}", "}")
    yield f"forward_auth @optout_possible unix/{socket} unix/{fallback} {{"
    yield "\turi /"
    yield "\theader_up -X-Original-URI"
    yield "\theader_up -X-Original-Method"
    yield "\tlb_policy first"  # the second is for when the first is down
    yield "\tlb_try_duration 1s"
    yield "\tlb_try_interval 1ms"
    yield "\tfail_duration 2s"
    yield "\ttransport http {"
    yield "\t\tdial_timeout 1s"
    yield "\t\tresponse_header_timeout 10s"
    yield "\t}"
    yield "}"


def _fallback(policy: Policy, registry: Registry) -> Lines:
    """What is answered while Optout is down. In observe mode no fault of ours changes a status."""
    if policy.on_error is OnError.REFUSE and policy.enforces_everywhere:
        yield from _refusing(policy, registry)
    yield "respond 204"


def _refusing(policy: Policy, registry: Registry) -> Lines:
    """AI crawlers come back later, as far as a look at the user agent tells; nobody else notices."""
    opened = "|".join(f"(?:{each})" for each in (ALWAYS_OPEN, exactly(policy.always_open)) if each)
    yield "@optout_open vars_regexp {http.request.header.X-Forwarded-Uri} " + word(expression(opened))
    yield "respond @optout_open 204"
    crawlers = [crawler for _, crawler in registry.spellings if not crawler.acts_for.isdisjoint(AI_PURPOSES)]
    named = [(f"~{expression(each.found)}", "1") for group in groups(registry, crawlers) for each in re2(group)]
    yield from mapped(USER_AGENT, ["is_ai"], named, "")
    yield from route("ai", ["vars {optout_is_ai} 1"], _unavailable())


def _unavailable() -> Iterator[str]:
    yield "header Cache-Control no-store"
    yield "header Vary `User-Agent, Signature-Agent`"
    yield "header Retry-After 30"
    yield "header Content-Type `text/plain; charset=utf-8`"
    yield "respond `The request cannot be judged or recorded now.\n` 503"
