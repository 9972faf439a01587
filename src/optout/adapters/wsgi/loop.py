"""The event loop of a WSGI application's driver: a thread of its own in each process, from its first request on.

A server may fork after the application was made, and a forked child has none of its parent's threads. So nothing is
started before a request comes, and a child that finds its parent's loop makes its own.

Rule: whatever fails here (no thread, no descriptor, a policy that broke before a fork), people pass; crawlers are
answered by the `on_error` of the policy that was loaded last.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from optout.adapters.driver import Driver
from optout.adapters.embedded import AGAIN_AFTER_S, LOG, Embedded
from optout.crawlers.model import Claim
from optout.engine import Outcome
from optout.errors import EvidenceError, OptoutError
from optout.messages import Fields, Request
from optout.record import Ending

_DECIDED_WITHIN_S = 10.0  # documents, a license server and a record have boxes of 0.5, 2 and 0.25 s: only a guard
_STOPPED_WITHIN_S = 15.0  # the log has ten to answer


class LoopThread:
    """A driver and the loop that it lives in, for callers in other threads."""

    def __init__(self, make: Callable[[], Driver]) -> None:
        self._make = make
        self._embedded = Embedded(make, ends_with_process=False)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_inherited = False  # the driver is the parent process's
        self._again_at = 0.0
        self._starting = threading.Lock()
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: _call(forget()))

    @property
    def driver(self) -> Driver:
        """The driver, to recognize and to declare with: both are for any thread, and wait for nothing."""
        return self._embedded.driver

    def begin(self) -> None:
        """Have a loop in this process. Waits for nothing but, once, for a thread to be made."""
        if self._loop is None:
            self._begin()

    def decide(self, request: Request, claim: Claim) -> Outcome | None:
        """As `Driver.decide`; waits for it."""
        loop, embedded = self._loop, self._embedded
        if loop is None:
            return self.driver.unjudged(request, claim)

        async def decided() -> Outcome | None:
            """Decide in the loop's own thread."""
            if self._loop is not loop:  # closed meanwhile
                return embedded.driver.unjudged(request, claim)
            embedded.begin()
            return await embedded.decide(request, claim)

        asked = decided()
        try:
            deciding = asyncio.run_coroutine_threadsafe(asked, loop)
        except RuntimeError:  # the loop has been closed
            asked.close()
            return self.driver.unjudged(request, claim)
        try:
            return deciding.result(_DECIDED_WITHIN_S)
        except TimeoutError:
            deciding.cancel()
            return self.driver.unjudged(request, claim)

    def ended(self, outcome: Outcome, request: Request, ending: Ending) -> None:
        """As `Driver.ended`."""
        self._call(self.driver.ended, outcome, request, ending)

    def declare(self, *, method: str, authority: str, target: str) -> Fields:
        """As `Driver.declare`: what is known now; the loop looks at the site if that is due."""
        published, is_due = self.driver.published.peek(authority)
        if is_due and self.driver.engine.policies.find(authority) is not None:
            self._call(self.driver.published.get, authority)
        return self.driver.declare(method=method, authority=authority, target=target, published=published)

    def close(self) -> None:
        """Stop the driver and its thread. A later request starts them again."""
        with self._starting:
            loop, self._loop = self._loop, None
            if loop is None:
                return
            atexit.unregister(self.close)
            log = self._embedded.driver.log
            stopping = asyncio.run_coroutine_threadsafe(self._embedded.stop(), loop)
            with suppress(TimeoutError, RuntimeError):  # while the interpreter ends, asyncio's own threads are gone
                stopping.result(_STOPPED_WITHIN_S)
            if log is not None:
                with suppress(EvidenceError):
                    log.close()  # where the driver could not
            loop.call_soon_threadsafe(loop.stop)
            if self._thread is not None:
                self._thread.join(_STOPPED_WITHIN_S)

    def _begin(self) -> None:
        with self._starting:
            if self._loop is not None or time.monotonic() < self._again_at:
                return
            try:
                self._loop = self._new_loop()
            except (OptoutError, OSError, RuntimeError) as fault:
                self._again_at = time.monotonic() + AGAIN_AFTER_S
                LOG.error("cannot start, and recognized crawlers are answered by on_error until then: %s", fault)

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        if self._is_inherited:
            self._embedded = Embedded(self._make, ends_with_process=False)
            self._is_inherited = False
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=(loop,), name="optout", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            loop.close()
            raise
        loop.call_soon_threadsafe(self._embedded.begin)
        atexit.register(self.close)
        self._thread = thread
        return loop

    def _forget(self) -> None:
        """In a forked child: the parent's thread is not here, and its lock may have been held just then."""
        self._starting = threading.Lock()
        if self._loop is not None:
            log = self._embedded.driver.log
            if log is not None:
                log.close()  # lets go of the child's hold on the directory, which would outlive the parent's
            self._loop, self._thread, self._is_inherited = None, None, True

    def _call(self, function: Callable[..., object], *arguments: Any) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has been closed: the process ends
                self._loop.call_soon_threadsafe(function, *arguments)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(asyncio.sleep(0))  # what came in while it was being stopped: a thread waits for it
    finally:
        loop.close()


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()
