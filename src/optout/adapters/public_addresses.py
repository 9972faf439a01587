"""The addresses of hosts that somebody else runs: public ones alone, and exactly those are connected to.

Two attacks end here. A name that leads inside our own network makes us ask what nobody outside may ask (CWE-918). A
name that leads outside when it is looked at and inside when it is connected to (DNS rebinding) passes a check that is
made before the connection. So the addresses that were checked are handed to the connection, which resolves nothing
itself.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

from optout.adapters.documents import Threads

Look = Callable[[str, int], list[str]]
"""`look(host, port)`: the addresses of a name, in a thread. Raises OSError where there are none."""

_TRANSLATED = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last four octets
_MOST_ADDRESSES = 16


def is_public(address: str) -> bool:
    """Whether an address, as text, is one of the public internet, through no tunnel or translation to another."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif found.sixtofour is not None or found.teredo is not None or found in _TRANSLATED:
            return False
    return found.is_global and not found.is_multicast


class PublicAddresses(AbstractResolver):
    """The resolver of a client that may go to public addresses alone.

    A name with one address that is not public is refused whole: no honest operator publishes such a mix.
    """

    def __init__(self, look: Look | None = None, *, is_allowed: Callable[[str], bool] = is_public) -> None:
        self._look = look or _look
        self._is_allowed = is_allowed
        self._threads = Threads()  # a name server that never answers costs one thread, and holds up no other

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises OSError where there are none, or where one is not public."""
        found = await self._threads.run(host, lambda: self._look(host, port))
        if not found or not all(self._is_allowed(address) for address in found):
            raise OSError(f"{host} has no public address")
        return [_result(host, address, port) for address in found[:_MOST_ADDRESSES]]

    async def close(self) -> None:
        """Nothing is open."""


def _look(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
