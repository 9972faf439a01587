"""Facts about one HTTP exchange as a door saw them; nothing here is inferred (RFC 9110, RFC 9112).

Text that a stranger sent is kept as `str` decoded from UTF-8 with `surrogateescape`, so that the exact bytes can
be had back with `octets()`. Nothing in this room raises for what a stranger sent.

Values that are made for each request are msgspec's structs: frozen like dataclasses, and a tenth of their price.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import msgspec


def octets(text: str) -> bytes:
    """The bytes that a stranger sent, from the text that a door made of them."""
    return text.encode("utf-8", "surrogateescape")


def as_text(data: bytes) -> str:
    """Text for a stranger's bytes; `octets` is its inverse."""
    return data.decode("utf-8", "surrogateescape")


class Fields(msgspec.Struct, frozen=True, eq=False):
    """Header fields in the order received, duplicates kept (RFC 9110 section 5). Names compare without case."""

    items: tuple[tuple[str, str], ...] = ()
    _by_name: dict[str, tuple[str, ...]] = {}  # made when first asked; msgspec copies it for each

    def __eq__(self, other: object) -> bool:
        return self.items == other.items if isinstance(other, Fields) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        return f"Fields({self.items!r})"

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of the field `name`, in order; empty if it is absent."""
        if not self._by_name and self.items:
            self._arrange()
        return self._by_name.get(name.lower(), ())

    def first(self, name: str) -> str | None:
        """The first value of the field `name`, or None."""
        found = self.all(name)
        return found[0] if found else None

    def _arrange(self) -> None:
        """Put the values under their names, once: every request that is judged is asked for half a dozen."""
        for key, value in self.items:
            name = key.lower()
            self._by_name[name] = (*self._by_name.get(name, ()), value)


class AddressSource(StrEnum):
    """How a client's address is known (design part 5.12)."""

    PEER = "peer"
    FORWARDED = "forwarded"
    UNKNOWN = "unknown"


class ClientAddress(msgspec.Struct, frozen=True, kw_only=True):
    """The client's IP address as text, and how it is known. Unknown means: nothing may be concluded from it."""

    address: str | None
    source: AddressSource


UNKNOWN_CLIENT = ClientAddress(address=None, source=AddressSource.UNKNOWN)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The head of one request.

    `id` is a UUIDv7, `received_us` microseconds since 1970 UTC, `mono_us` microseconds of a monotonic clock.
    `authority` is normalized by `parse_authority` ("" if the client named none); `target` is the path and query
    exactly as received, always starting with `/` (or `*`).
    """

    id: str
    received_us: int
    mono_us: int
    method: str
    scheme: str
    authority: str
    target: str
    fields: Fields
    client: ClientAddress = UNKNOWN_CLIENT
    http_version: str = "1.1"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def has_query(self) -> bool:
        """Whether a query came, even an empty one."""
        return "?" in self.target

    @property
    def user_agent(self) -> str:
        """All User-Agent values, joined: a second field must not hide the first."""
        return ", ".join(self.fields.all("user-agent"))

    @property
    def signature_agent(self) -> str | None:
        """All Signature-Agent values, joined as one list (RFC 9651 section 4.2); None if there is none."""
        return ", ".join(self.fields.all("signature-agent")) or None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that Optout gives instead of the origin. `body` is what GET gets; a door drops it for HEAD."""

    status: int
    fields: Fields
    body: bytes


_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
# reg-name and port of RFC 3986 section 3.2, without userinfo, escapes and sub-delims: no real client sends those.
_LONGEST_HOST = 300  # 253 octets of name (RFC 1035 section 2.3.4), brackets, a port
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::([0-9]{0,5}))?\Z")


def parse_authority(host: str, scheme: str) -> str | None:
    """A Host field's value in the form that policies use: lower case, IDNA, no default port, no trailing dot.

    Returns None where it is not an authority (RFC 3986 section 3.2.2). Never raises.
    """
    return _parse_authority(host, scheme) if len(host) <= _LONGEST_HOST else None


@lru_cache(maxsize=4096)  # strangers write hosts: both their number and their length are bounded
def _parse_authority(host: str, scheme: str) -> str | None:
    text = host.strip(" \t").lower()
    if not text.isascii():
        try:
            name, colon, port = text.partition(":")
            text = name.encode("idna").decode("ascii") + colon + port
        except UnicodeError:
            return None
    found = _HOST.match(text)
    if found is None:
        return None
    name, port = found.group(1).rstrip("."), (found.group(2) or "").lstrip("0")
    if not name:
        return None
    return name if not port or port == _DEFAULT_PORTS.get(scheme) else f"{name}:{port}"


# Any scheme: aiohttp serves `/x` for `ftp://host/x`, so that is what must be judged.
_ABSOLUTE_FORM = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#]*)([^#]*)", re.IGNORECASE)


def parse_target(raw: str) -> tuple[str, str | None]:
    """A request target as (path and query, authority that an absolute-form named) (RFC 9112 section 3.2).

    The path is left as received; an absolute-form without a path means `/`. Never raises.
    """
    found = _ABSOLUTE_FORM.match(raw)
    if found is None:
        return (raw if raw.startswith("/") or raw == "*" else f"/{raw}"), None
    path = found.group(2)
    return (path if path.startswith("/") else f"/{path}"), found.group(1)


class Destination(NamedTuple):
    """Where a request goes: the authority, and the path and query as received. Each visitor costs one: a tuple."""

    authority: str
    target: str


def parse_destination(*, raw_target: str, hosts: Sequence[str], scheme: str) -> Destination | None:
    """Where a request goes, or None where it says two different things and must be answered 400 for everybody.

    `hosts` are all values of the Host field. Two Host fields, a Host that is empty or no authority, and an
    absolute-form target that names another host are how one server is made to judge what another will serve
    (RFC 9112 section 3.2; CVE-2026-34525).
    """
    if len(hosts) == 1 and raw_target[:1] == "/":  # almost always
        authority = parse_authority(hosts[0], scheme)
        return Destination(authority, raw_target) if authority else None
    if len(hosts) > 1 or (hosts and not hosts[0].strip(" \t")):
        return None
    target, named = parse_target(raw_target)
    values = [value for value in (*hosts, named) if value]
    authorities = [parse_authority(value, scheme) for value in values]
    if None in authorities or len(set(authorities)) > 1:
        return None
    return Destination(authorities[0] or "" if authorities else "", target)
