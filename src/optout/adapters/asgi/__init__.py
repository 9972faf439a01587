"""Optout as ASGI 3 middleware, for FastAPI, Starlette, Django and whatever else speaks it.

    app.add_middleware(OptoutMiddleware, policy="no-training", evidence="/var/lib/optout/evidence")

A person's request is looked at twice, for its Host and its user agent, and goes on; its response is given the declaring
fields as it passes. No other ASGI library is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from optout.adapters import document_setting
from optout.adapters.asgi.documents import AppSource
from optout.adapters.asgi.life import live
from optout.adapters.asgi.meter import App, Message, Meter, Receive, Scope, Send
from optout.adapters.client_address import client_scheme
from optout.adapters.driver import Driver
from optout.adapters.embedded import Embedded, rebuilt_target, settings_of
from optout.adapters.intake import take_in
from optout.crawlers.model import Claim
from optout.engine import NO_FIELDS
from optout.messages import Destination, Fields, Request, Response, as_text, octets, parse_destination
from optout.record import served_hash
from optout.response import bad_request

if TYPE_CHECKING:
    from optout.adapters.documents import DocumentSource, Read
    from optout.policy.model import PolicySet

__all__ = ["OptoutMiddleware"]

_SOFTWARE = f"optout/{version('optout')} asgi"
_HTTP = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_HEADED = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
# Ways to send a file past the application: nobody would tell how far it came.
_PAST_US = frozenset({"http.response.pathsend", "http.response.zerocopysend"})

_Pair = tuple[bytes, bytes]


class OptoutMiddleware:
    """Put before `app`, best as the outermost middleware.

    `policy` is a file, a directory, the name of a ready stance, or policies already loaded; None observes. `evidence`
    is the directory of the log, for as many processes as there are; None keeps no record. `state` is the directory of
    the off switch; None is the usual. `documents` is where robots.txt and tdmrep.json are read: None asks `app` itself
    in process; else a directory laid out like the site's root, or `read(authority, path)`, plain or async, which
    returns bytes or None. `trusted_proxies` and `forwarded_field` tell whose word on the client's address counts.

    Raises UsageError for a setting that makes no sense, and PolicyError for a policy that does not load. A log that
    cannot be opened makes the server's start fail; where the server does not tell of its start, crawlers are answered
    by the policy's `on_error` until it can.
    """

    def __init__(
        self,
        app: App,
        *,
        policy: Path | str | PolicySet | None,
        evidence: Path | str | None,
        state: Path | str | None = None,
        documents: DocumentSource | Read | Path | str | None = None,
        trusted_proxies: Iterable[str] = (),
        forwarded_field: str = "x-forwarded-for",
        observe_only: bool = False,
    ) -> None:
        settings = settings_of(
            software=_SOFTWARE,
            policy=policy,
            evidence=evidence,
            state=state,
            trusted_proxies=trusted_proxies,
            forwarded_field=forwarded_field,
            observe_only=observe_only,
        )
        self._own = AppSource(app)
        source = self._own if documents is None else document_setting.source_of(documents)
        self._embedded = Embedded(lambda: Driver(settings, source))
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        match scope["type"]:
            case "http" | "websocket":
                await self._exchange(scope, receive, send)
            case "lifespan":
                self._own.state = scope.get("state")
                await live(self._embedded, self._app, scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._embedded.begin()
        self._own.outer = scope.get("app")
        driver = self._embedded.driver
        hosts, user_agents, signature_agents = _named(scope, b"host", b"user-agent", b"signature-agent")
        destination = parse_destination(raw_target=_target(scope), hosts=hosts, scheme=_scheme(scope))
        if destination is None:
            await _answer(scope, receive, send, bad_request())
            return
        # All values: a second User-Agent must not hide the first.
        claim = driver.recognize(destination.authority, ", ".join(user_agents), ", ".join(signature_agents) or None)
        if claim is None:
            app = self._answering(driver, scope, destination)
            await app(scope, receive, _Declaring(driver=driver, scope=scope, destination=destination, send=send))
        else:
            await self._judged(scope, receive, send, self._take_in(scope, destination), claim)

    def _answering(self, driver: Driver, scope: Scope, destination: Destination) -> App:
        """Who answers a request that goes on: the application, or a document that is made from the policy."""
        method = scope.get("method", "")
        document = driver.document(method=method, authority=destination.authority, target=destination.target)
        if document is None:
            return self._app
        return lambda scope, receive, send: _answer(scope, receive, send, document)

    def _take_in(self, scope: Scope, destination: Destination) -> Request:
        trusted = self._embedded.driver.settings.trusted
        fields = Fields(tuple((as_text(name), as_text(value)) for name, value in scope["headers"]))
        peer = _peer(scope)
        return take_in(
            method=scope.get("method", "GET"),
            scheme=client_scheme(peer, fields, trusted, _scheme(scope)),
            destination=destination,
            fields=fields,
            peer=peer,
            trusted=trusted,
            http_version=scope.get("http_version", ""),
        )

    async def _judged(self, scope: Scope, receive: Receive, send: Send, seen: Request, claim: Claim) -> None:
        """What a recognized crawler gets."""
        outcome = await self._embedded.decide(seen, claim)
        driver = self._embedded.driver  # after that: the first request in another loop is given another one
        destination = Destination(authority=seen.authority, target=seen.target)
        app = self._answering(driver, scope, destination)
        if outcome is None:
            await app(scope, receive, _Declaring(driver=driver, scope=scope, destination=destination, send=send))
            return
        if outcome.response is not None:
            with suppress(OSError):  # the client hung up
                await _answer(scope, receive, send, outcome.response)
            return
        meter = Meter(scope, receive, send, served_hash(seen))
        declaring = _Declaring(
            driver=driver, scope=scope, destination=destination, send=meter.send, replacing=outcome.fields
        )
        try:
            await app(_counted(scope), meter.receive, declaring)
        finally:
            driver.ended(outcome, seen, meter.ending())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declaring:
    """A `send` that gives a response's head the declaring fields; `replacing` are put in place of the application's."""

    driver: Driver
    scope: Scope
    destination: Destination
    send: Send
    replacing: Fields = NO_FIELDS

    async def __call__(self, message: Message) -> None:
        """Send `message` on."""
        if message["type"] in _HEADED:
            declared = self.driver.declare(
                method=self.scope.get("method", "GET"),
                authority=self.destination.authority,
                target=self.destination.target,
            )
            if declared.items or self.replacing.items:
                message = {**message, "headers": _added(message.get("headers", ()), declared, self.replacing)}
        await self.send(message)


def _added(headers: Iterable[_Pair], declared: Fields, replacing: Fields) -> list[_Pair]:
    """`headers` with those of `replacing` put in place of theirs, and with those of `declared` that they lack."""
    replaced = _pairs(replacing)
    names = {name for name, _ in replaced}
    kept = [(name, value) for name, value in headers if name.lower() not in names] + replaced
    there = {name.lower() for name, _ in kept}
    for name, value in _pairs(declared):
        # The application's own word counts: it may know this one page better than the site's file does. A Link is one
        # of many.
        if (name, value) not in kept if name == b"link" else name not in there:
            kept.append((name, value))
    return kept


async def _answer(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    """Answer by ourselves. A WebSocket's handshake that cannot be answered so is closed, which servers make a 403."""
    start, body = "http.response.start", "http.response.body"
    if scope["type"] == "websocket":
        await receive()  # `websocket.connect`, before which nothing may be sent
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close"})
            return
        start, body = f"websocket.{start}", f"websocket.{body}"
    await send({"type": start, "status": response.status, "headers": _pairs(response.fields)})
    await send({"type": body, "body": b"" if scope.get("method") == "HEAD" else response.body})


def _pairs(fields: Fields) -> list[_Pair]:
    return [(octets(name.lower()), octets(value)) for name, value in fields]


def _named(scope: Scope, *names: bytes) -> tuple[tuple[str, ...], ...]:
    """All values of each of these fields."""
    found: dict[bytes, list[str]] = {name: [] for name in names}
    for name, value in scope["headers"]:
        values = found.get(name.lower())
        if values is not None:
            values.append(as_text(value))
    return tuple(tuple(values) for values in found.values())


def _target(scope: Scope) -> str:
    """The target as the server received it, or where it does not tell, as the application is served by it."""
    raw, query = scope.get("raw_path"), scope.get("query_string", b"")
    if raw is None:
        return rebuilt_target(scope["path"].encode("utf-8", "surrogateescape"), query)
    # Some servers leave the query in it.
    path = as_text(raw.partition(b"?")[0])
    return f"{path}?{as_text(query)}" if query else path


def _scheme(scope: Scope) -> str:
    return _HTTP.get(scope.get("scheme", "http"), "http")


def _peer(scope: Scope) -> str | None:
    """The peer's address; None for a unix socket, which a server tells by its own side: a path without a port."""
    client, server = scope.get("client"), scope.get("server")
    if client is not None and client[0]:
        return str(client[0])
    # A server that does not tell who asks must not make everybody a unix socket, whose word is believed.
    return None if server is not None and server[1] is None else ""


def _counted(scope: Scope) -> Scope:
    """`scope` without the ways to send content that pass by this middleware."""
    extensions = scope.get("extensions")
    if not extensions or _PAST_US.isdisjoint(extensions):
        return scope
    return {**scope, "extensions": {name: value for name, value in extensions.items() if name not in _PAST_US}}
