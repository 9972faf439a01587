"""A streaming reverse proxy for one site: what all its connections share.

`visitor` takes requests in, `exchange` has them judged and carries them, `origin` brings the
answers. Both directions are streamed and wait for each other. Nothing is changed on the way but what RFC 9110
section 7.6 makes a gateway's business (`forwarding`).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from importlib.metadata import version

from optout.adapters.documents import OriginSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.fetcher import LOOP_FIELD, Fetcher, is_own_request
from optout.adapters.gateway.heads import Head
from optout.adapters.gateway.onward import Peer
from optout.adapters.gateway.patience import Patience
from optout.adapters.gateway.pool import Pool
from optout.adapters.gateway.visitor import Visitor
from optout.adapters.serve_options import ServeOptions
from optout.adapters.upstream import load_upstream
from optout.evidence.opening import Opening
from optout.messages import Fields, as_text

LOG = logging.getLogger("optout")
SOFTWARE = f"optout/{version('optout')} gateway"
"""What the log says is writing it."""

_PATIENCE = Patience()
_BUFFER = 65_536  # octets that one read takes at most
# About 10 kB each while they wait: far below what the units in deploy/ allow, so that slow clients end at this limit
# and not at the machine's.
_MOST_CONNECTIONS = 10_000


class Gateway:
    """The way to one origin. Raises UsageError for an upstream and PolicyError for a policy that cannot be used."""

    def __init__(
        self, options: ServeOptions, patience: Patience = _PATIENCE, *, opening: Opening = Opening.HOLD
    ) -> None:
        upstream = load_upstream(options.upstream)
        self.patience = patience
        self.buffer = memoryview(bytearray(_BUFFER))
        self.pool = Pool(upstream, patience, self.buffer)
        self.visitors: set[Visitor] = set()
        self.is_ending = False
        self.is_greeted = options.proxy_protocol  # each connection begins with the PROXY protocol
        self.now = 0.0  # of the loop's clock, as of the last look
        self._scheme = "https" if options.tls_cert else "http"
        self._trusted = options.trusted
        self._mark = secrets.token_urlsafe(16)  # so that a request which comes back to this process is known
        self._fetcher = Fetcher(unix_socket=upstream.socket)
        settings = Settings(
            state=options.state,
            software=SOFTWARE,
            policy=options.policy,
            evidence=options.evidence,
            opening=opening,
            trusted=options.trusted,
            observe_only=options.observe_only,
            asks_at_start=True,
        )
        self.driver = Driver(settings, OriginSource(self._fetcher, upstream.base, scheme=self._scheme))
        self._looking: asyncio.TimerHandle | None = None
        self._is_empty = asyncio.Event()
        self._has_warned = False

    async def start(self) -> None:
        """Be ready for visitors; raises what the start of the driver raises."""
        await self.driver.start()
        self._look()

    def say_last(self) -> None:
        """From now on every answer says that it is the last one: connections end where nobody loses a request."""
        self.is_ending = True
        for visitor in self.visitors:
            visitor.is_last = True

    async def stop(self) -> None:
        """Let requests under way end, for as long as patience says; then end the rest, and the driver."""
        self.say_last()
        for visitor in tuple(self.visitors):
            visitor.drain()
        try:
            async with asyncio.timeout(self.patience.to_drain):
                await self._empty()
        except TimeoutError:
            for visitor in tuple(self.visitors):
                visitor.cut()
            await self._empty()
        if self._looking is not None:
            self._looking.cancel()
        await self.pool.close()
        await self.driver.stop()
        await self._fetcher.close()

    async def _empty(self) -> None:
        """Wait until every visitor has left."""
        self._is_empty.clear()
        if self.visitors:
            await self._is_empty.wait()

    def welcome(self) -> asyncio.BaseProtocol:
        """The protocol of a new connection; what is too much is closed at once."""
        if len(self.visitors) < _MOST_CONNECTIONS:
            return Visitor(self)
        if not self._has_warned:
            self._has_warned = True
            LOG.warning("%d connections are open; more are closed until some end", _MOST_CONNECTIONS)
        return _Closed()

    def arrived(self, visitor: Visitor) -> None:
        """A connection is open."""
        self.visitors.add(visitor)
        visitor.is_last = self.is_ending

    def left(self, visitor: Visitor) -> None:
        """It is open no more."""
        self.visitors.discard(visitor)
        if not self.visitors:
            self._is_empty.set()

    def peer(self, address: str | None, *, is_tls: bool = False) -> Peer:
        """Who connected, by TLS before a proxy or here."""
        scheme = "https" if is_tls else self._scheme
        return Peer(address, scheme=scheme, trusted=self._trusted, mark=self._mark)

    def is_own(self, head: Head) -> bool:
        """Whether a request has been sent by this gateway, or by its driver to ask the origin."""
        marks = [as_text(value) for value in head.all(LOOP_FIELD.lower().encode())]
        return self._mark in marks or is_own_request(Fields(tuple((LOOP_FIELD, mark) for mark in marks)))

    def _look(self) -> None:
        """One timer for all that waits: a timer for each request would cost more than the request."""
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        try:
            for visitor in tuple(self.visitors):
                visitor.look(self.now)
            self.pool.look(self.now)
        finally:  # a fault in one look must not be the last look
            self._looking = loop.call_later(self.patience.look_every, self._look)


class _Closed(asyncio.Protocol):
    """A connection that is not let in."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it without a word: one would cost what is short."""
        transport.close()
