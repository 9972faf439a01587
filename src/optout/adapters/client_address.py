"""Whose address a request comes from: the trusted-proxy rule (design part 5.12).

Rule 1: the peer is the client, unless the peer is a proxy that the owner listed.
Rule 2: then one chosen field is read from right to left, past listed proxies; what stands left of the first
address that is not a listed proxy was written by a stranger and changes nothing (peers.md part 7, client-IP spoof).
Rule 3: a loopback, private or CDN peer that nobody listed hides the client: its address is unknown, and nothing may
be concluded from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from optout.errors import UsageError
from optout.messages import UNKNOWN_CLIENT, AddressSource, ClientAddress, Fields

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDED_FIELDS = ("x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip")
# Networks that Cloudflare and Fastly have published for years: seen as a peer without a listed proxy, they hide the
# client. A missing network costs a wrong "peer", which can take nothing from a person.
_CDN_NETWORKS = tuple(map(ip_network, """
173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18 108.162.192.0/18 190.93.240.0/20
188.114.96.0/20 197.234.240.0/22 198.41.128.0/17 162.158.0.0/15 104.16.0.0/13 104.24.0.0/14 172.64.0.0/13
131.0.72.0/22 2400:cb00::/32 2606:4700::/32 2803:f800::/32 2405:b500::/32 2405:8100::/32 2a06:98c0::/29
2c0f:f248::/32
23.235.32.0/20 43.249.72.0/22 103.244.50.0/24 103.245.222.0/23 103.245.224.0/24 104.156.80.0/20 140.248.64.0/18
140.248.128.0/17 146.75.0.0/17 151.101.0.0/16 157.52.64.0/18 167.82.0.0/17 167.82.128.0/20 167.82.160.0/20
167.82.224.0/20 172.111.64.0/18 185.31.16.0/22 199.27.72.0/21 199.232.0.0/16 2a04:4e40::/32 2a04:4e42::/32
""".split()))  # fmt: skip
_LONGEST_ADDRESS = 100  # 45 characters of an address, brackets, a port, a zone (RFC 4007 section 11), quotes, blanks
_LONGEST_CHAIN = 32  # nginx, HAProxy and the large CDNs add one entry each; 32 is far beyond any real chain


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedProxies:
    """The proxies that may speak for a client, and the one field in which they do."""

    networks: tuple[Network, ...] = ()
    field: str = "x-forwarded-for"


NO_PROXIES = TrustedProxies()


def load_trusted_proxies(networks: Iterable[str], field: str = "x-forwarded-for") -> TrustedProxies:
    """The owner's setting as a value; raises UsageError for what is no network or no known field."""
    if field.lower() not in FORWARDED_FIELDS:
        raise UsageError(
            f"{field!r} is no field that proxies write the client's address into",
            f"choose one of {', '.join(FORWARDED_FIELDS)}",
        )
    found: list[Network] = []
    for text in networks:
        try:
            found.append(ip_network(text.strip(), strict=False))
        except ValueError as fault:
            raise UsageError(
                f"trusted proxy {text!r} is neither an address nor a network",
                "write it like 10.0.0.5, 10.0.0.0/8 or fd00::/8",
            ) from fault
    return TrustedProxies(networks=tuple(found), field=field.lower())


def client_address(peer: str | None, fields: Fields, trusted: TrustedProxies) -> ClientAddress:
    """The client's address for a request from `peer`; `peer` None is a unix socket. Never raises."""
    address = _parse(peer) if peer is not None else None
    if not is_trusted_proxy(peer, trusted):
        return _peer(address)
    for entry in reversed(_chain(fields, trusted.field)):
        hop = _parse(entry)
        if hop is None:
            return UNKNOWN_CLIENT
        if not _is_listed(hop, trusted):
            return UNKNOWN_CLIENT if _is_hiding(hop) else _known(hop, AddressSource.FORWARDED)
    return UNKNOWN_CLIENT


def is_trusted_proxy(peer: str | None, trusted: TrustedProxies) -> bool:
    """Whether what `peer` says of its own client counts; `peer` None is a unix socket, which only the host can use."""
    if not trusted.networks:
        return False
    if peer is None:
        return True
    address = _parse(peer)
    return address is not None and _is_listed(address, trusted)


def client_scheme(peer: str | None, fields: Fields, trusted: TrustedProxies, own: str) -> str:
    """The scheme by which the visitor came: a trusted proxy's word, else `own`, the one of this connection."""
    if not is_trusted_proxy(peer, trusted):
        return own
    if trusted.field == "forwarded":
        said = _parameter(_chain_entries(fields, "forwarded")[-1], "proto")
    else:
        said = _chain_entries(fields, "x-forwarded-proto")[-1].strip(" \t")
    return said.lower() if said.lower() in ("http", "https") else own


def _peer(address: Address | None) -> ClientAddress:
    if address is None or _is_hiding(address):
        return UNKNOWN_CLIENT
    return _known(address, AddressSource.PEER)


def _known(address: Address, source: AddressSource) -> ClientAddress:
    return ClientAddress(address=str(address), source=source)


@lru_cache(maxsize=4096)
def _is_hiding(address: Address) -> bool:
    """Whether `address` stands for somebody behind it (rule 3)."""
    return not address.is_global or _is_in(address, _CDN_NETWORKS)


def _chain(fields: Fields, field: str) -> list[str]:
    """The addresses in the chosen field, left to right, as written."""
    entries = _chain_entries(fields, field)
    return [_parameter(entry, "for") for entry in entries] if field == "forwarded" else entries


def _chain_entries(fields: Fields, field: str) -> list[str]:
    """The entries of a list field, left to right, at most the last `_LONGEST_CHAIN`; never empty."""
    return ",".join(fields.all(field)).rsplit(",", _LONGEST_CHAIN)[-_LONGEST_CHAIN:]


def _parameter(element: str, wanted: str) -> str:
    """A parameter of one element of Forwarded (RFC 7239 section 4); "" if it has none."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip(" \t").lower() == wanted:
            return value.strip(" \t").strip('"')
    return ""


def _parse(text: str) -> Address | None:
    """An address with or without port, brackets or zone; IPv4 inside IPv6 is unwrapped. None for anything else."""
    # A stranger writes these: what is kept is bounded in length, too.
    return _parse_short(text) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=4096)
def _parse_short(text: str) -> Address | None:
    bare = text.strip(" \t").strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _is_listed(address: Address, trusted: TrustedProxies) -> bool:
    return _is_in(address, trusted.networks)


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
