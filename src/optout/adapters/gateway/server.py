"""`optout serve` with the aiohttp engine: the gateway on a port or a socket, from the first request to a drained end.

The engine keeps its old name: aiohttp asks the origin for its documents and tells the status pages. The gateway itself
stands on httptools.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from optout.adapters.certificate import LOOK_EVERY_S, Certificate
from optout.adapters.gateway import Gateway
from optout.adapters.listening import Listener, listen
from optout.adapters.quiet_logs import keep_quiet
from optout.adapters.serve_options import ServeOptions
from optout.adapters.stats.server import StatusPages
from optout.evidence.opening import Opening

_SETTLE_S = 0.1  # for requests that are on their way, and for connections that the kernel has accepted


async def serve(
    options: ServeOptions,
    on_ready: Callable[[str], None],
    *,
    opening: Opening = Opening.HOLD,
    shares_port: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; then let requests under way end, for half a minute at most.

    `on_ready` is called with the address to visit. One of several workers shares its port with them, and opens the
    log as their supervisor wants it. Raises UsageError for an address or a certificate that cannot be used, and what
    `Gateway` and its start raise.
    """
    loop = asyncio.get_running_loop()
    keep_quiet(loop)
    async with StatusPages(options.status) as pages:
        certificate = _certificate(options)
        stopped = asyncio.Event()
        _watch_signals(loop, stopped, certificate)
        gateway = Gateway(options, opening=opening)
        async with opened(gateway, options, certificate, shares_port=shares_port) as listener:
            # What is there by now stays: to look through it for garbage would hold visitors up for 20 ms each time.
            gc.freeze()
            on_ready(listener.address)
            await stopped.wait()
            pages.is_draining = True


@asynccontextmanager
async def opened(
    gateway: Gateway, options: ServeOptions, certificate: Certificate | None = None, *, shares_port: bool = False
) -> AsyncIterator[Listener]:
    """The gateway, open for as long as the context lasts; then nobody new comes in, and requests under way end."""
    await gateway.start()
    renewals = asyncio.create_task(_renewals(certificate)) if certificate else None
    try:
        listener = await listen(
            options.place, gateway.welcome, tls=certificate.context if certificate else None, shares_port=shares_port
        )
        try:
            yield listener
        finally:
            await listener.close()
            gateway.say_last()
            await asyncio.sleep(_SETTLE_S)
    finally:
        if renewals is not None:
            renewals.cancel()
        await gateway.stop()


def _certificate(options: ServeOptions) -> Certificate | None:
    if options.tls_cert is None or options.tls_key is None:
        return None
    return Certificate(options.tls_cert, options.tls_key)


def _watch_signals(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event, certificate: Certificate | None) -> None:
    def stop() -> None:
        stopped.set()
        loop.remove_signal_handler(signal.SIGINT)  # a second Ctrl-C ends the process at once

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    # Policies are watched anyway; SIGHUP must not end the process, and looks at the certificate now.
    loop.add_signal_handler(signal.SIGHUP, certificate.look if certificate else lambda: None)


async def _renewals(certificate: Certificate) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        await asyncio.to_thread(certificate.look)
