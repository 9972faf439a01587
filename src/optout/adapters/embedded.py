"""What the doors inside an application share: their settings, and a driver that starts by itself.

An application's server may tell when it starts and stops, or may not; it may fork after the application was made; a
test may run it in one event loop after the other. So the driver starts at the first request, in the loop that serves
it, and nobody but a recognized crawler waits for that.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.driver import Driver, Settings
from optout.adapters.stats.reading import leave
from optout.adapters.switch import default_state_directory
from optout.crawlers.model import Claim
from optout.engine import Outcome
from optout.errors import EvidenceError, OptoutError
from optout.evidence.opening import Opening
from optout.messages import Request, as_text
from optout.policy.model import PolicySet

LOG = logging.getLogger("optout")
AGAIN_AFTER_S = 2.0  # a worker that is being replaced holds the log until its last request has ended
# All that a path may contain without an escape (RFC 3986 section 3.3), and the slashes between its segments.
_PLAIN_IN_PATH = "/:@!$&'()*+,;=~-._"


def settings_of(
    *,
    software: str,
    policy: Path | str | PolicySet | None,
    evidence: Path | str | None,
    state: Path | str | None,
    trusted_proxies: Iterable[str],
    forwarded_field: str,
    observe_only: bool,
) -> Settings:
    """An application's keyword arguments as a driver's settings; raises UsageError for what makes no sense."""
    return Settings(
        state=default_state_directory() if state is None else Path(state),
        software=software,
        policy=policy,
        evidence=None if evidence is None else Path(evidence),
        opening=Opening.JOIN,  # an application server runs several processes, all alike
        trusted=load_trusted_proxies(trusted_proxies, forwarded_field),
        observe_only=observe_only,
    )


def rebuilt_target(path: bytes, query: bytes) -> str:
    """A request target for a server that hands over the path without its escapes.

    It is what the application serves by, so it is what has to be judged; that `%2F` was no slash, and a query that was
    empty, cannot be seen any more.
    """
    return quote(path, safe=_PLAIN_IN_PATH) + (f"?{as_text(query)}" if query else "")


class Embedded:
    """A driver for the event loop that asks for it. `make` gives a new one where another loop takes over.

    `ends_with_process` signs the log when the process ends and nobody has called `stop`.
    """

    def __init__(self, make: Callable[[], Driver], *, ends_with_process: bool = True) -> None:
        self._make = make
        self._ends_with_process = ends_with_process
        self.driver = make()  # raises here, and not at the first request, what is wrong with the policy
        self._is_used = False
        self._is_stale = False  # the driver served a loop that is not this one
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[bool] | None = None
        self._failed_at = 0.0
        self._told = ""

    def begin(self) -> None:
        """Start the driver if nobody has. Waits for nothing."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._move_in(loop)
        starting = self._starting
        if starting is None or (starting.done() and not self._stands(starting)):
            self._starting = loop.create_task(self._try(), name="optout start")

    async def start(self) -> None:
        """Start the driver now; raises OptoutError for what keeps it from starting, such as a log in other hands."""
        loop = asyncio.get_running_loop()
        self._move_in(loop)
        await self._start()
        self._starting = loop.create_task(_has_started())

    async def decide(self, request: Request, claim: Claim) -> Outcome | None:
        """As `Driver.decide`, once the driver has started; where it cannot start, the policy's `on_error` decides."""
        assert self._starting is not None  # noqa: S101  `begin` or `start` came first
        if await asyncio.shield(self._starting):
            return await self.driver.decide(request, claim)
        return self.driver.unjudged(request, claim)

    async def stop(self) -> None:
        """Stop the driver. A later request starts another one."""
        starting, self._starting, loop, self._loop = self._starting, None, self._loop, None
        if starting is None:
            return
        atexit.unregister(self._close_log)
        if loop is asyncio.get_running_loop():
            await starting
            await self.driver.stop()
        else:  # its tasks have gone with the loop that they ran in
            self._close_log()

    def _move_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` is the driver's from now on; a driver that served another one is replaced before it starts."""
        self._is_stale, self._is_used = self._is_used, True
        self._loop, self._starting = loop, None

    def _stands(self, starting: asyncio.Task[bool]) -> bool:
        """Whether an attempt that is over is not to be repeated yet."""
        return starting.result() or time.monotonic() < self._failed_at + AGAIN_AFTER_S

    async def _start(self) -> None:
        if self._is_stale:
            self._close_log()
            # Here and not in `begin`: a policy that has been broken since must not fail a person's request.
            self.driver = self._make()
            self._is_stale = False
        await self.driver.start()
        if self._ends_with_process:
            atexit.register(self._close_log)

    async def _try(self) -> bool:
        try:
            await self._start()
        except OptoutError as fault:
            self._failed_at = time.monotonic()
            if fault.what != self._told:
                self._told = fault.what
                LOG.error("cannot start, and recognized crawlers are answered by on_error until then: %s", fault.what)
            return False
        return True

    def _close_log(self) -> None:
        """Sign and let go what is recorded, without an event loop: for a server that never says that it ends."""
        leave(self.driver)
        log, self.driver.log = self.driver.log, None
        if log is not None:
            with suppress(EvidenceError):
                log.close()


async def _has_started() -> bool:
    return True
