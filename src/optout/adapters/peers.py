"""Who is at the other end of a connection."""

from __future__ import annotations

import asyncio

_UNKNOWN_PEER = ""  # what `client_address` takes for nobody


def peer_of(transport: asyncio.BaseTransport) -> str | None:
    """The peer's address; None for a unix socket."""
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple):
        return str(name[0])
    # A connection that is gone already has no name; it must not pass for a unix socket, whose word is believed.
    return None if isinstance(transport.get_extra_info("sockname"), str) else _UNKNOWN_PEER
