"""How one recognized crawler's exchange went, seen between an ASGI application and its server.

Counted is what the server took. ASGI tells of a client that hung up only who asks for it (`http.disconnect`), or by an
OSError in newer servers; where neither happens, what was handed over counts as sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from optout.messages import as_text
from optout.record import Ending, Hash
from optout.signals.verdict import NO_SIGNALS, signal_fields

# The shapes of ASGI 3, as its specification names them.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ABNORMAL = 1006  # RFC 6455 section 7.4.1: the connection ended without a close frame
_WITHOUT_CONTENT = frozenset({204, 304})


class Meter:
    """Stands before `receive` and `send` of one exchange, and changes nothing."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, served: Hash | None = None) -> None:
        self._served = served
        self._receive = receive
        self._send = send
        self._is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        self._status: int | None = None
        self._said = NO_SIGNALS
        self._content = 0
        self._is_whole = False
        self._has_broken = False

    async def receive(self) -> Message:
        """The server's next event."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._has_broken = self._has_broken or not self._is_whole
        elif message["type"] == "websocket.disconnect":
            self._is_whole = message.get("code", _ABNORMAL) != _ABNORMAL
        return message

    async def send(self, message: Message) -> None:
        """The application's next event."""
        try:
            await self._send(message)
        except OSError:
            self._has_broken = True
            raise
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self._status = message["status"]
                self._said = signal_fields(
                    (as_text(name), as_text(value)) for name, value in message.get("headers", ())
                )
            case "http.response.body" | "websocket.http.response.body":
                self._content += len(message.get("body", b""))
                if self._served is not None:
                    self._served.update(message.get("body", b""))
                self._is_whole = not message.get("more_body", False)
            case "websocket.accept":
                self._status = 101
            case "websocket.close":
                self._status = self._status or 403  # before `accept` the server refuses the handshake with it
                self._is_whole = True
            case _:
                pass

    def ending(self) -> Ending:
        """How it went until now."""
        has_content = not self._is_head and self._status not in _WITHOUT_CONTENT
        return Ending(
            status=self._status,
            body_bytes=self._content if has_content else 0,
            aborted=self._has_broken or not self._is_whole,
            served=self._served,
            said=self._said,
        )
