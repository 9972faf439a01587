"""One line of an access log: nginx and Apache (common and combined, with or without a host before), Caddy, and JSON.

The combined form is Apache's, "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\"" (Apache HTTP Server 2.4,
mod_log_config), which nginx and most others write, too; further fields may follow. Caddy's is its JSON encoder's (Caddy
2, `http.log.access`). Any other JSON is read by the names that are customary with nginx. Nothing here raises.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from optout.messages import as_text

_AGENT = 5  # of the parts between quotation marks: request, status and size, referrer, a blank, user agent
_ESCAPED: Final = b"\\"
# A quotation that is never closed is one, too: else each mark in it would be tried as the beginning of another.
_QUOTED = re.compile(rb'"((?:[^"\\]++|\\.)*+)"?', re.DOTALL)
_JSON_AGENT = re.compile(
    rb'"(?:User-Agent|user-agent|http_user_agent|user_agent|useragent|agent)" ?: ?\[?"((?:[^"\\]++|\\.)*+)"?'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One request as the log tells it.

    `time_us` is µs since 1970 UTC, None where the line has no time that can be read; `target` is as the log has it;
    `size` are bytes sent, 0 where the log does not say. `host` is "" where it does not say, `address` as well.
    """

    time_us: int | None
    method: str
    target: str
    status: int
    size: int
    user_agent: str
    address: str = ""
    host: str = ""

    @property
    def path(self) -> str:
        """The target without query and fragment: those can hold what a person looked for."""
        return re.split("[?#]", self.target, maxsplit=1)[0]


def find_user_agent(line: bytes) -> bytes | None:
    """The octets of a line's user agent as the log writes them, b"" where it has none; None where no form fits."""
    if line[:1] == b"{":
        found = _JSON_AGENT.search(line)
        if found is not None:
            return found[1]
        return b"" if line.rstrip().endswith(b"}") and b'"status' in line else None
    if _ESCAPED in line:
        quoted = _QUOTED.findall(line)
        return (quoted[2] if len(quoted) > 2 else b"") if quoted else None
    parts = line.split(b'"', _AGENT + 1)
    if len(parts) > _AGENT:
        return parts[_AGENT]
    return b"" if len(parts) > 2 else None  # the common form has no user agent


def parse_line(line: bytes) -> Line | None:
    """All of a line; None where no form fits. Never raises."""
    return _of_json(line) if line[:1] == b"{" else _of_text(line)


# Text: [HOST] ADDRESS - USER [TIME] "REQUEST" STATUS SIZE "REFERRER" "USER AGENT" ...

_HEAD = re.compile(rb"([^\[]*+)\[([^\]]*+)\] ?$")
_NUMBERS = re.compile(rb" ([0-9]{3}) ([0-9]{1,15}|-)(?: |$)")
_REQUEST = re.compile(r"([A-Za-z][A-Za-z0-9_-]*) (\S+)(?: HTTP/[0-9.]+)?\Z")


def _of_text(line: bytes) -> Line | None:
    start = line.find(b'"')
    quoted = _QUOTED.match(line, start) if start >= 0 else None
    if quoted is None:
        return None
    numbers = _NUMBERS.match(line, quoted.end())
    head = _HEAD.match(line[:start])
    if numbers is None or head is None:
        return None
    request = _REQUEST.match(_plain(quoted[1]))
    rest = _QUOTED.findall(line, numbers.end())
    host, address = _host_and_address(head[1].split())
    return Line(
        time_us=_time(head[2].decode("ascii", "replace")),
        method=request[1] if request else "",
        target=request[2] if request else _plain(quoted[1]),
        status=int(numbers[1]),
        size=int(numbers[2]) if numbers[2] != b"-" else 0,
        user_agent=_plain(rest[1]) if len(rest) > 1 else "",
        address=address.decode("ascii", "replace"),
        host=_host(host),
    )


def _host_and_address(words: list[bytes]) -> tuple[bytes, bytes]:
    """HOST ADDRESS IDENTITY USER, the host in some logs only; the identity (RFC 1413) is in fact always a hyphen."""
    if len(words) > 2 and words[1] != b"-" and words[2] == b"-":
        return words[0], words[1]
    return b"", words[0] if words else b""


_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"v": b"\v", b"f": b"\f"}


def _plain(octets: bytes) -> str:
    """A field without the escapes of nginx (`\\x22`) and Apache (`\\"`)."""
    if _ESCAPED in octets:
        octets = _ESCAPE.sub(_octet, octets)
    return as_text(octets)


def _octet(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)]) if found[1] is not None else _LETTERS.get(found[2], found[2])


def _host(octets: bytes) -> str:
    return octets.decode("ascii", "replace").partition(":")[0].lower()


_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_TIME = re.compile(
    r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)? ([+-])([0-9]{2})([0-9]{2})\Z"
)


@lru_cache(maxsize=4096)  # many requests come in one second
def _time(text: str) -> int | None:
    found = _TIME.match(text)
    if found is None or found[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(found[place]) for place in (1, 3, 4, 5, 6))
    away = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1)
    try:
        moment = datetime(year, _MONTHS[found[2]], day, hour, minute, min(second, 59), tzinfo=timezone(away))
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000


# JSON


def _of_json(line: bytes) -> Line | None:
    try:
        said = json.loads(as_text(line))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    request = said.get("request")
    return _of_caddy(said, request) if isinstance(request, dict) else _of_names(said)


def _of_caddy(said: dict[str, object], request: dict[str, object]) -> Line | None:
    headers = request.get("headers")
    status = _status(said.get("status"))
    if status is None:
        return None
    return Line(
        time_us=_moment(said.get("ts")),
        method=_text(request.get("method")),
        target=_text(request.get("uri")),
        status=status,
        size=_whole(said.get("size")) or 0,
        user_agent=_agents(headers) if isinstance(headers, dict) else "",
        address=_text(request.get("client_ip")) or _text(request.get("remote_ip")),
        host=_text(request.get("host")).partition(":")[0].lower(),
    )


def _agents(headers: dict[str, object]) -> str:
    for name, value in headers.items():
        if name.lower() == "user-agent":
            return ", ".join(map(_text, value)) if isinstance(value, list) else _text(value)
    return ""


_NAMES = {
    "time": ("time_iso8601", "time_local", "time", "timestamp", "@timestamp", "ts", "msec"),
    "method": ("request_method", "method", "verb"),
    "target": ("request_uri", "uri", "url", "path"),
    "status": ("status", "status_code", "response"),
    "size": ("body_bytes_sent", "bytes_sent", "size", "bytes"),
    "agent": ("http_user_agent", "user_agent", "useragent", "agent", "User-Agent", "user-agent"),
    "address": ("remote_addr", "client_ip", "remote_ip", "clientip"),
    "host": ("host", "server_name", "http_host", "vhost"),
}


def _of_names(said: dict[str, object]) -> Line | None:
    def first(kind: str) -> object:
        return next((said[name] for name in _NAMES[kind] if name in said), None)

    status = _status(first("status"))
    if status is None:
        return None
    method, target = _text(first("method")), _text(first("target"))
    request = _REQUEST.match(_text(said.get("request")))
    if request is not None:
        method, target = method or request[1], target or request[2]
    return Line(
        time_us=_moment(first("time")),
        method=method,
        target=target,
        status=status,
        size=_whole(first("size")) or 0,
        user_agent=_text(first("agent")),
        address=_text(first("address")),
        host=_text(first("host")).partition(":")[0].lower(),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _status(value: object) -> int | None:
    found = _whole(value)
    return found if found is not None and 100 <= found <= 999 else None


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 1 << 53 else None
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _moment(value: object) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value * 1_000_000) if 0 <= value < 1e11 else None
    text = _text(value)
    if text and text.replace(".", "", 1).isdigit() and text.isascii() and len(text) < 20:
        return _moment(float(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _time(text)
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return round(moment.timestamp() * 1_000_000)
    except (OverflowError, OSError, ValueError):
        return None
