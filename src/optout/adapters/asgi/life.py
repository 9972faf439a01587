"""An ASGI server's lifespan, shared by the application and the driver before it (ASGI Lifespan Protocol 2.0)."""

from __future__ import annotations

from optout.adapters.asgi.meter import App, Message, Receive, Scope, Send
from optout.adapters.embedded import Embedded
from optout.errors import OptoutError

_ENDS = frozenset({"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"})


async def live(embedded: Embedded, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Start the driver before `app`, and stop it after. An application that knows no lifespan is given this one."""
    first: Message | None = await receive()
    try:
        await embedded.start()
    except OptoutError as fault:
        await embedded.stop()
        await send({"type": "lifespan.startup.failed", "message": f"optout: {fault.diagnostics()}"})
        return
    is_known = False

    async def received() -> Message:
        """The server's next event, the first of which has been looked at."""
        nonlocal first, is_known
        is_known = True
        if first is not None:
            message, first = first, None
            return message
        return await receive()

    async def sent(message: Message) -> None:
        """Send on what the application says; what ends it ends the driver first."""
        if message["type"] in _ENDS:
            await embedded.stop()
        await send(message)

    try:
        await app(scope, received, sent)
    except Exception:
        if is_known:  # a failure of its own, which the server makes of it what it makes of any
            await embedded.stop()
            raise
    if not is_known:  # it has raised (Django), or returned: it has nothing to start
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await embedded.stop()
        await send({"type": "lifespan.shutdown.complete"})
