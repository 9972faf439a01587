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

from optout.compilers.access_log import MEMBERS
from optout.compilers.edge import Edge, Loss
from optout.compilers.nginx.answers import PLACE, answer_maps, locations
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
from optout.compilers.nginx.names import names, told_names
from optout.compilers.nginx.tables import Tables
from optout.compilers.nginx.text import named, quoted, searched
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
    tables = Tables(made=made, tag=tag)
    maps = [
        *names(made, tag),
        tables.write(),
        *told_names(made, tag),
        *answer_maps(made, tag),
        *declaring_maps(edge, tag),
    ]
    maps.append(_logged(made, tag))
    text = "\n".join(maps)
    losses = (
        *edge.losses,
        *tables.losses,
        ONE_SITE,
        OWN_ANSWERS,
        *_LOSSES,
        *((FIELD_LOSS,) if declaring_lines(edge, tag) else ()),
    )
    server = _server(made, tag, log)
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


def _logged(made: Plan, tag: str) -> str:
    edge = made.edge
    actions = [(f"a{number}", template.action) for number, template in enumerate(made.templates)]
    members = {
        "optout": "1",
        "front": "nginx",
        "time": "$msec",
        "id": f"${tag}_id",
        "method": "$request_method",
        "scheme": "$scheme",
        "host": "$http_host",
        "path": f"${tag}_logged_path",
        "query": f"${tag}_query",
        "protocol": "$server_protocol",
        "user_agent": "$http_user_agent",
        "signature_agent": "$http_signature_agent",
        "crawler": f"${tag}_crawler_name",
        "action": f"${tag}_action",
        "enforced": str(int(edge.enforced)),
        "code": f"${tag}_code",
        "clause": f"${tag}_clause",
        "status": "$status",
        "bytes": "$body_bytes_sent",
        "policy": edge.policy.digest,
        "robots": edge.robots_sha256,
        "tdm": edge.tdmrep_sha256,
        "registry": edge.registry_sha256,
    }
    line = ",".join(f'"{name}":"{members[name]}"' for name in MEMBERS)
    form = "'" + "{" + line + "}" + "'"
    return "\n".join(
        [
            named(f"${tag}_answer", f"${tag}_action", actions, default="allow"),
            searched("$request_uri", f"${tag}_sent_path", [(rf"^(?<{tag}_before>[^?#]*)", f"${tag}_before")]),
            named(f"${tag}_hides_path", f"${tag}_logged_path", [("1", "")], default=f"${tag}_sent_path"),
            searched("$request_uri", f"${tag}_query", [(r"\?", "1")], default="0"),
            named(f"${tag}_crawler", f"${tag}_logged", [("", "0")], default=f"${tag}_is_told"),
            named(f"${tag}_said", f"${tag}_is_told", [("", "0")], default="1"),
            f"log_format {tag} escape=json {form};\n",
        ]
    )


def _server(made: Plan, tag: str, log: str) -> str:
    edge = made.edge
    parts: list[str] = []
    if edge.enforced:
        parts.append(f"if (${tag}_answer) {{\n    rewrite ^ {PLACE}/{tag}/${tag}_answer last;\n}}\n")
        parts += locations(made, tag, reserving_lines(edge, tag))
        if lines := declaring_lines(edge, tag):
            parts.append("\n".join(lines) + "\n")
    parts.append(f"access_log {quoted(log)} {tag} buffer=64k flush=1s if=${tag}_logged;\n")
    return "\n".join(parts)
