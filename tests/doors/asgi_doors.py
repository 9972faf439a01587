"""Shared by tests of the ASGI door: an application on uvicorn, in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from optout.adapters.asgi import OptoutMiddleware
from optout.adapters.asgi.meter import App, Receive, Scope, Send
from tests.doors.forward_auth_doors import TAGGED

DOCUMENTS = {"/robots.txt": "robots", "/.well-known/tdmrep.json": "tdmrep"}


@asynccontextmanager
async def asgi_served(app: Any, **options: Any) -> AsyncIterator[int]:
    """The port of loopback on which uvicorn serves `app`."""
    settings = {"port": 0, "log_config": None, "access_log": False, "proxy_headers": False, **options}
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(20):
            while not server.started and not serving.done():
                await asyncio.sleep(0.005)
        if serving.done():
            await serving
            raise RuntimeError("uvicorn ended before it had started")
        yield int(server.servers[0].sockets[0].getsockname()[1]) if "uds" not in options else 0
    finally:
        server.should_exit = True
        await serving


def asgi_site(document: dict[str, str]) -> App:
    """A site that publishes a case's documents and answers everything else with a page."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        name = DOCUMENTS.get(scope["path"])
        text = document.get(name) if name else "a page"
        body = (text or "").encode()
        tag = [(b"x-robots-tag", b"noai")] if scope["path"] == TAGGED else []
        await send({"type": "http.response.start", "status": 200 if text is not None else 404, "headers": tag})
        await send({"type": "http.response.body", "body": body})

    return app


@asynccontextmanager
async def asgi_door(document: dict[str, str], place: Path) -> AsyncIterator[int]:
    """The ASGI door before such a site, under the case's policy."""
    policy = place / "policy.yaml"
    policy.write_text(document["policy"])
    app = OptoutMiddleware(asgi_site(document), policy=policy, evidence=place / "evidence", state=place / "state")
    async with asgi_served(app) as port:
        yield port
