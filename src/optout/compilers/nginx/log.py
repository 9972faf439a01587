"""The line of an nginx edge for each recognized crawler's request: its forms, and the maps that they ask.

A reply that is whole has a form of its own, in which all that is known when the policy is compiled is text: what is
put together for each request costs a look into a map each. All forms go through one buffer into one file, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from optout.compilers.access_log import MEMBERS
from optout.compilers.edge import Edge
from optout.compilers.nginx.answers import answering
from optout.compilers.nginx.replies import Reply
from optout.compilers.nginx.text import named, quoted, searched


def log_maps(replies: Sequence[Reply], tag: str) -> Iterator[str]:
    """What a line says of the target and of the answer, and whether there is one."""
    answer = answering(replies, tag)
    yield named(answer, f"${tag}_action", ((reply.name, reply.action) for reply in replies), default="allow")
    for word in ("code", "clause"):
        known = [(reply.name, getattr(reply, word)) for reply in replies if reply.is_whole]
        said = [(reply.name, f"${tag}_its_{word}") for reply in replies if not reply.is_whole]
        yield named(answer, f"${tag}_{word}", (*known, *said))
    yield searched("$request_uri", f"${tag}_sent_path", [(rf"^(?<{tag}_before>[^?#]*)", f"${tag}_before")])
    yield named(f"${tag}_hides_path", f"${tag}_logged_path", [("1", "")], default=f"${tag}_sent_path")
    yield searched("$request_uri", f"${tag}_query", [(r"\?", "1")], default="0")
    yield named(f"${tag}_crawler", f"${tag}_logged", [("", "0")], default=f"${tag}_is_told")
    yield named(f"${tag}_said", f"${tag}_is_told", [("", "0")], default="1")


def log_forms(edge: Edge, replies: Sequence[Reply], tag: str) -> Iterator[str]:
    """The forms: one that knows nothing before, and where the policy is enforced one for each reply."""
    yield _form(edge, tag, {})
    for reply in replies if edge.enforced else ():
        known = {"action": reply.action}
        if reply.is_whole:
            known |= {"code": reply.code, "clause": reply.clause}
        if reply.hides_path is not None:
            known |= {"path": "" if reply.hides_path else f"${tag}_sent_path"}
        yield _form(edge, f"{tag}_{reply.name}", known, tag=tag)


def log_line(log: str, tag: str, reply: Reply | None = None) -> str:
    """The directive: for a reply that writes always, or for the site, which writes for crawlers alone."""
    form = f"{tag}_{reply.name}" if reply else tag
    condition = "" if reply else f" if=${tag}_logged"
    return f"access_log {quoted(log)} {form} buffer=64k flush=1s{condition};"


def _form(edge: Edge, name: str, known: Mapping[str, str], *, tag: str = "") -> str:
    tag = tag or name
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
        **known,
    }
    line = ",".join(f'"{member}":"{members[member]}"' for member in MEMBERS)
    return f"log_format {name} escape=json '{{{line}}}';\n"
