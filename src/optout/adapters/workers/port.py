"""A port that several workers are going to share (SO_REUSEPORT), found free and kept before the first of them listens.

Sharing a port has a trap: the kernel lets any process of the same user share it, another service of the owner's too,
and deals visitors out to both. So the port is first bound as if it were not to be shared. And with port 0 somebody has
to choose one for all. The sockets here are bound and never listen, so no visitor ever comes to them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from optout.adapters.listening import Place, cannot_listen
from optout.errors import UsageError


@contextmanager
def shared_port(place: Place) -> Iterator[int]:
    """The port of `place`, kept for as long as the context lasts; raises UsageError where it cannot be had."""
    if place.socket:
        raise UsageError(
            "several workers cannot share a unix socket", "give --listen a HOST:PORT, or leave out --workers"
        )
    kept: list[socket.socket] = []
    try:
        yield _keep(place, kept)
    finally:
        for each in kept:
            each.close()


def _keep(place: Place, kept: list[socket.socket]) -> int:
    port = place.port
    try:
        for family, address in _addresses(place):
            found = (address[0], port, *address[2:])
            _bound(family, found, shares=False).close()
            kept.append(_bound(family, found, shares=True))
            port = int(kept[-1].getsockname()[1])
    except OSError as fault:
        raise cannot_listen(place, fault) from fault
    return port


def _addresses(place: Place) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
    """Where a worker is going to listen, as `asyncio.loop.create_server` finds it."""
    found = socket.getaddrinfo(place.host or None, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [
        (family, tuple(part for part in address if isinstance(part, str | int)))
        for family, _, _, _, address in dict.fromkeys(found)
        if family != socket.AF_INET6 or socket.has_dualstack_ipv6()
    ]


def _bound(family: socket.AddressFamily, address: tuple[str | int, ...], *, shares: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made
