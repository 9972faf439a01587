"""Where an ASGI application's documents are read by default: of the application itself (design part 5.6).

It is asked in process and without a socket, with a scope that no client sent: the site's Host and Optout's own user
agent. It answers as it would answer anybody.
"""

from __future__ import annotations

import asyncio
from typing import Any

from optout.adapters.asgi.meter import App, Message, Scope
from optout.adapters.documents import Documents
from optout.adapters.fetcher import USER_AGENT
from optout.signals.declaration import (
    DOCUMENT_LIMIT,
    ROBOTS_NAME,
    ROBOTS_PATH,
    TDMREP_NAME,
    TDMREP_PATH,
    Document,
    license_name,
    parse_answer,
    unknown,
)


class AppSource:
    """Documents as `app` itself answers for them. May raise whatever an application raises; the cache bears that.

    `state` is what the application's lifespan left for its requests, `outer` the application that this one is a part
    of: frameworks put both into a scope before a middleware sees it, and their handlers rely on that.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self.state: dict[str, Any] | None = None
        self.outer: object = None

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        robots = await self._get(authority, ROBOTS_NAME, ROBOTS_PATH)
        return robots, await self._get(authority, TDMREP_NAME, TDMREP_PATH)

    async def fetch_license(self, authority: str, path: str) -> Document:
        """The license document at `path` of the site as it is now."""
        return await self._get(authority, license_name(path), path)

    async def _get(self, authority: str, name: str, path: str) -> Document:
        exchange = _Exchange()
        await self._app(self._scope(authority, path), exchange.receive, exchange.send)
        if exchange.coding != b"identity":
            return unknown(name, "compressed although it was not to be")
        return parse_answer(name, exchange.status, bytes(exchange.data))

    def _scope(self, authority: str, path: str) -> Scope:
        host, _, port = authority.rpartition(":")
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",  # an application that redirects http must not answer with that
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", authority.encode()),
                (b"user-agent", USER_AGENT.encode()),
                (b"accept-encoding", b"identity"),
            ],
            "client": ("127.0.0.1", 0),
            "server": (host, int(port)) if port.isdigit() and host else (authority, 443),
        }
        if self.state is not None:
            scope["state"] = self.state.copy()
        if self.outer is not None:
            scope["app"] = self.outer
        return scope


class _Exchange:
    """One question in process. What lies beyond the limit is let go: a document has no end."""

    def __init__(self) -> None:
        self.status = 0
        self.coding = b"identity"
        self.data = bytearray()
        self._asked = False
        self._ended = asyncio.Event()

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._ended.wait()  # who listens for a client that hangs up must hear of none before the end
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            fields = {name.lower(): value for name, value in message.get("headers", ())}
            self.coding = fields.get(b"content-encoding", b"identity").lower()
        elif message["type"] == "http.response.body":
            self.data += message.get("body", b"")[: DOCUMENT_LIMIT - len(self.data)]
            if not message.get("more_body", False):
                self._ended.set()
