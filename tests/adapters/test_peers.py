"""Who is at the other end: an address, a unix socket, or nobody any more."""

from __future__ import annotations

import asyncio

import pytest

from optout.adapters.peers import peer_of


class Transport(asyncio.BaseTransport):
    """A transport that knows what a test says."""

    def __init__(self, **known: object) -> None:
        super().__init__(extra=known)


@pytest.mark.parametrize(
    ("known", "peer"),
    [
        ({"peername": ("192.0.2.7", 40000), "sockname": ("192.0.2.1", 80)}, "192.0.2.7"),
        ({"peername": ("2001:db8::7", 40000, 0, 0), "sockname": ("::", 80, 0, 0)}, "2001:db8::7"),
        ({"peername": "", "sockname": "/run/optout.sock"}, None),
        ({"peername": None, "sockname": ("192.0.2.1", 80)}, ""),
        ({}, ""),
    ],
)
def test_a_connection_that_is_gone_does_not_pass_for_a_unix_socket(known: dict[str, object], peer: str | None) -> None:
    assert peer_of(Transport(**known)) == peer
