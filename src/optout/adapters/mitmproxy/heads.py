"""Heads between mitmproxy, the origin and us: what may pass at all, what the origin gets, what the visitor gets.

mitmproxy speaks HTTP/2 to visitors and HTTP/1.1 to the origin, and writes what it read into the lines of HTTP/1.1. So a
line break in a field, a blank in a method, or two names for one host would make the origin serve another request than
the one that was judged (peers.md part 7, smuggling; GHSA-847f-9342-265h). Rule: such a head is answered 400, whoever
sent it. Nothing here raises.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from mitmproxy import http

from optout.adapters.forwarding import Field, Visit, to_origin, tokens
from optout.messages import Destination, Fields, Response, as_text, octets, parse_authority, parse_destination

Items = tuple[tuple[bytes, bytes], ...]


def fields_of(items: Items) -> Fields:
    """mitmproxy's header fields as ours."""
    return Fields(tuple((as_text(name), as_text(value)) for name, value in items))


_HTTP_VERSIONS = {"HTTP/2.0": "2", "HTTP/3": "3"}  # OpenTelemetry network.protocol.version


def http_version(request: http.Request) -> str:
    """The protocol's version as it stands in records."""
    return _HTTP_VERSIONS.get(request.http_version, request.http_version.removeprefix("HTTP/"))


_BREAKS_WORD = re.compile(rb"[\x00\s]")
_BREAKS_VALUE = re.compile(rb"[\x00\r\n]")  # RFC 9110 section 5.5; also obs-fold, which mitmproxy would hand on
_BETWEEN = b"\x01"  # joins what is searched at once, and is in neither class
_TARGET_STARTS = (b"/", b"*")


def destination_of(request: http.Request, fields: Fields, scheme: str, *, is_http2: bool) -> Destination | None:
    """Where a request goes; None where its head is unsound, or names no host or two, and must be answered 400."""
    data = request.data
    versions = (b"HTTP/2.0",) if is_http2 else (b"HTTP/1.1", b"HTTP/1.0")  # mitmproxy reads "GET / HTTP/2.0" as well
    if data.http_version not in versions or not _is_sound(data.method, data.path, data.authority, data.headers.fields):
        return None
    hosts, authority = fields.all("host"), as_text(data.authority)
    named = hosts or ((authority,) if authority else ())
    found = parse_destination(raw_target=as_text(data.path), hosts=named, scheme=scheme)
    if found is None or (authority and parse_authority(authority, scheme) != found.authority):
        return None
    # RFC 9112 section 3.2: without Host only HTTP/1.0 is served, even where an absolute-form names one.
    is_named = bool(found.authority) and (bool(hosts) or is_http2)
    return found if is_named or data.http_version == b"HTTP/1.0" else None


def _is_sound(method: bytes, path: bytes, authority: bytes, items: Items) -> bool:
    words = _BETWEEN.join((method, path, authority, *(name for name, _ in items)))
    values = _BETWEEN.join(value for _, value in items)
    if _BREAKS_WORD.search(words) or _BREAKS_VALUE.search(values) or not path.startswith(_TARGET_STARTS):
        return False
    # mitmproxy hands "gzip, chunked" on, which few origins can read: what follows would be the next request (TE.TE).
    return all(value.lower() == b"chunked" for name, value in items if name.lower() == b"transfer-encoding")


def onward(request: http.Request, fields: Fields, visit: Visit) -> Items:
    """The fields for the origin: those of any gateway of ours, and what mitmproxy itself goes by.

    mitmproxy frames the body, answers Expect and closes the connection by the fields that it finds.
    """
    received = [(octets(name), octets(value)) for name, value in fields]
    items = to_origin(received, visit)
    items += [(name, value) for name, value in received if name.lower() == b"expect"]
    items += [(b"Transfer-Encoding", b"chunked") for _ in fields.all("transfer-encoding")]
    items += _connection(received)
    if request.authority and fields.first("host") is None:  # a target in absolute-form, in HTTP/1.0 or HTTP/2
        items.insert(0, (b"Host", octets(request.authority)))
    return tuple(items)


CHUNKED: Items = ((b"Transfer-Encoding", b"chunked"),)
"""For a body that HTTP/2 frames by itself: else an origin takes it for the next request."""


def _connection(received: list[Field]) -> list[Field]:
    """Connection for the origin, and Upgrade for WebSocket alone: h2c would tunnel past the door (h2c smuggling)."""
    options = tokens(received, b"connection")
    if b"upgrade" in options and b"websocket" in tokens(received, b"upgrade"):
        return [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
    asked = next((option for option in options if option in (b"close", b"keep-alive")), None)
    return [] if asked is None else [(b"Connection", asked)]


def answer_of(response: Response, *, is_head: bool) -> http.Response:
    """Our answer as mitmproxy's; for HEAD it keeps its Content-Length and loses its body (RFC 9110 section 9.3.2)."""
    try:
        reason = HTTPStatus(response.status).phrase
    except ValueError:
        reason = ""
    return http.Response(
        http_version=b"HTTP/1.1",
        status_code=response.status,
        reason=reason.encode(),
        headers=http.Headers([(octets(name), octets(value)) for name, value in response.fields]),
        content=b"" if is_head else response.body,
        trailers=None,
        timestamp_start=0,
        timestamp_end=0,
    )


def lacking(declared: Fields, headers: http.Headers) -> Items:
    """The declaring fields that the origin did not send itself: its own word counts. A Link is one of many."""
    return tuple(
        (octets(name), octets(value))
        for name, value in declared
        if (value not in headers.get_all(name) if name == "Link" else name not in headers)
    )
