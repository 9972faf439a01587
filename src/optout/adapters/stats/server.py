"""The status pages on a port of their own: `/healthz`, `/readyz`, `/metrics`, `/stats`.

They tell numbers and our own words, never a visitor, and are for the operator: on this machine unless told otherwise.
They live in the event loop of the door, so that `/healthz` says whether that loop still turns, and each answer costs it
about a millisecond.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec

import msgspec
from aiohttp import web

from optout.adapters.quiet_logs import SERVER_LOG
from optout.adapters.stats import Stats, encode_stats, merged
from optout.adapters.stats.reading import stats as stats_of_this_process
from optout.adapters.stats.status import StatusAddress, unready
from optout.errors import UsageError

LOG = logging.getLogger("optout")
_NOT_KEPT = {"Cache-Control": "no-store"}


class StatusPages:
    """The pages, for as long as the context lasts; without an address there are none.

    `read` gives the numbers to tell: those of all doors of this process, as one. `doors` is how many should be open.
    Set `is_draining` when the door begins to close. `address` is where the pages are, as a URL; "" before they are.
    """

    def __init__(
        self,
        where: StatusAddress | None,
        *,
        read: Callable[[], Stats | None] = lambda: merged(stats_of_this_process()),
        doors: int = 1,
    ) -> None:
        self.is_draining = False
        self.address = ""
        self._where = where
        self._read = read
        self._doors = doors
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> StatusPages:
        """Listen. Raises UsageError where the address cannot be had, or the library for metrics is not installed."""
        if self._where is None:
            return self
        if find_spec("prometheus_client") is None:
            raise UsageError(
                "prometheus-client is not installed", "install Optout with it: pip install 'optout[serve]'"
            )
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/readyz", self._readiness),
                web.get("/metrics", self._metrics),
                web.get("/stats", self._numbers),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, logger=SERVER_LOG, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await self._listen(self._runner, self._where)
        except BaseException:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _listen(self, runner: web.AppRunner, where: StatusAddress) -> None:
        shown = f"[{where.host}]" if ":" in where.host else where.host
        try:
            await web.TCPSite(runner, where.host, where.port).start()
        except OSError as fault:
            raise UsageError(
                f"the status pages cannot listen on {shown}:{where.port}: {fault.strerror or fault}",
                "choose another address with --status-listen",
            ) from fault
        self.address = f"http://{shown}:{runner.addresses[0][1]}"
        LOG.info("health, readiness and metrics: %s", self.address)
        if not where.is_loopback:
            LOG.warning("the status pages at %s can be read from other machines, without a password", self.address)

    async def _health(self, _request: web.Request) -> web.Response:
        """The process lives, and its event loop turns."""
        return web.Response(text="ok\n", headers=_NOT_KEPT)

    async def _readiness(self, _request: web.Request) -> web.Response:
        problems = self._problems(self._read())
        body = msgspec.json.encode({"ready": not problems, "problems": problems})
        return web.Response(status=503 if problems else 200, body=body, headers=_NOT_KEPT | _JSON)

    def _problems(self, stats: Stats | None) -> tuple[str, ...]:
        return unready(stats, is_draining=self.is_draining, doors=self._doors)

    async def _metrics(self, _request: web.Request) -> web.Response:
        from optout.adapters.stats.metrics import CONTENT_TYPE, exposition  # noqa: PLC0415  not every installation has it

        stats = self._read()
        body = exposition(stats, is_ready=not self._problems(stats))
        return web.Response(body=body, headers=_NOT_KEPT | {"Content-Type": CONTENT_TYPE})

    async def _numbers(self, _request: web.Request) -> web.Response:
        stats = self._read()
        body = b"null" if stats is None else encode_stats(stats)
        return web.Response(body=body, headers=_NOT_KEPT | _JSON)


_JSON = {"Content-Type": "application/json"}
