"""The line that a compiled front end writes for each recognized crawler's request, and for nobody else.

One JSON object a line. Every member is a string, because that is all that every front end's log can write. It names
no address, no query, and for a fetch that a person asked for no path: what the evidence may not hold (evidence.md
part 4) is not written beside it either. `parse_line` reads it back for `optout evidence ingest`.

A line holds a stranger's words: any bytes give a `Line` or a `LineFault`, in time linear in their length. What else a
line holds is not read.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Final

import msgspec

from optout.messages import as_text
from optout.policy.model import Action

MEMBERS: Final = {
    "optout": "the form of this line: 1",
    "front": "nginx, caddy, haproxy or apache",
    "time": "seconds since 1970 UTC with a fraction, when the request was logged",
    "id": "the number of the request, a UUID; it is what the refusal's body names",
    "method": "as received",
    "scheme": "http or https",
    "host": "the Host field as received",
    "path": "the path as received, without its query; empty for a fetch that a person asked for",
    "query": "1 where there was a query, else 0",
    "protocol": "HTTP/1.0, HTTP/1.1, HTTP/2.0 or HTTP/3.0",
    "user_agent": "as received",
    "signature_agent": "as received, or empty",
    "crawler": "the crawler's name in the registry",
    "action": "allow, deny or require-license: the decision",
    "enforced": "1, or 0 where the decision was only written down",
    "code": "the deciding reason's code, or empty for a pass",
    "clause": "the deciding clause or step, or empty for a pass",
    "status": "the response's status as sent",
    "bytes": "octets of the response's content as sent, as far as the front end tells them apart from its head",
    "policy": "SHA-256 (hex) of the policy file",
    "robots": "SHA-256 (hex) of robots.txt, or empty",
    "tdm": "SHA-256 (hex) of tdmrep.json, or empty",
    "registry": "SHA-256 (hex) of the registry",
}
"""Each member and what it holds, in the order in which it is written."""

LONGEST_LINE: Final = 256 * 1024
"""Octets of a line that are read. 32 KiB of request head are what nginx takes, and JSON writes an octet as six."""


class LineFault(StrEnum):
    """Why a line is no record. Permanent: the values are reasons in `log.gap` records; all since 0.1."""

    TOO_LONG = "line-too-long"
    NOT_JSON = "line-not-json"
    VERSION = "line-version"  # another form than 1: a newer Optout compiled the front end
    MEMBER = "line-member"  # one is missing, twice there, or holds what it cannot


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One request as a front end tells it; text of strangers as `messages.as_text` makes it.

    `time_us` is the front end's clock when it logged the request, microseconds since 1970 UTC. `status` is None where
    the visitor was gone before one was sent.
    """

    front: str
    time_us: int
    id: str
    method: str
    scheme: str
    host: str
    path: str
    has_query: bool
    protocol: str
    user_agent: str
    signature_agent: str
    crawler: str
    action: Action
    enforced: bool
    code: str
    clause: str
    status: int | None
    body_bytes: int
    policy: str
    robots: str
    tdm: str
    registry: str


_TIME = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,20}))?\Z", re.ASCII)
_ID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\Z", re.ASCII)
_NIL = "00000000-0000-0000-0000-000000000000"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", re.ASCII)  # a front end's name, a clause's id, a reason's code
_PROTOCOL = re.compile(r"HTTP/([0-9])(?:\.([0-9]))?\Z", re.ASCII)
_SHA256 = re.compile(r"(?:[0-9a-f]{64})?\Z", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,15}\Z", re.ASCII)  # below 2^53
_FLAGS = {"0": False, "1": True}
_ACTIONS = {action.value: action for action in (Action.ALLOW, Action.DENY, Action.REQUIRE_LICENSE)}
_CLIENT_GONE = 499  # nginx's: the client closed the connection, and no status went out


def parse_line(data: bytes) -> Line | LineFault:
    """What one line says; `data` is without its line feed. Never raises."""
    if len(data) > LONGEST_LINE:
        return LineFault.TOO_LONG
    try:
        # Not every octet of a user agent is UTF-8, and whoever sends another kind must not be left out of the log.
        pairs = json.loads(as_text(data), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return LineFault.NOT_JSON
    if not isinstance(pairs, tuple):
        return LineFault.NOT_JSON
    members = dict(pairs)
    if members.get("optout") != "1":
        return LineFault.VERSION if "optout" in members else LineFault.MEMBER
    # A member that is there twice was written by somebody who got out of his own.
    if len(members) != len(pairs) or not all(isinstance(members.get(name), str) for name in MEMBERS):
        return LineFault.MEMBER
    return _line({name: members[name] for name in MEMBERS}) or LineFault.MEMBER


def _line(said: dict[str, str]) -> Line | None:
    time, number = _TIME.match(said["time"]), _ID.match(said["id"].lower())
    protocol, count = _PROTOCOL.match(said["protocol"]), _COUNT.match(said["bytes"])
    query, enforced, action = _FLAGS.get(said["query"]), _FLAGS.get(said["enforced"]), _ACTIONS.get(said["action"])
    if time is None or number is None or protocol is None or count is None:
        return None
    if query is None or enforced is None or action is None or not _is_sound(said):
        return None
    request_id = "-".join(number.groups())
    if request_id == _NIL:  # nobody gave it one; a second one would be taken for the same request
        return None
    return Line(
        front=said["front"],
        time_us=int(time.group(1)) * 1_000_000 + int((time.group(2) or "")[:6].ljust(6, "0")),
        id=request_id,
        method=said["method"],
        scheme=said["scheme"],
        host=said["host"],
        path=said["path"],
        has_query=query,
        protocol=_version(protocol),
        user_agent=said["user_agent"],
        signature_agent=said["signature_agent"],
        crawler=said["crawler"],
        action=action,
        enforced=enforced,
        code=said["code"],
        clause=said["clause"],
        status=_status(said["status"]),
        body_bytes=int(count.group()),
        policy=said["policy"],
        robots=said["robots"],
        tdm=said["tdm"],
        registry=said["registry"],
    )


def _is_sound(said: dict[str, str]) -> bool:
    """Whether the members that the compiled configuration chose hold what it can have chosen."""
    words = (said["front"], said["code"], said["clause"])
    digests = (said["policy"], said["robots"], said["tdm"], said["registry"])
    return (
        bool(said["front"] and said["crawler"] and said["policy"] and said["registry"])
        and all(not word or _WORD.match(word) for word in words)
        and all(_SHA256.match(digest) for digest in digests)
        and said["scheme"] in ("http", "https")
    )


def _version(protocol: re.Match[str]) -> str:
    """The version as the doors write it: 1.0, 1.1, 2, 3."""
    major, minor = protocol.group(1), protocol.group(2)
    return major if major > "1" else f"{major}.{minor or 0}"


def _status(text: str) -> int | None:
    number = int(text) if _COUNT.match(text) else 0  # HAProxy writes -1 where it sent none
    return number if 100 <= number <= 599 and number != _CLIENT_GONE else None
