"""A compiled edge for nginx: one file for its `http` block, one for the site's `server` block.

    optout-http.conf     maps: who asks, what is told, the words; the form of the log
    optout-server.conf   one `if`, the locations that answer, the fields that declare, the log
    optout-fields.conf   those fields once more, for locations of the site that have `add_header` lines of their own

All maps are lazy: a person costs one look at the user agent and one `if`. Every variable bears the edge's tag, so that
several sites live in one nginx. Rule: no clock here, and no file; what this is made from is told by its digests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from optout.compilers.edge import Edge, Loss
from optout.compilers.nginx.answers import PLACE, answer_maps, answering, locations
from optout.compilers.nginx.declared import (
    FIELD_LOSS,
    ONE_SITE,
    OWN_ANSWERS,
    declaring_lines,
    declaring_maps,
    dollar,
    reserving_lines,
    tag_of,
)
from optout.compilers.nginx.log import log_form, log_line, log_maps, log_settings
from optout.compilers.nginx.names import names, told_names
from optout.compilers.nginx.replies import Reply, replies
from optout.compilers.nginx.tables import Tables
from optout.compilers.plan import Plan, plan
from optout.crawlers.registry import Registry

HTTP, SERVER, FIELDS = "optout-http.conf", "optout-server.conf", "optout-fields.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class NginxEdge:
    """The files of an edge by name, and what they cannot do."""

    files: dict[str, str]
    losses: tuple[Loss, ...]


def compile_nginx(edge: Edge, registry: Registry, *, log: str = "/var/log/nginx/optout.log") -> NginxEdge:
    """`edge`, made from `registry`, for nginx 1.20 and later. `log` is where crawlers' requests are written."""
    tag = tag_of(edge)
    made = plan(edge, registry)
    found, told = replies(made)
    tables = Tables(made=made, tag=tag, told=told)
    maps = [
        *names(made, tag),
        tables.write(),
        *told_names(made, tag),
        *answer_maps(made, found, tag),
        *declaring_maps(edge, tag),
        *log_maps(edge, found, tag),
        log_form(edge, tag),
    ]
    text = "\n".join(maps)
    losses = (
        *edge.losses,
        *tables.losses,
        ONE_SITE,
        OWN_ANSWERS,
        *_LOSSES,
        *((FIELD_LOSS,) if declaring_lines(edge, tag) else ()),
    )
    server = _server(made, found, tag, log)
    files = {HTTP: dollar(text + server, tag) + text, SERVER: server}
    if lines := declaring_lines(edge, tag):
        files[FIELDS] = "\n".join(lines) + "\n"
    return NginxEdge(files={name: _head(edge, losses, name) + text for name, text in files.items()}, losses=losses)


_LOSSES = (
    Loss(
        code="repeated-fields",
        text="of several User-Agent, Signature-Agent or Accept fields nginx before 1.23 reads the first alone",
        remedy="use nginx 1.23 or later, or route possible crawlers to Optout",
    ),
    Loss(
        code="accept-qualities",
        text="where Accept names HTML and JSON both with qualities below 1, the answer is problem details",
        remedy="none is needed: the page embeds the same",
    ),
    Loss(
        code="unusual-user-agents",
        text="a user agent that is percent-encoded throughout, or has letters beyond ASCII beside a name, names nobody",
        remedy="route possible crawlers to Optout instead: optout compile nginx --route",
    ),
    Loss(
        code="locations-with-logs",
        text="a location with an access_log line of its own, or access_log off, writes no line for crawlers",
        remedy="repeat the access_log line of optout-server.conf in that location",
    ),
)


def _head(edge: Edge, losses: Iterable[Loss], name: str) -> str:
    made_from = {
        "policy": edge.policy.digest,
        "robots.txt": edge.robots_sha256 or "none",
        "tdmrep.json": edge.tdmrep_sha256 or "none",
        "registry": edge.registry_sha256,
    }
    where = {
        HTTP: "include it in the http block of nginx.conf, for example from /etc/nginx/conf.d/",
        SERVER: "include it as the first line of the site's server block",
        FIELDS: "include it in each location of the site that has add_header lines of its own",
    }[name]
    lines = [
        f"{name}, made by `optout compile nginx` for {edge.authority}. Do not edit: compile again.",
        *(f"  {what:<11} sha256 {digest}" for what, digest in made_from.items()),
        f"Use: {where};",
        "then `nginx -t && systemctl reload nginx`. Undo: take the include line out, and reload.",
        "" if edge.enforced else "The policy observes: requests are logged, and nobody is refused.",
    ]
    if name == HTTP:
        lines.append("`pcre_jit on;` at the top of nginx.conf makes the expressions below ten times as fast.")
    if name == SERVER:
        lines.append("nginx inherits access_log and add_header lines only where a block has none of its own: what the")
        lines.append("site relies on from its http block has to be repeated in its server block beside this include.")
        lines += ["What Optout does and this does not:"]
        lines += [f"  {loss.code}: {loss.text}" for loss in losses]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines if line) + "\n"


def _server(made: Plan, found: tuple[Reply, ...], tag: str, log: str) -> str:
    edge = made.edge
    parts: list[str] = []
    if edge.enforced:
        target = f"{PLACE}/{tag}/{answering(found, tag)}${tag}_accepts"
        parts.append(f"if (${tag}_said) {{\n    rewrite ^ {target} last;\n}}\n")
        settings = {reply.name: tuple(log_settings(reply, tag)) for reply in found}
        parts += locations(made, found, tag, reserved=reserving_lines(edge, tag), settings=settings)
        if lines := declaring_lines(edge, tag):
            parts.append("\n".join(lines) + "\n")
    parts.append(log_line(edge, log, tag) + "\n")
    return "\n".join(parts)
