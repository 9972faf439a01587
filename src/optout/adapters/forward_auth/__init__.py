"""The forward-auth door: a front end asks for each request whether it may go on, and is told.

The front end stands between: it is believed in what it says of its visitor, it carries the refusal, and how the
exchange ended it alone knows. So this door writes no `crawl.outcome`. A pass is answered after the record is durable,
as everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

from optout.adapters.client_address import TrustedProxies, client_address, load_trusted_proxies
from optout.adapters.documents import Documents
from optout.adapters.driver import Driver
from optout.adapters.forward_auth.check import Check, Dialect, Malformed, Said, http_version, parse_check
from optout.adapters.forward_auth.tickets import Tickets
from optout.adapters.intake import now_us, take_in
from optout.adapters.refusals import Refusal, Refusals
from optout.crawlers.model import Claim
from optout.evidence.clock import new_id
from optout.messages import ClientAddress, Destination, Fields, Request, Response, as_text
from optout.response import bad_request
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, unknown

LOG = logging.getLogger("optout")
SOFTWARE = f"optout/{version('optout')} forward-auth"
"""What the log says is writing it."""

THIS_MACHINE = load_trusted_proxies(("127.0.0.0/8", "::1"))
"""Whose questions are answered where the owner lists nobody."""

_TICKET = "Optout-Ticket"
_TICKET_KEY = b"optout-ticket"
_LENGTH_0 = ("Content-Length", "0")
_ONWARD = ("X-Accel-Redirect", "@optout_pass")  # where the include of `optout compile nginx --route` goes on
_NGINX = (Dialect.NGINX, Dialect.NGINX_ROUTE)
_REMEMBERED_LENGTH = 256  # octets; strangers write most of them


class Judged(NamedTuple):
    """A recognized crawler's request, which `ForwardAuth.decide` is to be awaited for; `same` is the check's head."""

    request: Request
    claim: Claim
    same: Hashable


class ForwardAuth:
    """One front end's door. All that it decides, its driver decides."""

    def __init__(self, driver: Driver, dialect: Dialect) -> None:
        self.driver = driver
        self._dialect = dialect
        self._tickets = Tickets()
        self._refusals = Refusals(driver)
        self._warned: set[str] = set()
        self._remembered = lru_cache(maxsize=4096)(self._client)
        self._forwarded = driver.settings.trusted.field.encode()

    def weigh(self, *, peer: str | None, method: bytes, target: bytes, said: Said) -> Response | Judged | Refusal:
        """The answer to a check from a trusted `peer` (None: a unix socket).

        For a crawler, what to decide first, or the refusal that `give_again` gives.
        """
        if self._dialect is Dialect.NGINX and any(tickets := said.all(_TICKET_KEY)):
            return self._fetched(tickets)
        check = parse_check(self._dialect, method=method, target=target, said=said)
        if isinstance(check, Malformed):
            return self._malformed(check)
        destination = check.destination
        if destination is None:
            return self._refused(new_id(now_us()), bad_request())
        claim = self.driver.recognize(
            destination.authority,
            as_text(b", ".join(said.all(b"user-agent"))),
            as_text(b", ".join(said.all(b"signature-agent"))) or None,
        )
        if claim is None:
            return self._passed(check.method, destination)
        same = (peer, method, target, tuple(said.items))
        return self._refusals.find(same) or Judged(self._take_in(check, destination, said, peer), claim, same)

    def give_again(self, refusal: Refusal, then: Callable[[Response], None]) -> None:
        """Tell `then` the answer to a check like one before, when it is on record."""
        number = refusal.number()
        refusal.put_on_record(number, lambda _: then(self._refused(number, refusal.numbered(number))))

    async def decide(self, judged: Judged) -> Response:
        """The answer to a check on a recognized crawler, with its record on disk."""
        request, engine = judged.request, self.driver.engine
        outcome = await self.driver.decide(request, judged.claim)
        if outcome is not None and outcome.response is not None:
            self._refusals.note(judged.same, engine, request, outcome)
            return self._refused(request.id, outcome.response)
        destination = Destination(authority=request.authority, target=request.target)
        return self._passed(request.method, destination, () if outcome is None else outcome.fields.items)

    def _take_in(self, check: Check, destination: Destination, said: Said, peer: str | None) -> Request:
        return take_in(
            method=check.method,
            scheme=check.scheme,
            destination=destination,
            fields=Fields(tuple([(as_text(name), as_text(value)) for name, value in said.items])),
            peer=peer,
            trusted=self.driver.settings.trusted,
            http_version=http_version(said) if self._dialect in _NGINX else "",
            client=self._client_of(peer, said.all(self._forwarded)),
        )

    def _client_of(self, peer: str | None, forwarded: tuple[bytes, ...]) -> ClientAddress:
        """Whom the front end names. A crawler comes from few addresses, and asks often."""
        is_short = sum(map(len, forwarded)) <= _REMEMBERED_LENGTH
        return self._remembered(peer, forwarded) if is_short else self._client(peer, forwarded)

    def _client(self, peer: str | None, forwarded: tuple[bytes, ...]) -> ClientAddress:
        trusted = self.driver.settings.trusted
        return client_address(peer, Fields(tuple([(trusted.field, as_text(value)) for value in forwarded])), trusted)

    def _passed(self, method: str, destination: Destination, more: tuple[tuple[str, str], ...] = ()) -> Response:
        """200 (Envoy takes no other 2xx) and what the site's response should declare, for the front end to copy."""
        if self._dialect is Dialect.NGINX_ROUTE:  # its include declares by itself, to everybody
            return _pass_with((_ONWARD, *more))
        declared = self.driver.declare(method=method, authority=destination.authority, target=destination.target)
        return _pass_with((*more, *declared.items) if more else declared.items)

    def _refused(self, number: str, refusal: Response) -> Response:
        if self._dialect is not Dialect.NGINX:
            return refusal
        self._tickets.keep(number, refusal)
        return Response(status=403, fields=Fields((_LENGTH_0, (_TICKET, number))), body=b"")

    def _fetched(self, tickets: tuple[bytes, ...]) -> Response:
        """The refusal that was kept for a ticket. Never a 2xx: a visitor who writes the field gains nothing by it."""
        refusal = self._tickets.take(as_text(tickets[0])) if len(tickets) == 1 else None
        return refusal or plain(403, "There is no refusal with this ticket.")

    def _malformed(self, check: Malformed) -> Response:
        if check.what not in self._warned:
            self._warned.add(check.what)
            LOG.warning(
                "a check was answered 400: %s. If this is not a visitor's own doing, every visitor gets an error;"
                " see docs/doors/forward-auth.md for what %s has to send",
                check.what,
                self._dialect,
            )
        return plain(400, f"This check cannot be answered: {check.what}.")


@lru_cache(maxsize=1024)
def _pass_with(declared: tuple[tuple[str, str], ...]) -> Response:
    return Response(status=200, fields=Fields((_LENGTH_0, *declared)), body=b"")


class NothingPublished:
    """The documents of a site that nobody named: none is known, and that refuses nobody."""

    async def fetch(self, _authority: str) -> Documents:
        """What is known: nothing."""
        why = "no --upstream was given"
        return unknown(ROBOTS_NAME, why), unknown(TDMREP_NAME, why)


def asked_by(networks: tuple[str, ...], field: str) -> TrustedProxies:
    """The front ends that may ask, and the field in which they name the client; raises UsageError for what is none."""
    named = load_trusted_proxies(networks, field)
    return TrustedProxies(networks=named.networks or THIS_MACHINE.networks, field=named.field)


def plain(status: int, text: str) -> Response:
    """A short answer of this door's own, which no cache keeps."""
    body = f"{text}\n".encode()
    fields = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    )
    return Response(status=status, fields=Fields(fields), body=body)
