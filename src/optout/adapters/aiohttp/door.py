"""The aiohttp door: a middleware that answers crawlers, and a signal handler that declares.

Deciding is a middleware, because only that can answer instead of a handler. Declaring is an `on_response_prepare`
handler, because fields that a middleware sets are lost on a `StreamResponse`, on a raised `HTTPException` and on what
aiohttp answers by itself. A person's request is looked at twice, for its destination and its user agent, and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from importlib.metadata import version

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict, istr

from optout.adapters.aiohttp.meter import Meter
from optout.adapters.client_address import client_scheme
from optout.adapters.driver import Driver
from optout.adapters.intake import take_in
from optout.adapters.quiet_logs import name_no_visitor
from optout.crawlers.model import Claim
from optout.engine import Outcome
from optout.messages import Destination, Fields, Response, as_text, parse_destination
from optout.response import bad_request

SOFTWARE = f"optout/{version('optout')} aiohttp/{version('aiohttp')}"
"""What the log says is writing it."""


# What the middleware knows of a request when its response is prepared; the two last of recorded crawlers only. A plain
# tuple: one is made for each visitor, and a named one costs five times as much.
_Visit = tuple[Destination, Outcome | None, Meter | None]


class Door:
    """One application's door. All that it decides, its driver decides."""

    __middleware_version__ = 1

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._open: set[Meter] = set()
        self._loop: asyncio.AbstractEventLoop  # asked for once: asking costs a call into the kernel before Python 3.12

    async def life(self, _app: web.Application) -> AsyncIterator[None]:
        """Start the driver with the application; stop it after the last request, with what was still open recorded."""
        name_no_visitor()
        self._loop = asyncio.get_running_loop()
        try:
            await self.driver.start()
            yield
        finally:
            for meter in tuple(self._open):
                meter.end()
            await self.driver.stop()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The middleware."""
        headers = request.headers
        destination = parse_destination(
            raw_target=request.raw_path, hosts=headers.getall(hdrs.HOST, ()), scheme=request.scheme
        )
        if destination is None:
            return as_aiohttp(bad_request())
        # All values: a second User-Agent must not hide the first.
        user_agent = ", ".join(headers.getall(hdrs.USER_AGENT, ()))
        signature_agent = ", ".join(headers.getall(_SIGNATURE_AGENT, ())) or None
        claim = self.driver.recognize(destination.authority, user_agent, signature_agent)
        if claim is None:
            request[_VISIT] = destination, None, None
            return await handler(request)
        return await self._answer(request, handler, destination, claim)

    async def _answer(
        self, request: web.Request, handler: Handler, destination: Destination, claim: Claim
    ) -> web.StreamResponse:
        """What a recognized crawler gets."""
        fields, peer, trusted = fields_of(request), peer_of(request), self.driver.settings.trusted
        seen = take_in(
            method=request.method,
            scheme=client_scheme(peer, fields, trusted, request.scheme),
            destination=destination,
            fields=fields,
            peer=peer,
            trusted=trusted,
            http_version=f"{request.version.major}.{request.version.minor}",
        )
        outcome = await self.driver.decide(seen, claim)
        if outcome is None:
            request[_VISIT] = destination, None, None
            return await handler(request)
        if outcome.response is not None:
            return as_aiohttp(outcome.response)
        meter = Meter(request, partial(self.driver.ended, outcome, seen))
        request[_VISIT] = destination, outcome, meter
        self._open.add(meter)
        meter.watch(self._loop, self._open.discard)
        return await handler(request)

    async def declare(self, request: web.Request, response: web.StreamResponse) -> None:
        """The `on_response_prepare` handler: add the declaring fields that the application does not send itself."""
        visit = request.get(_VISIT)
        if visit is None:
            return
        (authority, target), outcome, meter = visit
        if meter is not None:
            meter.began(response)
        if isinstance(response, _OwnAnswer):
            return
        headers = response.headers
        if outcome is not None:
            headers.update(outcome.fields)
        for name, value in self.driver.declare(method=request.method, authority=authority, target=target):
            # The application's own word counts: it may know this one page better than the site's file does. A Link is
            # one of many.
            if value not in headers.getall(name, ()) if name == "Link" else name not in headers:
                headers.add(name, value)


def install(app: web.Application, driver: Driver) -> None:
    """Put the door of `driver` before every handler and every other middleware of `app`."""
    door = app[DOOR] = Door(driver)
    app.middlewares.insert(0, door)
    app.on_response_prepare.append(door.declare)
    app.cleanup_ctx.append(door.life)


class _OwnAnswer(web.Response):
    """An answer of Optout's own, which says already what there is to declare."""


def as_aiohttp(response: Response) -> web.Response:
    """One of Optout's answers for aiohttp, which leaves out the body for HEAD."""
    return _OwnAnswer(status=response.status, headers=CIMultiDict(response.fields.items), body=response.body)


def fields_of(request: web.BaseRequest) -> Fields:
    """The header fields as they came, in order and in their case."""
    return Fields(tuple((as_text(name), as_text(value)) for name, value in request.raw_headers))


def peer_of(request: web.BaseRequest) -> str | None:
    """The peer's address, None for a unix socket, as `client_address` takes it."""
    # A connection that is gone already has no peer; it must not pass for a unix socket, whose word is believed.
    return "" if request.remote is None else request.remote or None


_SIGNATURE_AGENT = istr("Signature-Agent")
DOOR = web.AppKey("DOOR", Door)
_VISIT = web.RequestKey("_VISIT", tuple[Destination, Outcome | None, Meter | None])
