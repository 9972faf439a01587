"""`optout serve --workers N`: a process that holds the evidence log, and workers that stand before the site.

Rule 1: the supervisor does nothing that a visitor could hold up or bring down: it takes over what the workers record
(`optout.evidence.sequencer`), signs, tells numbers, and starts workers again. Each worker records into a spool of its
own, so a worker that is killed loses nothing that it logged, and the log goes on without it.
Rule 2: at first all workers must listen, or nothing does, and the owner is told one reason. Later a worker that ends is
started again, each time after a longer pause; the others go on meanwhile.
Rule 3: SIGTERM and SIGINT end the workers, each when its requests under way have ended. The log is closed last, when
everything that they recorded can be in it and under its signature.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from importlib.metadata import version

from optout.adapters.intake import now_us
from optout.adapters.serve_options import ServeOptions
from optout.adapters.stats import Stats
from optout.adapters.stats.reading import read_log
from optout.adapters.stats.server import StatusPages
from optout.adapters.stats.workers import WorkerStats
from optout.adapters.workers.port import shared_port
from optout.adapters.workers.process import CLEANLY, WorkerProcess
from optout.errors import OptoutError
from optout.evidence.opening import Opening, open_log
from optout.evidence.recorder import Recorder
from optout.policy.model import Mode

LOG = logging.getLogger("optout")
SOFTWARE = f"optout/{version('optout')} supervisor"
"""What the log says of the process that holds it."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_STEADY_S = 60.0  # whoever served that long begins with the first pause again
_DRAINED_S = 40.0  # a worker gives requests under way 30 s, and its spool a moment
_LOOK_EVERY_S = 1.0


async def supervise(options: ServeOptions, count: int, on_ready: Callable[[str], None]) -> None:
    """Serve with `count` workers until SIGTERM or SIGINT; `on_ready` is called with the address to visit.

    Raises UsageError for an address, PolicyError or OptoutError for what keeps a worker from serving, and EvidenceError
    for a log that cannot be held.
    """
    async with AsyncExitStack() as stack:
        port = stack.enter_context(shared_port(options.place))
        workers = _Workers(replace(options, listen_port=port, status=None), count)
        workers.watch_signals()
        if options.evidence is not None:
            workers.log = await asyncio.to_thread(open_log, options.evidence, Opening.HOLD, software=SOFTWARE)
            stack.push_async_callback(asyncio.to_thread, workers.log.close)
        pages = await stack.enter_async_context(StatusPages(options.status, read=workers.stats.read, doors=count))
        await workers.run(on_ready, pages)


class _Workers:
    """The workers of one service, and the log that they record into."""

    def __init__(self, options: ServeOptions, count: int) -> None:
        self.stats = WorkerStats(self._own_stats)
        self.log: Recorder | None = None
        self._options = options
        self._count = count
        self._alive: dict[int, WorkerProcess] = {}
        self._stopped = asyncio.Event()

    def watch_signals(self) -> None:
        """Listen to whoever wants the service to end, from before the first worker is started."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._send, signal.SIGHUP)

    async def run(self, on_ready: Callable[[str], None], pages: StatusPages) -> None:
        """Start them all, keep them running until told to stop, and let them end."""
        loop = asyncio.get_running_loop()
        stopping = loop.create_task(self._stopped.wait())
        starting = loop.create_task(self._start_all())
        background: list[asyncio.Task[None]] = []
        try:
            await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                return
            on_ready(starting.result())
            background = [loop.create_task(self._keep(number)) for number in tuple(self._alive)]
            watching = loop.create_task(self._watch_log())
            await asyncio.wait((stopping, *background), return_when=asyncio.FIRST_COMPLETED)
            self._stopped.set()
            watching.cancel()
            pages.is_draining = True
            self._send(signal.SIGTERM)
            ended, _ = await asyncio.wait(background, timeout=_DRAINED_S)
            for kept in ended:
                kept.result()  # a fault of our own, if it ended while nobody had asked for that
        finally:
            ending = (starting, stopping, *background)
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            for worker in tuple(self._alive.values()):
                worker.kill()
                await worker.ended()

    async def _start_all(self) -> str:
        """Where they listen; raises the first OptoutError, with all of them ended."""
        starting = [asyncio.ensure_future(self._start(number)) for number in range(1, self._count + 1)]
        try:
            await asyncio.gather(*starting)
        except BaseException:
            for each in starting:
                each.cancel()
            await asyncio.gather(*starting, return_exceptions=True)
            raise
        return self._alive[1].address

    async def _start(self, number: int) -> None:
        worker = await WorkerProcess.start(number, self._options)
        self._alive[number] = worker

    async def _keep(self, number: int) -> None:
        """Start a worker again whenever it has ended."""
        pause, since = _FIRST_PAUSE_S, time.monotonic()
        while True:
            how = await self._serve(number)
            if self._stopped.is_set():
                if how != CLEANLY:
                    LOG.error("worker %d ended %s instead of cleanly", number, how)
                return
            if time.monotonic() - since >= _STEADY_S:
                pause = _FIRST_PAUSE_S
            LOG.error("worker %d ended %s; it is started again in %g s", number, how, pause)
            while not await self._is_started_again(number, pause):
                if self._stopped.is_set():
                    return
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            pause, since = min(2 * pause, _LONGEST_PAUSE_S), time.monotonic()

    async def _serve(self, number: int) -> str:
        """Take a worker's numbers until it ends; how it did."""
        worker = self._alive[number]
        await self.stats.listen(worker.reader)
        how = await worker.ended()
        self._alive.pop(number, None)
        return how

    async def _is_started_again(self, number: int, pause: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), pause)
        if self._stopped.is_set():
            return False
        try:
            await self._start(number)
        except OptoutError as fault:
            LOG.error("worker %d cannot start: %s", number, fault.diagnostics())
            return False
        if self._stopped.is_set():
            self._alive[number].send(signal.SIGTERM)
        LOG.warning("worker %d serves again, as process %d", number, self._alive[number].pid)
        return True

    def _stop(self, number: signal.Signals) -> None:
        """Begin to end; a second Ctrl-C ends at once."""
        if number is signal.SIGINT and self._stopped.is_set():
            for worker in self._alive.values():
                worker.kill()
        self._stopped.set()

    def _send(self, number: signal.Signals) -> None:
        for worker in self._alive.values():
            worker.send(number)

    async def _watch_log(self) -> None:
        """Say when the log is in trouble, and when it is well again. No visitor waits for it; spools fill meanwhile."""
        told = ""
        while self.log is not None:
            trouble = self.log.health.trouble
            if trouble != told:
                LOG.error("the evidence log: %s", trouble or "well again")
            told = trouble
            await asyncio.sleep(_LOOK_EVERY_S)

    def _own_stats(self) -> Stats | None:
        if self.log is None:
            return None
        return Stats(taken_us=now_us(), software=SOFTWARE, mode=Mode.OBSERVE, doors=0, log=read_log(self.log))
