"""Lines of front ends that cannot write the common form exactly, brought into it.

Caddy's log has members of its own, among them time, status and size; the rest stands in one of them, a line each, in
the order of `CADDY_MEMBERS`. No value holds a line feed: no field of a request can. Apache writes octets that are not
printable ASCII as `\\xhh`, which no JSON reader takes.

What is in neither form is given back as it came: `access_log.parse_line` says what it is.
"""

from __future__ import annotations

import json
import re
from typing import Final

from optout.messages import as_text

CADDY_MEMBERS: Final = (
    *("id", "method", "scheme", "host", "path", "query", "protocol", "user_agent", "signature_agent", "crawler"),
    *("action", "enforced", "code", "clause", "policy", "robots", "tdm", "registry"),
)
"""What Caddy's member `optout` holds behind its first line, `optout 1`."""

_CADDY = b'{"level":'
_FORM = "optout 1"
_APACHE = b'{"optout":"1","front":"apache"'
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(v)|.)", re.DOTALL)


def in_common_form(line: bytes) -> bytes:
    """The line as `access_log` describes it; any other as it came. Never raises; linear in its length."""
    if line.startswith(_APACHE):
        return _ESCAPE.sub(_octet, line)
    if line.startswith(_CADDY):
        return _of_caddy(line)
    return line


def _octet(found: re.Match[bytes]) -> bytes:
    if found[2] is not None:
        return b"\\u000b"
    if found[1] is None:
        return found[0]
    octet = int(found[1], 16)
    return b"\\u%04x" % octet if octet < 0x20 or octet in b'"\\' else bytes([octet])


def _of_caddy(line: bytes) -> bytes:
    try:
        said = json.loads(as_text(line))
    except (ValueError, RecursionError):
        return line
    told = said.get("optout", said.get("user_id")) if isinstance(said, dict) else None
    if not isinstance(told, str):
        return line
    form, *values = told.split("\n")
    if form != _FORM or len(values) != len(CADDY_MEMBERS):
        return line
    members = dict(zip(CADDY_MEMBERS, values, strict=True))
    common = {
        "optout": "1",
        "front": "caddy",
        "time": _number(said.get("ts")),
        **members,
        "status": _number(said.get("status")),
        "bytes": _number(said.get("size")),
    }
    return json.dumps(common).encode()  # in ASCII, which holds half a surrogate pair, too


def _number(value: object) -> str:
    if isinstance(value, float) and 0 <= value < 1e10:
        return f"{value:.6f}"
    return str(value) if isinstance(value, int) else ""
