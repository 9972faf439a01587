"""The line of an nginx edge for each recognized crawler's request: its form, and what it asks.

A reply says by `set` what is known when the policy is compiled, which costs a third of a look into a map; the maps of
the same names are for who passes, and for a policy that observes. The line belongs to the server block, not to the
replies' locations, so that the site's own logs there have refusals, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optout.compilers.access_log import MEMBERS
from optout.compilers.edge import Edge
from optout.compilers.nginx.answers import answering
from optout.compilers.nginx.replies import Reply
from optout.compilers.nginx.text import named, quoted, searched
from optout.compilers.plan import is_ai


def log_maps(edge: Edge, replies: Sequence[Reply], tag: str) -> Iterator[str]:
    """What a line says of the target and of the answer, and whether there is one."""
    asked = "" if edge.enforced else answering(replies, tag)
    told = () if edge.enforced else replies
    yield named(asked, f"${tag}_action", ((reply.name, reply.action) for reply in told), default="allow")
    for word in ("code", "clause"):
        yield named(asked, f"${tag}_{word}", ((reply.name, _said(reply, word, tag)) for reply in told))
    yield searched("$request_uri", f"${tag}_sent_path", [(rf"^(?<{tag}_before>[^?#]*)", f"${tag}_before")])
    yield named(f"${tag}_hides_path", f"${tag}_logged_path", [("1", "")], default=f"${tag}_sent_path")
    yield searched("$request_uri", f"${tag}_query", [(r"\?", "1")], default="0")
    yield named(f"${tag}_said", f"${tag}_logged", [("", "0")], default="1")  # for `log_line`


def _said(reply: Reply, word: str, tag: str) -> str:
    return str(getattr(reply, word)) if reply.is_whole else f"${tag}_its_{word}"


def log_settings(reply: Reply, tag: str) -> Iterator[str]:
    """The lines of a reply's location that say what its line in the log says."""
    yield f"set ${tag}_action {quoted(reply.action)};"
    for word in ("code", "clause"):
        yield f"set ${tag}_{word} {quoted(_said(reply, word, tag))};"
    if reply.hides_path is not None:
        yield f"set ${tag}_logged_path {quoted('' if reply.hides_path else f'${tag}_sent_path')};"


def log_form(edge: Edge, tag: str) -> str:
    """The form of the line."""
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
    line = ",".join(f'"{member}":"{members[member]}"' for member in MEMBERS)
    return f"log_format {tag} escape=json '{{{line}}}';\n"


def log_line(edge: Edge, log: str, tag: str) -> str:
    """The directive of the server block, which writes for crawlers alone."""
    is_for_all = all(map(is_ai, edge.classes))  # else some are left alone, and there is no line of those
    condition = f"${tag}_crawler" if is_for_all else f"${tag}_logged"
    return f"access_log {quoted(log)} {tag} buffer=64k flush=1s if={condition};"
