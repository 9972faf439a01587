"""The routed include for nginx: whoever may be a crawler is asked about at Optout, everybody else never leaves nginx.

    route-http.conf      maps: who may be a crawler; where Optout listens
    route-server.conf    one `if`, the location that asks, where a request goes on, and what happens without Optout

How a request goes on is nginx's own way. Optout answers a refusal, which goes out as it is, or a pass with
`X-Accel-Redirect: @optout_pass`, and `try_files` there begins the site's own configuration anew, its server lines
included, with method, body, path and query as they came. A request that is asked about is set to be possible no more,
which nginx keeps through redirects and subrequests: a front controller or an error page is no second visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from optout.compilers.edge import Edge, Loss
from optout.compilers.nginx.declared import (
    FIELD_LOSS,
    ONE_SITE,
    OWN_ANSWERS,
    declaring_lines,
    declaring_maps,
    dollar,
    tag_of,
)
from optout.compilers.nginx.text import fits, named, quoted, searched
from optout.compilers.patterns import ALWAYS_OPEN, exactly
from optout.compilers.recognition import ORDINARY, groups, possible
from optout.compilers.recognition.pcre import pcre
from optout.crawlers.model import AI_PURPOSES
from optout.crawlers.registry import Registry
from optout.policy.model import OnError, Policy

HTTP, SERVER, FIELDS = "route-http.conf", "route-server.conf", "route-fields.conf"
SOCKET = "/run/optout/route.sock"
"""Where Optout listens, unless it is said otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NginxRoute:
    """The files by name, and what they cannot do."""

    files: dict[str, str]
    losses: tuple[Loss, ...]


def compile_route(policy: Policy, registry: Registry, *, edge: Edge | None = None, socket: str = SOCKET) -> NginxRoute:
    """The include for sites under `policy`. What an `edge` declares of its site is written into it."""
    declares = edge is not None and bool(declaring_lines(edge, tag_of(edge)))
    losses = (*_LOSSES, OWN_ANSWERS, *((ONE_SITE, FIELD_LOSS) if declares else (_UNDECLARED,)))
    maps = [*_maps(policy, registry), _upstream(socket)]
    server = _SERVER.format(without=_WITHOUT[_on_error(policy)])
    files = {HTTP: "\n".join(maps), SERVER: server}
    if edge is not None and declares:
        tag = tag_of(edge)
        declared = "\n".join(declaring_maps(edge, tag))
        lines = "\n".join(declaring_lines(edge, tag)) + "\n"
        files = {
            HTTP: files[HTTP] + "\n" + dollar(declared, tag) + declared,
            SERVER: f"{server}\n{lines}",
            FIELDS: lines,
        }
    return NginxRoute(files={name: _head(policy, losses, name) + text for name, text in files.items()}, losses=losses)


def _on_error(policy: Policy) -> OnError:
    """What to do while Optout is down. In observe mode no fault of ours changes a status."""
    return policy.on_error if policy.enforces_everywhere else OnError.ALLOW


def _maps(policy: Policy, registry: Registry) -> Iterator[str]:
    yield searched(
        "$http_user_agent",
        "$optout_agent",
        [(ORDINARY, ""), *((each, "1") for each in possible(registry))],
        exact=[("", "")],
    )
    yield named("$http_signature_agent", "$optout_possible", [("", "$optout_agent")], default="1")
    # `$host` is whose server block this is, also where the request line names it; the port stands in the field alone.
    yield searched("$http_host", "$optout_port", [(":(?<optout_digits>[0-9]+)$", ":$optout_digits")])
    if _on_error(policy) is OnError.REFUSE:
        yield from _without(policy, registry)


def _without(policy: Policy, registry: Registry) -> Iterator[str]:
    """Whom to refuse while Optout is down: AI crawlers, as far as a look at the user agent tells, and nobody else."""
    crawlers = [crawler for _, crawler in registry.spellings if not crawler.acts_for.isdisjoint(AI_PURPOSES)]
    named_so = [(each.found, "1") for group in groups(registry, crawlers) for each in pcre(group)]
    yield searched("$http_user_agent", "$optout_is_ai", named_so)
    targets = (exactly([each]) for each in sorted(policy.always_open))
    opened = [(each, "") for each in (ALWAYS_OPEN, *targets) if fits(each)]
    yield searched("$request_uri", "$optout_unavailable", opened, default="$optout_is_ai")


def _upstream(socket: str) -> str:
    return f"upstream optout_route {{\n    server {quoted(f'unix:{socket}')};\n    keepalive 32;\n}}\n"


_SERVER = """\
if ($optout_possible) {{
    set $optout_possible "";
    set $optout_uri $uri;
    rewrite ^ /.optout/ask last;
}}

location = /.optout/ask {{
    internal;
    auth_basic off;
    auth_request off;
    allow all;
    proxy_pass http://optout_route;
    proxy_http_version 1.1;
    proxy_method GET;
    proxy_pass_request_body off;
    proxy_connect_timeout 1s;
    proxy_read_timeout 10s;
    proxy_next_upstream off;
    proxy_redirect off;
    proxy_cache off;
    proxy_intercept_errors off;
    proxy_ignore_headers X-Accel-Limit-Rate;
    # Each field that Optout reads is set here, once. A visitor's own field of that name does not get through.
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_set_header Cookie "";
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Original-Host $host$optout_port;
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Original-Protocol $server_protocol;
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header X-Forwarded-Method "";
    proxy_set_header X-Forwarded-Uri "";
    # Only nginx's own: what Optout refuses with 402, 403 or 503 goes out as it is.
    add_header Link ""; # so that a refusal has the fields that Optout gave it, and none of the server block
    error_page 502 504 = @optout_is_down;
    recursive_error_pages on;
}}

location @optout_pass {{
    if ($optout_uri ~ \\?) {{
        rewrite ^ $optout_uri last;
    }}
    try_files /.optout/none $optout_uri$is_args$args;
}}

location @optout_is_down {{
{without}    if ($optout_uri ~ \\?) {{
        rewrite ^ $optout_uri last;
    }}
    try_files /.optout/none $optout_uri$is_args$args;
}}
"""
_WITHOUT = {
    OnError.ALLOW: "    # on_error: allow\n",
    OnError.REFUSE: """\
    # on_error: refuse
    types { }
    default_type text/plain;
    add_header Cache-Control no-store always;
    add_header Retry-After 30 always;
    add_header Vary "User-Agent, Signature-Agent" always;
    if ($optout_unavailable) {
        return 503 "The request cannot be judged or recorded now.\\n";
    }
""",
}
_LOSSES = (
    Loss(
        code="routed-outcomes",
        text="how an exchange ended is not on record: only nginx knows it",
        remedy="none is needed: what was asked and decided is on record before content goes out",
    ),
    Loss(
        code="routed-escapes",
        text="a `proxy_pass` without a path sends a crawler's path on with nginx's own escapes, not as received",
        remedy="write `proxy_pass http://backend$request_uri;` where the backend tells %2F from a slash",
    ),
    Loss(
        code="routed-uploads",
        text="a crawler's upload is read before Optout is asked, up to the server's client_max_body_size",
        remedy="none is needed: crawlers send no bodies",
    ),
)
_UNDECLARED = Loss(
    code="routed-declarations",
    text="no field declares what the site says of mining",
    remedy="compile with --site and what the site publishes (--upstream, or --robots and --tdmrep)",
)


def _head(policy: Policy, losses: tuple[Loss, ...], name: str) -> str:
    where = {
        HTTP: "include it in the http block of nginx.conf, for example from /etc/nginx/conf.d/",
        SERVER: "include it as the first line of the site's server block",
        FIELDS: "include it in each location of the site that has add_header lines of its own",
    }[name]
    lines = [
        f"{name}, made by `optout compile nginx --route`. Do not edit: compile again.",
        f"  policy      sha256 {policy.digest}",
        f"Use: {where};",
        "then `nginx -t && systemctl reload nginx`. Undo: take the include line out, and reload.",
    ]
    if name == HTTP:
        lines.append("`pcre_jit on;` at the top of nginx.conf makes the expressions below ten times as fast.")
    if name == SERVER:
        lines += ["What Optout does elsewhere and this does not:", *(f"  {loss.code}: {loss.text}" for loss in losses)]
    return "".join(f"# {line}\n" for line in lines) + "\n"
