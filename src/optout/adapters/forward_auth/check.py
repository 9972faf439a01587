"""What a front end asks: the dialects of nginx, Caddy, Traefik and Envoy as one value.

A front end asks about its visitor in fields that it sets beside the visitor's own. Rule: a visitor can write every
field that a careless front end passes on, so each is to come exactly once, and what two dialects say must agree
(peers.md part 7: a visitor's own X-Original-URI posed as the target).

Fields stay octets until somebody reads them: of a person's dozen, five are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from optout.messages import Destination, as_text, parse_destination


class Dialect(StrEnum):
    """Whose questions are answered, and in whose way."""

    NGINX = "nginx"  # auth_request (ngx_http_auth_request_module)
    NGINX_ROUTE = "nginx-route"  # the include of `optout compile nginx --route`: asked for possible crawlers alone
    CADDY = "caddy"  # forward_auth
    TRAEFIK = "traefik"  # ForwardAuth
    ENVOY = "envoy"  # ext_authz, HTTP service


class Said:
    """The fields of one check, by name in lower case."""

    __slots__ = ("_by_name", "_repeated", "items")

    def __init__(self, items: Sequence[tuple[bytes, bytes]]) -> None:
        self.items = items
        self._by_name = {name.lower(): value for name, value in items}
        self._repeated = _repeated(items) if len(self._by_name) < len(items) else ()

    def once(self, name: bytes) -> bytes | None:
        """The value of a field that comes exactly once."""
        return None if name in self._repeated else self._by_name.get(name)

    def all(self, name: bytes) -> tuple[bytes, ...]:
        """Every value of a field, in order."""
        if name in self._repeated:
            return tuple(value for other, value in self.items if other.lower() == name)
        value = self._by_name.get(name)
        return () if value is None else (value,)


def _repeated(items: Sequence[tuple[bytes, bytes]]) -> frozenset[bytes]:
    seen: set[bytes] = set()
    again: set[bytes] = set()
    for name, _ in items:
        key = name.lower()
        (again if key in seen else seen).add(key)
    return frozenset(again)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The head of the visitor's request as the front end tells it.

    `destination` None: the visitor named no host, or more than one, and is to be answered 400.
    """

    method: str
    destination: Destination | None
    scheme: str


class Malformed(msgspec.Struct, frozen=True, kw_only=True):
    """A check that cannot be answered; `what` is in our own words and names the field."""

    what: str


class _Field(NamedTuple):
    name: str
    key: bytes


def _field(name: str) -> _Field:
    return _Field(name, name.lower().encode())


class _Names(NamedTuple):
    """The fields of one dialect that says all in fields."""

    method: _Field
    target: _Field
    host: _Field


_ORIGINAL = _Names(*map(_field, ("X-Original-Method", "X-Original-URI", "X-Original-Host")))
_FORWARDED = _Names(*map(_field, ("X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host")))
_NAMES = {
    Dialect.NGINX: _ORIGINAL,
    Dialect.NGINX_ROUTE: _ORIGINAL,
    Dialect.CADDY: _FORWARDED,
    Dialect.TRAEFIK: _FORWARDED,
}
# Whose word on method and target is not asked for, and must not differ if it comes.
_RIVALS = {
    Dialect.NGINX: (_FORWARDED,),
    Dialect.NGINX_ROUTE: (_FORWARDED,),
    Dialect.CADDY: (_ORIGINAL,),
    Dialect.TRAEFIK: (_ORIGINAL,),
    Dialect.ENVOY: (_ORIGINAL, _FORWARDED),
}
_PROTO = b"x-forwarded-proto"
# Traefik names WebSockets by theirs.
_SCHEMES = {b"http": "http", b"https": "https", b"ws": "http", b"wss": "https"}
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")  # RFC 9110 section 5.6.2; 64 is far beyond any method
# A blank stands in no target (RFC 9112 section 3.2), but it does where somebody joined two fields into a list.
_UNTARGETED = re.compile(rb"[\x00-\x20\x7f]")
_VERSION = re.compile(rb"HTTP/([0-9](?:\.[0-9])?)\Z")


def parse_check(dialect: Dialect, *, method: bytes, target: bytes, said: Said) -> Check | Malformed:
    """What is asked in a check with this head. Never raises.

    `method` and `target` are those of the check itself, which only Envoy's says anything by.
    """
    names = _NAMES.get(dialect)
    if names is None:
        hosts = said.all(b"host")
    else:
        found = [said.once(field.key) for field in names]
        if None in found:
            return Malformed(what=f"{names[found.index(None)].name} is to come exactly once")
        method, target, host = (value or b"" for value in found)
        hosts = (host,)
    fault = _fault(dialect, method, target, said)
    if fault is not None:
        return Malformed(what=fault)
    scheme = _scheme(dialect, said)
    if scheme is None:
        return Malformed(what="X-Forwarded-Proto is to come exactly once, as http or https")
    return Check(
        method=as_text(method),
        destination=parse_destination(
            raw_target=as_text(target), hosts=tuple([as_text(host) for host in hosts]), scheme=scheme
        ),
        scheme=scheme,
    )


def http_version(said: Said) -> str:
    """The version in which the visitor asked; "" where the front end does not tell it. nginx can."""
    protocol = said.once(b"x-original-protocol")
    found = _VERSION.match(protocol) if protocol is not None else None
    return as_text(found.group(1)) if found else ""


def _fault(dialect: Dialect, method: bytes, target: bytes, said: Said) -> str | None:
    """What makes method or target unfit to be judged."""
    if _TOKEN.match(method) is None:
        return "the method is no method"
    if not target or _UNTARGETED.search(target):
        return "the target is no request target"
    for rival in _RIVALS[dialect]:
        for field, value in ((rival.method, method), (rival.target, target)):
            if any(other != value for other in said.all(field.key)):
                return f"{field.name} says something else"
    return None


def _scheme(dialect: Dialect, said: Said) -> str | None:
    proto = said.once(_PROTO)
    if proto is not None:
        return _SCHEMES.get(proto.lower())
    # Envoy passes on the fields that its configuration lists.
    return "http" if dialect is Dialect.ENVOY and not said.all(_PROTO) else None
