"""Is this address on an operator's list? A few comparisons, however long the list is.

Both families lie on one line of numbers, IPv4 where RFC 4291 section 2.5.5.2 maps it, so that `::ffff:192.0.2.1` and
`192.0.2.1` are one address. Networks that touch or overlap are merged into intervals, whose bounds stand in one
sorted tuple: an address is on the list if an odd number of bounds are not above it.

`list_faults` is the gate: a list with a private, reserved or very wide network is refused whole, because whoever put
that in did not know what he published, or was not its operator (crawlers.md part 9, case 15).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from optout.crawlers.address_lists import AddressList, Network

WIDEST_IPV4 = 12  # bits: a million addresses. The widest network that a crawler's list holds is a /17
WIDEST_IPV6 = 28  # bits: registries give an operator a /32, seldom a /29
MOST_IPV4 = 1 << 24  # addresses of one list together: a /8 in pieces is a /8
_MAPPED = 0xFFFF << 32
_LONGEST_ADDRESS = 45  # characters (RFC 4291 section 2.2, form 3)
_REMEMBERED = 4096


@lru_cache(maxsize=_REMEMBERED)
def address_number(text: str) -> int | None:
    """The place of an address on the line of numbers; None for what is no address. Never raises."""
    if len(text) > _LONGEST_ADDRESS:
        return None
    if ":" not in text:
        return _ipv4_number(text)
    try:
        return int(IPv6Address(text))
    except ValueError:
        return None


_OCTETS = {str(octet): octet for octet in range(256)}


def _ipv4_number(text: str) -> int | None:
    """As `IPv4Address` reads it, in a quarter of the time: crawlers with many addresses are looked up on each visit."""
    parts = text.split(".")
    if len(parts) != 4:
        return None
    number = 0xFFFF
    for part in parts:
        octet = _OCTETS.get(part)
        if octet is None:
            return None
        number = number << 8 | octet
    return number


def _number(address: IPv4Address | IPv6Address) -> int:
    return int(address) | _MAPPED if isinstance(address, IPv4Address) else int(address)


class AddressRanges:
    """Networks, ready to be asked."""

    __slots__ = ("_bounds",)

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        bounds: list[int] = []
        for first, last in sorted(_interval(network) for network in networks):
            if bounds and first <= bounds[-1]:
                bounds[-1] = max(bounds[-1], last + 1)
            else:
                bounds += (first, last + 1)
        self._bounds = tuple(bounds)

    def __len__(self) -> int:
        """How many intervals are left after merging."""
        return len(self._bounds) // 2

    def __contains__(self, number: int) -> bool:
        """Whether the address with this `address_number` is in one of the networks."""
        return bisect_right(self._bounds, number) & 1 == 1

    def meets(self, network: Network) -> bool:
        """Whether `network` and one of these have an address in common."""
        first, last = _interval(network)
        place = bisect_right(self._bounds, first)
        return place & 1 == 1 or bisect_right(self._bounds, last) != place

    def has(self, address: str) -> bool:
        """Whether this address is in one of the networks; False for what is no address."""
        number = address_number(address)
        return number is not None and number in self


def _interval(network: Network) -> tuple[int, int]:
    return _number(network.network_address), _number(network.broadcast_address)


# IANA's special-purpose registries (RFC 6890) as of 2026, and multicast, without what is reachable from everywhere
# (AS112, AMT). Of IPv6 only 2000::/3 is given out (RFC 4291 section 2.4); these are reserved inside it.
_GIVEN_OUT = IPv6Network("2000::/3")
_RESERVED = AddressRanges(map(ip_network, """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3
2001::/32 2001:2::/48 2001:db8::/32 2001:10::/28 2001:20::/28 2002::/16 3fff::/20
""".split()))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a list is not taken. `may_be_told` is whether the owner can take it all the same."""

    text: str
    may_be_told: bool = False


def list_faults(new: AddressList, old: tuple[Network, ...] = ()) -> Iterator[Refused]:
    """Why `new` must not take the place of `old`; nothing where it may.

    One entry that cannot be read refuses the list: read in part, it would contradict whoever comes from the rest.
    """
    for fault in new.faults:
        yield Refused(text=fault.text)
    for network in new.prefixes:
        if is_too_wide(network):
            yield Refused(text=f"{network} is wider than any crawler's network")
        elif is_reserved(network):
            yield Refused(text=f"{network} is private or reserved")
    if sum(each.num_addresses for each in new.prefixes if isinstance(each, IPv4Network)) > MOST_IPV4:
        yield Refused(text=f"more than {MOST_IPV4} addresses of IPv4 together")
    if len(new.prefixes) * 2 < len(old):
        text = f"{len(new.prefixes)} networks are less than half of the {len(old)} of the list before"
        yield Refused(text=text, may_be_told=True)


def is_too_wide(network: Network) -> bool:
    """Whether a network is wider than any that an operator would crawl from."""
    widest = WIDEST_IPV6 if isinstance(network, IPv6Network) else WIDEST_IPV4
    return network.prefixlen < widest


def is_reserved(network: Network) -> bool:
    """Whether a network has addresses that are private, reserved or given to nobody."""
    outside = isinstance(network, IPv6Network) and not network.subnet_of(_GIVEN_OUT)
    return outside or _RESERVED.meets(network)
