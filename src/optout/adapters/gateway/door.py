"""Who asks the gateway for what: the destination of a request, and the crawler that it claims to come from.

A person's request is looked at twice, for its destination and its user agent; the rest of it is read for crawlers only.
"""

from __future__ import annotations

from typing import NamedTuple

from optout.adapters.driver import Driver
from optout.adapters.gateway.heads import Asked, Head
from optout.adapters.gateway.onward import Peer
from optout.adapters.intake import take_in
from optout.crawlers.model import Claim
from optout.messages import Destination, Request, as_text, parse_destination


class Claimed(NamedTuple):
    """A recognized crawler's request, for the driver to decide."""

    request: Request
    claim: Claim


def destination_of(asked: Asked, head: Head, peer: Peer) -> Destination | None:
    """Where a request goes; None where it says two different things and must be answered 400."""
    return parse_destination(raw_target=as_text(asked.target), hosts=head.hosts, scheme=peer.scheme)


def recognize(driver: Driver, asked: Asked, head: Head, peer: Peer, destination: Destination) -> Claimed | None:
    """What a request claims to be; None for everybody who claims nothing."""
    claim = driver.recognize(destination.authority, head.user_agent, head.signature_agent)
    if claim is None:
        return None
    request = take_in(
        method=as_text(asked.method),
        scheme=peer.scheme_of(head),
        destination=destination,
        fields=head.text,
        peer=peer.address,
        trusted=driver.settings.trusted,
        client=peer.client_of(head),
        http_version=asked.version,
    )
    return Claimed(request, claim)
