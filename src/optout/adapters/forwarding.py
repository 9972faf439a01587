"""Which header fields a gateway passes on, in both directions, and which it writes itself (RFC 9110 section 7.6).

Fields in, fields out, octets as they came: nothing here does I/O or raises. Case, order and duplicates are kept. No
`Via` is added: nginx and others stop compressing for whoever sends it, and that would slow people down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from optout.messages import ClientAddress, octets

Field = tuple[bytes, bytes]
Items = list[Field]


class Kind(Enum):
    """What a gateway does with a field."""

    END_TO_END = auto()
    CONNECTION = auto()  # names more fields that stay here
    FRAMING = auto()  # Transfer-Encoding: each hop frames for itself
    HOP_BY_HOP = auto()
    SAID_BY_PROXIES = auto()  # counts from a trusted proxy only
    DISGUISED = auto()  # never goes on to an origin


_FROM_STRANGERS = (Kind.END_TO_END,)
_FROM_PROXIES = (Kind.END_TO_END, Kind.SAID_BY_PROXIES)
_FROM_ORIGINS = (Kind.END_TO_END, Kind.SAID_BY_PROXIES, Kind.DISGUISED)

# RFC 9110 section 7.6.1 and, for Proxy-*, section 11.7: meant for the next hop. Expect is answered by the gateway.
_HOP_BY_HOP = (
    b"expect",
    b"http2-settings",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"upgrade",
)
# What Connection must not take away, whoever names it there: without them a message means something else.
_END_TO_END = frozenset({b"content-length", b"content-type", b"host"})
_NO_FIELDS = frozenset({b"close", b"keep-alive", b"upgrade"})  # what Connection says most
_SAID_MOST = frozenset({b"close", b"keep-alive", b"Keep-Alive"})
# What proxies tell origins about a visitor; from a stranger it is a forgery. The last two replace the path that an
# origin serves after this gateway has judged another one (peers.md part 7, forward-auth header spoof).
_SAID_BY_PROXIES = frozenset(
    {b"forwarded", b"x-real-ip", b"cf-connecting-ip", b"true-client-ip", b"x-original-url", b"x-rewrite-url"}
)
_SAID_BY_PROXIES_PREFIX = b"x-forwarded-"

_KNOWN = {
    b"connection": Kind.CONNECTION,
    b"transfer-encoding": Kind.FRAMING,
    **dict.fromkeys(_HOP_BY_HOP, Kind.HOP_BY_HOP),
}
# As browsers, crawlers and origins spell what they send most: looked up without a copy in lower case.
_MOST_SENT = """
Host User-Agent Accept Accept-Encoding Accept-Language Accept-Ranges Age Cache-Control Content-Encoding Content-Length
Content-Type Cookie DNT Date ETag Expires From If-Modified-Since If-None-Match Last-Modified Link Location Origin
Pragma Priority Range Referer Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Server Set-Cookie
Strict-Transport-Security Upgrade-Insecure-Requests Vary sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform
"""
_KINDS = {spelled: Kind.END_TO_END for name in _MOST_SENT.encode().split() for spelled in (name, name.lower())}
_KINDS |= {spelled: kind for name, kind in _KNOWN.items() for spelled in (name, name.title())}
USUAL = tuple(_KINDS)
"""Names in their usual spelling, for tables of others."""


def kind_of(name: bytes) -> Kind:
    """What to do with the field `name`, in whatever case it is spelled.

    `X_Forwarded_For` becomes the same variable as `X-Forwarded-For` in CGI and WSGI (RFC 3875 section 4.1.18), and a
    trusted proxy may have passed a stranger's.
    """
    usual = _KINDS.get(name)
    if usual is not None:
        return usual
    lower = name.lower()
    plain = lower.replace(b"_", b"-")
    if plain in _SAID_BY_PROXIES or plain.startswith(_SAID_BY_PROXIES_PREFIX):
        return Kind.SAID_BY_PROXIES if plain == lower else Kind.DISGUISED
    return _KNOWN.get(lower, Kind.END_TO_END)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What the gateway knows about a request's way to it.

    `peer` is the address that connected, None for a unix socket; `is_proxy` whether its word counts. `scheme` is the
    one by which the visitor came, `host` the Host field as received.
    """

    peer: str | None
    is_proxy: bool
    client: ClientAddress
    scheme: str
    host: str


def to_origin(fields: Iterable[Field], visit: Visit) -> Items:
    """The fields of a request as the origin gets them."""
    kept = _end_to_end(fields, taken_by(is_proxy=visit.is_proxy))
    rewritten = about_the_visitor(kept, visit)
    names = {name.lower() for name, _ in rewritten}
    return [(name, value) for name, value in kept if name.lower() not in names] + rewritten


def taken_by(*, is_proxy: bool) -> tuple[Kind, ...]:
    """The fields that go on to the origin, from a trusted proxy or from a stranger."""
    return _FROM_PROXIES if is_proxy else _FROM_STRANGERS


def to_visitor(fields: Iterable[Field]) -> Items:
    """The fields of a response as the visitor gets them."""
    return _end_to_end(fields, _FROM_ORIGINS)


def tokens(fields: Iterable[Field], name: bytes) -> list[bytes]:
    """The members of a list field, in lower case (RFC 9110 section 5.6.1)."""
    return members(value for key, value in fields if key.lower() == name)


def members(values: Iterable[bytes]) -> list[bytes]:
    """The members of a list whose lines are `values`, in lower case."""
    return [token for token in (part.strip(b" \t").lower() for part in b",".join(values).split(b",")) if token]


def without_named(kept: Items, connection: Sequence[bytes]) -> Items:
    """`kept` without what the values of Connection name; those are most often not fields."""
    if len(connection) == 1 and connection[0] in _SAID_MOST:
        return kept
    dropped = set(members(connection)) - _END_TO_END
    return [item for item in kept if item[0].lower() not in dropped] if dropped - _NO_FIELDS else kept


def _end_to_end(fields: Iterable[Field], taken: tuple[Kind, ...]) -> Items:
    kept: Items = []
    connection: list[bytes] = []
    is_framed = False
    for item in fields:
        kind = kind_of(item[0])
        if kind in taken:
            kept.append(item)
        elif kind is Kind.CONNECTION:
            connection.append(item[1])
        elif kind is Kind.FRAMING:
            is_framed = True
    if is_framed:  # RFC 9112 section 6.3: a length beside it would be a lie, and a way to smuggle
        kept = [item for item in kept if item[0].lower() != b"content-length"]
    return without_named(kept, connection)


def about_the_visitor(kept: Iterable[Field], visit: Visit) -> Items:
    """The X-Forwarded fields as this gateway writes them, and Forwarded where a proxy began one."""
    chains: dict[bytes, list[bytes]] = {b"x-forwarded-for": [], b"forwarded": [], b"x-forwarded-host": []}
    for name, value in kept:
        if (lower := name.lower()) in chains:
            chains[lower].append(value)
    said_host = next(iter(chains[b"x-forwarded-host"]), octets(visit.host))
    written = [(b"X-Forwarded-Proto", visit.scheme.encode())]
    if said_host:
        written.append((b"X-Forwarded-Host", said_host))
    if visit.peer:
        peer = octets(visit.peer)
        written.append((b"X-Forwarded-For", b", ".join([*chains[b"x-forwarded-for"], peer])))
        if chains[b"forwarded"]:
            written.append((b"Forwarded", b", ".join([*chains[b"forwarded"], b"for=" + _node(peer)])))
    address = visit.client.address or visit.peer
    if address:
        written.append((b"X-Real-IP", octets(address)))
    return written


def _node(address: bytes) -> bytes:
    """An address as RFC 7239 section 6 writes it."""
    return b'"[%b]"' % address if b":" in address else address
