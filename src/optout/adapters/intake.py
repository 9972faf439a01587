"""From what a door's HTTP library hands over to a `Request`: identifiers, clocks, the client's address."""

from __future__ import annotations

import time

from optout.adapters.client_address import TrustedProxies, client_address
from optout.evidence.clock import new_id
from optout.messages import ClientAddress, Destination, Fields, Request


def now_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def mono_us() -> int:
    """Microseconds of the monotonic clock."""
    return time.monotonic_ns() // 1000


def take_in(
    *,
    method: str,
    scheme: str,
    destination: Destination,
    fields: Fields,
    peer: str | None,
    trusted: TrustedProxies,
    http_version: str,
    client: ClientAddress | None = None,
) -> Request:
    """The request's head as a value, stamped with this moment. `client` spares the look at whose address it is."""
    now = now_us()
    return Request(
        id=new_id(now),
        received_us=now,
        mono_us=mono_us(),
        method=method,
        scheme=scheme,
        authority=destination.authority,
        target=destination.target,
        fields=fields,
        client=client or client_address(peer, fields, trusted),
        http_version=http_version,
    )
