"""The aiohttp door: a middleware that answers crawlers, and a signal handler that declares.

Deciding is a middleware, because only that can answer instead of a handler. Declaring is an `on_response_prepare`
handler, because fields that a middleware sets are lost on a `StreamResponse`, on a raised `HTTPException` and on what
aiohttp answers by itself. A person's request is looked at twice, for its destination and its user agent, and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Generator, Hashable
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
from optout.adapters.refusals import Refusal, Refusals
from optout.crawlers.model import Claim
from optout.engine import Outcome
from optout.messages import Destination, Fields, Response, as_text, parse_destination
from optout.record import served_hash
from optout.response import bad_request

SOFTWARE = f"optout/{version('optout')} aiohttp/{version('aiohttp')}"
"""What the log says is writing it."""


_Visit = tuple[Outcome, Meter]
"""What the middleware knows of a recorded crawler's request when its response is prepared."""

_QUIET_S = 1.0  # how long a site that declares nothing is not asked again whether it does
_MOST_SITES = 2048  # strangers write hosts


class Door:
    """One application's door. All that it decides, its driver decides.

    Neither the middleware nor the signal handler is a coroutine function: for a person, all that is done is done before
    there is anything to wait for, and a coroutine costs as much as that.
    """

    __middleware_version__ = 1

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._refusals = Refusals(driver)
        self._visits: dict[int, _Visit] = {}  # by the identity of a request that is being answered
        self._quiet: dict[str, tuple[float, int]] = {}  # by Host: until when, and since which news, nothing is declared
        self._loop: asyncio.AbstractEventLoop  # asked for once: asking costs a call into the kernel before Python 3.12

    async def life(self, _app: web.Application) -> AsyncIterator[None]:
        """Start the driver with the application; stop it after the last request, with what was still open recorded."""
        name_no_visitor()
        self._loop = asyncio.get_running_loop()
        try:
            await self.driver.start()
            yield
        finally:
            for _, meter in tuple(self._visits.values()):
                meter.end()
            await self.driver.stop()

    def __call__(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """The middleware."""
        headers = request.headers
        hosts = headers.getall(hdrs.HOST, ())
        # All values: a second User-Agent must not hide the first.
        user_agents = headers.getall(hdrs.USER_AGENT, ())
        user_agent = user_agents[0] if len(user_agents) == 1 else ", ".join(user_agents)
        signature_agent = ", ".join(headers.getall(_SIGNATURE_AGENT, ())) or None
        if (
            len(hosts) == 1
            and hosts[0] in self._quiet  # a host that can be read
            and request.raw_path[:1] == "/"
            and signature_agent is None
            and self.driver.engine.is_nobody(user_agent)
            and not self.driver.generates
        ):
            return handler(request)
        destination = parse_destination(raw_target=request.raw_path, hosts=hosts, scheme=request.scheme)
        if destination is None:
            return _refused()
        claim = self.driver.recognize(destination.authority, user_agent, signature_agent)
        if claim is None:
            return self._answering(request, handler, destination)(request)
        same = request.raw_headers, request.method, request.raw_path, request.version, request.remote
        refusal = self._refusals.find(same)
        if refusal is not None:
            return self._give_again(refusal)
        return self._answer(request, handler, destination, claim, same)

    async def _give_again(self, refusal: Refusal) -> web.StreamResponse:
        return as_aiohttp(refusal.numbered(await refusal.recorded()))

    async def _answer(
        self, request: web.Request, handler: Handler, destination: Destination, claim: Claim, same: Hashable
    ) -> web.StreamResponse:
        """What a recognized crawler gets."""
        engine = self.driver.engine
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
        handler = self._answering(request, handler, destination)
        if outcome is None:
            return await handler(request)
        if outcome.response is not None:
            self._refusals.note(same, engine, seen, outcome)
            return as_aiohttp(outcome.response)
        meter = Meter(request, partial(self.driver.ended, outcome, seen), served_hash(seen))
        self._visits[id(request)] = outcome, meter
        meter.watch(self._loop, lambda _: self._visits.pop(id(request), None))
        return await handler(request)

    def _answering(self, request: web.Request, handler: Handler, destination: Destination) -> Handler:
        """Who answers a request that goes on: the application, or a document that is made from the policy."""
        authority, target = destination
        document = self.driver.document(method=request.method, authority=authority, target=target)
        return handler if document is None else partial(_document, document)

    def declare(self, request: web.Request, response: web.StreamResponse) -> Awaitable[None]:
        """The `on_response_prepare` handler: add the declaring fields that the application does not send itself."""
        visit = self._visits.get(id(request))
        if visit is not None:
            outcome, meter = visit
            meter.began(response)
            response.headers.update(outcome.fields)
        elif isinstance(response, _OwnAnswer):
            return _DONE
        host = request.headers.get(hdrs.HOST, "")
        until, news = self._quiet.get(host, _NEVER)
        if news != self.driver.news or self._loop.time() >= until:
            self._declare(request, response, host)
        return _DONE

    def _declare(self, request: web.Request, response: web.StreamResponse, host: str) -> None:
        driver = self.driver
        destination = parse_destination(
            raw_target=request.raw_path, hosts=request.headers.getall(hdrs.HOST, ()), scheme=request.scheme
        )
        if destination is None:
            return
        authority, target = destination
        headers = response.headers
        for name, value in driver.declare(method=request.method, authority=authority, target=target):
            # The application's own word counts: it may know this one page better than the site's file does. A Link is
            # one of many.
            if value not in headers.getall(name, ()) if name == "Link" else name not in headers:
                headers.add(name, value)
        if len(self._quiet) >= _MOST_SITES:
            self._quiet.clear()
        is_quiet = not driver.may_declare(authority)
        self._quiet[host] = (self._loop.time() + _QUIET_S if is_quiet else 0.0, driver.news)


class _Done:
    """What is awaited where there is nothing to wait for."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return _NOTHING


def _nothing() -> Generator[None, None, None]:
    yield from ()


_NOTHING = _nothing()
next(_NOTHING, None)  # one that has ended ends again, in whichever thread
_DONE = _Done()
_NEVER = (0.0, -1)


async def _document(document: Response, _request: web.Request) -> web.StreamResponse:
    return as_aiohttp(document)


async def _refused() -> web.StreamResponse:
    return as_aiohttp(bad_request())


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
