"""The mitmproxy door: an addon for mitmdump as a reverse proxy (design part 5.13).

Rule 1: mitmproxy fails open. When a hook raises, it logs that and lets the request through; so nothing here raises,
and where an answer is due that cannot be given, the connection is closed.
Rule 2: judge in `requestheaders`. Later hooks run when the body has been read, or has been streamed to the origin.
Rule 3: keep nothing. Flows, bodies and WebSocket messages go as they come, and no line is written about a visitor.
Rule 4: a request waits for nothing but the driver, and only a recognized crawler's does.

Somewhat over 300 lines: mitmproxy wants all its hooks on one object, and what they have in common is to be seen there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn
from weakref import WeakSet

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.exceptions import OptionsError
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from optout.adapters.documents import OriginSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.fetcher import Fetcher, is_own_request
from optout.adapters.intake import take_in
from optout.adapters.mitmproxy.exchange import Exchange, head_of, keep, of, owe_refusal, owes_refusal, take, visit_of
from optout.adapters.mitmproxy.heads import (
    CHUNKED,
    answer_of,
    destination_of,
    fields_of,
    http_version,
    lacking,
    onward,
)
from optout.adapters.mitmproxy.options import (
    NAMES,
    add_options,
    check_listening,
    load_options,
    refuse_unsafe,
    upstream_tls,
)
from optout.adapters.mitmproxy.quiet_logs import Discretion, place_of
from optout.adapters.mitmproxy.upload import Brake, end_upload, has_body
from optout.adapters.refusals import Refusal, Refusals
from optout.crawlers.model import Claim
from optout.errors import OptoutError, UsageError
from optout.messages import Response
from optout.record import served_hash
from optout.response import bad_request

LOG = logging.getLogger("optout")
_DRAIN_S = 5.0  # for requests under way once the door closes; `docker stop` kills after 10 s, and the log comes last


class OptoutAddon:
    """Optout for mitmproxy: `addons = [OptoutAddon()]`.

    A program that starts mitmproxy itself gives `settings`, which else come from the options `optout_*`. It is told
    by `on_open` that visitors are served, and by the cause of a SystemExit why they are not.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        accept_advisory: bool = False,
        on_open: Callable[[], None] = lambda: None,
        driver_type: Callable[[Settings, OriginSource], Driver] = Driver,
    ) -> None:
        self._given = settings
        self._on_open = on_open
        self._accept_advisory = accept_advisory
        self._driver_type = driver_type
        self._driver: Driver | None = None
        self._refusals: Refusals
        self._fetcher: Fetcher | None = None
        self._ready = asyncio.Event()
        self._brake = Brake()
        self._discretion = Discretion()
        self._open: WeakSet[HTTPFlow] = WeakSet()
        self._all_ended = asyncio.Event()

    # Starting and stopping

    def load(self, loader: Loader) -> None:
        """Add the options."""
        self._discretion.install()
        try:
            add_options(loader.master.options)
        except UsageError as fault:
            self._stay_shut(fault)

    def configure(self, updated: set[str]) -> None:
        """Read the options; raises mitmproxy's OptionsError with what is wrong and what to do."""
        try:
            refuse_unsafe(ctx.options)
            if updated.isdisjoint(NAMES | {"mode"}):
                return
            if self._ready.is_set():
                raise UsageError("Optout reads its options when it starts", "stop mitmdump and start it anew")
            self._prepare()
        except OptoutError as fault:
            raise OptionsError(fault.diagnostics()) from fault

    def _prepare(self) -> None:
        if ctx.master.addons.get("view") is not None:
            raise UsageError(
                "mitmproxy and mitmweb keep and show every visitor's requests, which Optout must not",
                "start mitmdump",
            )
        options = load_options(ctx.options, self._given, accept_advisory=self._accept_advisory)
        self._fetcher = Fetcher(tls=upstream_tls(ctx.options))
        self._driver = self._driver_type(options.settings, OriginSource(self._fetcher, options.upstream))
        self._refusals = Refusals(self._driver)
        ctx.options.update_known(**options.forced)

    async def running(self) -> None:
        """Open the door: until here requests wait. Ends the process where the log cannot be opened."""
        errorcheck = ctx.master.addons.get("errorcheck")
        if errorcheck is not None:  # it ends the process for any error logged while starting: ours are not all fatal
            errorcheck.logger.addFilter(lambda record: record.name != LOG.name)
        try:
            await self._start()
        except OptoutError as fault:
            self._stay_shut(fault)
        self._discretion.is_open = True
        self._ready.set()
        self._on_open()

    def _stay_shut(self, fault: OptoutError) -> NoReturn:
        if self._given is None:
            LOG.error("Optout does not start.\n%s", fault.diagnostics())
        raise SystemExit(2) from fault

    async def _start(self) -> None:
        if self._driver is None:
            raise UsageError("Optout was not configured", "see the messages above")
        server = ctx.master.addons.get("proxyserver")
        if server is not None:
            accepts = self._accept_advisory or ctx.options.optout_accept_advisory
            check_listening(server.servers, ctx.options, accepts=accepts)
        await self._driver.start()

    async def done(self) -> None:
        """Close the door: let requests under way end, then drain the log.

        mitmproxy cannot await this when it loads a changed script anew; it then keeps the addon that runs.
        """
        server = ctx.master.addons.get("proxyserver")
        if server is not None and self._ready.is_set():
            await server.servers.update([])
        if self._open:
            self._all_ended.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_ended.wait(), _DRAIN_S)
        if self._driver is not None:
            await self._driver.stop()
        if self._fetcher is not None:
            await self._fetcher.close()
        self._discretion.uninstall()

    # Connections

    def client_connected(self, client: Client) -> None:
        """Turn HTTP/3 away: its library lets a body exceed its declared length, which smuggles (RFC 9114 4.1.2)."""
        if client.transport_protocol == "udp":
            client.error = "no HTTP/3"

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Speak HTTP/1.1 to the origin, under the name that the owner wrote and not one that a visitor sent in SNI."""
        if data.server.address is not None:
            data.server.sni = data.server.address[0]
        data.server.alpn_offers = (b"http/1.1",)

    # One request

    async def requestheaders(self, flow: HTTPFlow) -> None:
        """Judge a request: answer it here, or let it on to the origin."""
        if flow.error is not None or flow.response is not None:
            return  # mitmproxy or another addon answers
        try:
            await self._ready.wait()
            await self._receive(flow)
        except Exception as fault:
            self._count_fault(fault)
            if owes_refusal(flow) and flow.killable:
                flow.kill()

    async def _receive(self, flow: HTTPFlow) -> None:
        driver, fields = self._running_driver(), fields_of(flow.request.headers.fields)
        if is_own_request(fields):
            return
        own_scheme, is_http2 = "https" if flow.client_conn.tls else "http", flow.client_conn.alpn == b"h2"
        destination = destination_of(flow.request, fields, own_scheme, is_http2=is_http2)
        if destination is None:
            await self._answer(flow, bad_request())
            return
        self._open.add(flow)
        user_agent = ", ".join(fields.all("user-agent"))
        signature_agent = ", ".join(fields.all("signature-agent")) or None
        claim = driver.recognize(destination.authority, user_agent, signature_agent)
        refusal = None if claim is None else self._refusals.find(head_of(flow))
        if refusal is not None:
            await self._give_again(flow, refusal)
            return
        visit = visit_of(flow, fields, own_scheme, driver.settings.trusted)
        exchange = Exchange(method=flow.request.method, destination=destination, fields=fields, visit=visit)
        keep(flow, exchange)
        if claim is not None:
            await self._judge(flow, exchange, claim)
        answer = exchange.refusal
        if answer is None:
            authority, target = destination
            answer = driver.document(method=exchange.method, authority=authority, target=target)
        if answer is None:
            await self._let_on(flow, exchange)
        else:
            await self._answer(flow, answer)

    async def _judge(self, flow: HTTPFlow, exchange: Exchange, claim: Claim) -> None:
        driver = self._running_driver()
        engine = driver.engine
        exchange.request = take_in(
            method=exchange.method,
            scheme=exchange.visit.scheme,
            destination=exchange.destination,
            fields=exchange.fields,
            peer=exchange.visit.peer,
            trusted=driver.settings.trusted,
            http_version=http_version(flow.request),
        )
        exchange.served = served_hash(exchange.request)
        with self._brake.held(flow):
            exchange.outcome = await driver.decide(exchange.request, claim)
        if exchange.outcome is not None:
            self._refusals.note(head_of(flow), engine, exchange.request, exchange.outcome)

    async def _give_again(self, flow: HTTPFlow, refusal: Refusal) -> None:
        owe_refusal(flow)
        with self._brake.held(flow):
            number = await refusal.recorded()
        await self._answer(flow, refusal.numbered(number))

    async def _let_on(self, flow: HTTPFlow, exchange: Exchange) -> None:
        request = flow.request
        items = onward(request, exchange.fields, exchange.visit)
        if request.is_http2 and exchange.fields.first("content-length") is None and await has_body(flow):
            items += CHUNKED
        request.headers.fields = items
        request.authority = ""  # an absolute-form goes on as origin-form: Host says the rest
        request.stream = True

    async def _answer(self, flow: HTTPFlow, response: Response) -> None:
        """Answer in the origin's place, before the body of the request has come."""
        flow.response = answer_of(response, is_head=flow.request.method == "HEAD")
        flow.request.headers.pop("expect", None)  # mitmproxy would say "100 Continue" first
        if not await end_upload(flow):
            flow.kill()

    def responseheaders(self, flow: HTTPFlow) -> None:
        """Stream the origin's answer, and add the declaring fields."""
        exchange = of(flow)
        if exchange is None or flow.response is None or exchange.refusal is not None:
            return
        flow.response.stream = True if exchange.outcome is None else exchange.count
        try:
            declared = self._running_driver().declare(
                method=exchange.method,
                authority=exchange.destination.authority,
                target=exchange.destination.target,
            )
            flow.response.headers.fields += lacking(declared, flow.response.headers)
            if exchange.outcome is not None:
                for name, value in exchange.outcome.fields:
                    flow.response.headers[name] = value
        except Exception as fault:
            self._count_fault(fault)

    def response(self, flow: HTTPFlow) -> None:
        """Note that an exchange is complete."""
        self._end(flow, aborted=False)

    def error(self, flow: HTTPFlow) -> None:
        """Note that an exchange broke off."""
        self._end(flow, aborted=True)

    def websocket_message(self, flow: HTTPFlow) -> None:
        """Forget WebSocket messages: mitmproxy would keep them as long as the connection lasts."""
        if flow.websocket is not None:
            flow.websocket.messages.clear()

    def _end(self, flow: HTTPFlow, *, aborted: bool) -> None:
        exchange = take(flow)
        self._open.discard(flow)
        if not self._open:
            self._all_ended.set()
        if exchange is not None and exchange.outcome is not None and exchange.request is not None:
            ending = exchange.ending(flow, aborted=aborted)
            self._running_driver().ended(exchange.outcome, exchange.request, ending)

    def _running_driver(self) -> Driver:
        assert self._driver is not None  # noqa: S101  requests wait until it is there
        return self._driver

    def _count_fault(self, fault: Exception) -> None:
        counts = self._running_driver().counts
        counts["fault.door"] += 1
        if counts["fault.door"] == 1:
            LOG.error("a fault in the mitmproxy door (%s); further ones are only counted", place_of(fault))
