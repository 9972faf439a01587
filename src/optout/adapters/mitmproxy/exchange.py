"""One request and its answer on their way through mitmproxy, as the door keeps them: in the flow's own metadata."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from mitmproxy.http import HTTPFlow

from optout.adapters.client_address import TrustedProxies, client_address, client_scheme, is_trusted_proxy
from optout.adapters.forwarding import Visit
from optout.engine import Outcome
from optout.messages import Destination, Fields, Request, Response, as_text
from optout.record import Ending, Hash
from optout.signals.verdict import signal_fields

_KEY = "optout"
_OWED = "optout-owed"


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way; `request` and `outcome` are there only for a recognized crawler. `sent` is in bytes."""

    method: str
    destination: Destination
    fields: Fields
    visit: Visit
    request: Request | None = None
    outcome: Outcome | None = None
    sent: int = 0
    served: Hash | None = None

    @property
    def refusal(self) -> Response | None:
        """The answer in the origin's place, if there is one."""
        return self.outcome.response if self.outcome is not None else None

    def count(self, data: bytes) -> bytes:
        """Let a part of the answer's body pass, and count it."""
        self.sent += len(data)
        if self.served is not None:
            self.served.update(data)
        return data

    def ending(self, flow: HTTPFlow, *, aborted: bool) -> Ending:
        """How the exchange ended. What was handed to the connection counts as sent."""
        response = flow.response
        if response is not None:
            self.count(response.raw_content or b"")  # None where it was streamed and counted
            fields = ((as_text(name), as_text(value)) for name, value in response.headers.fields)
            return Ending(
                status=response.status_code,
                body_bytes=self.sent,
                aborted=aborted,
                served=self.served,
                said=signal_fields(fields),
            )
        # Without an answer from the origin mitmproxy gives its own, if there is still somebody to give it to.
        return Ending(status=502 if flow.client_conn.connected else None, body_bytes=0, aborted=aborted)


def visit_of(flow: HTTPFlow, fields: Fields, own_scheme: str, trusted: TrustedProxies) -> Visit:
    """The request's way to this door, as far as it can be believed."""
    peer = flow.client_conn.peername[0]
    return Visit(
        peer=peer,
        is_proxy=is_trusted_proxy(peer, trusted),
        client=client_address(peer, fields, trusted),
        scheme=client_scheme(peer, fields, trusted, own_scheme),
        host=fields.first("host") or flow.request.authority,
    )


def head_of(flow: HTTPFlow) -> Hashable:
    """All that is taken in of a request, and whose it is."""
    data, client = flow.request.data, flow.client_conn
    where = (data.method, data.path, data.authority, data.http_version)
    return (*where, data.headers.fields, client.peername[0], client.tls, client.alpn)


def keep(flow: HTTPFlow, exchange: Exchange) -> None:
    """Remember the exchange with its flow, and no longer than that."""
    flow.metadata[_KEY] = exchange


def of(flow: HTTPFlow) -> Exchange | None:
    """The exchange of a flow; None where mitmproxy or the door answered without judging."""
    found = flow.metadata.get(_KEY)
    return found if isinstance(found, Exchange) else None


def owe_refusal(flow: HTTPFlow) -> None:
    """Remember that a flow must not go on, for a refusal that is given without an exchange."""
    flow.metadata[_OWED] = True


def owes_refusal(flow: HTTPFlow) -> bool:
    """Whether a refusal is due: if it cannot be given, the flow must not go on all the same."""
    exchange = of(flow)
    return _OWED in flow.metadata or (exchange is not None and exchange.refusal is not None)


def take(flow: HTTPFlow) -> Exchange | None:
    """The exchange of a flow, which forgets it."""
    found = of(flow)
    flow.metadata.pop(_KEY, None)
    return found
