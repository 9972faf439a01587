"""The PROXY protocol, versions 1 and 2: what a proxy says of a connection before the visitor's own octets.

HAProxy's "The PROXY protocol" (proxy-protocol.txt, 2020), sections 2.1 and 2.2. Octets in, a value out; nothing raises.

Rule 1: the header is exactly where and what the specification says, or the connection is not to be read at all. What
        is almost a header was written by a visitor, and could name any address (peers.md part 7, client-IP spoof).
Rule 2: it is bounded: 107 octets in version 1, `_LONGEST` in version 2.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

_LONGEST_V1 = 107
_LONGEST = 4096  # octets of version 2: addresses take at most 216, a TLS name and a certificate's subject some hundred
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V1 = re.compile(
    rb"PROXY (?:UNKNOWN[ -~]*|(TCP[46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) ([0-9]{1,5}) ([0-9]{1,5}))\Z", re.ASCII
)
_LOCAL, _PROXY = 0x20, 0x21  # version and command
_TCP = {0x11: 4, 0x21: 16}  # family and transport: octets of an address
_OTHERS = frozenset({0x00, 0x12, 0x22, 0x31, 0x32})  # unspecified, UDP, UNIX sockets: no address to know
_TYPE_TLS = 0x20
_OVER_TLS = 0x01
_UNKNOWN = ""  # what `client_address` takes for nobody, and for no proxy: the octets that follow are the visitor's own


class Header(NamedTuple):
    """A header of `size` octets. `address` None: the proxy speaks for itself; "": for somebody whom it does not know.

    `is_tls` says that the visitor's connection to the proxy was encrypted, where the proxy tells.
    """

    size: int
    address: str | None
    is_tls: bool = False


class Malformed(NamedTuple):
    """No header of this protocol."""


_MALFORMED = Malformed()


def parse_proxy_header(data: bytes) -> Header | Malformed | None:
    """The header at the start of a connection; None where more octets are needed."""
    if data.startswith(_SIGNATURE):
        return _parse_v2(data)
    if _SIGNATURE.startswith(data):
        return None
    if data.startswith(b"PROXY "):
        return _parse_v1(data)
    return None if b"PROXY ".startswith(data) else _MALFORMED


def _parse_v1(data: bytes) -> Header | Malformed | None:
    end = data.find(b"\r\n", 0, _LONGEST_V1)
    if end < 0:
        return None if len(data) < _LONGEST_V1 and b"\n" not in data else _MALFORMED
    found = _V1.match(data[:end])
    if found is None:
        return _MALFORMED
    family, *addresses = found.group(1, 2, 3)
    if family is None:
        return Header(end + 2, _UNKNOWN)
    kind = IPv4Address if family == b"TCP4" else IPv6Address
    source, destination = (_address(text) for text in addresses)
    ports = [int(port) for port in found.group(4, 5)]
    if not isinstance(source, kind) or not isinstance(destination, kind) or max(ports) > 65535:
        return _MALFORMED
    return Header(end + 2, _plain(source))


def _address(text: bytes) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.decode("ascii"))
    except ValueError:
        return None


def _parse_v2(data: bytes) -> Header | Malformed | None:
    start = len(_SIGNATURE) + 4
    if len(data) < start:
        return None
    command, family = data[12], data[13]
    size = start + int.from_bytes(data[14:16], "big")
    if size > _LONGEST or command not in (_LOCAL, _PROXY):
        return _MALFORMED
    if len(data) < size:
        return None
    if command == _LOCAL:
        return Header(size, None)
    if family in _OTHERS:
        return Header(size, _UNKNOWN)
    width = _TCP.get(family)
    fixed = 0 if width is None else start + 2 * width + 4
    if width is None or fixed > size:
        return _MALFORMED
    is_tls = _tells_tls(data[fixed:size])
    if is_tls is None:
        return _MALFORMED
    return Header(size, _plain(ip_address(data[start : start + width])), is_tls)


def _plain(address: IPv4Address | IPv6Address) -> str:
    """An address as text; IPv4 inside IPv6 is unwrapped, as everywhere."""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _tells_tls(extensions: bytes) -> bool | None:
    """Whether the type-length-value vectors say that the visitor came over TLS; None where they are none."""
    place, found = 0, False
    while place < len(extensions):
        kind, length = extensions[place], int.from_bytes(extensions[place + 1 : place + 3], "big")
        value = extensions[place + 3 : place + 3 + length]
        if place + 3 > len(extensions) or len(value) != length:
            return None
        found = found or (kind == _TYPE_TLS and length > 0 and bool(value[0] & _OVER_TLS))
        place += 3 + length
    return found
