"""`optout forward-auth`: the door on a port or a unix socket, from the first check to a drained end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optout.adapters.client_address import TrustedProxies
from optout.adapters.documents import DocumentSource, OriginSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.fetcher import Fetcher
from optout.adapters.forward_auth import SOFTWARE, THIS_MACHINE, ForwardAuth, NothingPublished
from optout.adapters.forward_auth.check import Dialect
from optout.adapters.forward_auth.protocol import CheckProtocol
from optout.adapters.listening import Listener, Place, listen
from optout.adapters.quiet_logs import keep_quiet
from optout.adapters.stats.server import StatusPages
from optout.adapters.stats.status import StatusAddress
from optout.adapters.upstream import load_upstream

_DRAIN_S = 5.0  # a check waits for documents, a license server and a record, each far shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardAuthOptions:
    """How to answer one front end.

    `socket` is the path of a unix socket, or "" for host and port. `upstream` is where robots.txt and tdmrep.json are
    read, "" for nowhere. `policy` is a file, a directory or the name of a ready stance; None observes. `evidence`
    None keeps no record. `status` is where health, readiness and metrics are told; None for nowhere.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 9180
    socket: str = ""
    dialect: Dialect = Dialect.NGINX
    upstream: str = ""
    policy: Path | str | None = None
    evidence: Path | None = None
    trusted: TrustedProxies = THIS_MACHINE
    observe_only: bool = False
    status: StatusAddress | None = None


async def serve(options: ForwardAuthOptions, on_ready: Callable[[str], None]) -> None:
    """Answer checks until SIGTERM or SIGINT; then end those under way.

    `on_ready` is called with the address to ask. Raises UsageError for an address or an upstream that cannot be used,
    and what the start of the driver raises.
    """
    loop = asyncio.get_running_loop()
    keep_quiet(loop)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with StatusPages(options.status) as pages, Listening(options) as door:
        on_ready(door.address)
        await stopped.wait()
        pages.is_draining = True


class Listening:
    """A forward-auth door that answers for as long as the context lasts."""

    def __init__(self, options: ForwardAuthOptions) -> None:
        self._options = options
        upstream = load_upstream(options.upstream) if options.upstream else None
        self._fetcher = Fetcher(unix_socket=upstream.socket if upstream else "")
        source: DocumentSource = OriginSource(self._fetcher, upstream.base) if upstream else NothingPublished()
        settings = Settings(
            state=options.state,
            software=SOFTWARE,
            policy=options.policy,
            evidence=options.evidence,
            trusted=options.trusted,
            observe_only=options.observe_only,
            asks_at_start=upstream is not None,
        )
        self.driver = Driver(settings, source)
        self.address = ""
        self._connections: set[CheckProtocol] = set()
        self._listener: Listener | None = None

    async def __aenter__(self) -> Listening:
        try:
            await self.driver.start()
            door, options = ForwardAuth(self.driver, self._options.dialect), self._options
            place = Place(host=options.host, port=options.port, socket=options.socket)
            self._listener = await listen(place, lambda: CheckProtocol(door, self._connections))
            self.address = self._listener.address
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener is not None:
            await self._listener.close()
        closed = [connection.closed for connection in self._connections]
        for connection in tuple(self._connections):
            connection.end()
        if closed:
            await asyncio.wait(closed, timeout=_DRAIN_S)
        await self._stop()

    async def _stop(self) -> None:
        await self.driver.stop()
        await self._fetcher.close()
