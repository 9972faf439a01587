"""An origin on loopback that says exactly the octets it is told to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Say = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Asked:
    """One request: its line, its fields (names lower-cased), its body."""

    method: str
    target: str
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def answer(body: bytes = b"", status: str = "200 OK", **fields: str) -> bytes:
    """A whole answer; a field's name is written with underscores."""
    head = {"content-type": "text/plain", "content-length": str(len(body)), "connection": "close"}
    head |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in head.items() if value), "", ""]
    return "\r\n".join(lines).encode() + body


class Origin:
    """A server whose pages are octets, or functions that write what they like. Unknown paths are 404.

    It listens on a free port of loopback, or on a unix socket.
    """

    def __init__(self, unix_socket: str = "", *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self._unix_socket = unix_socket
        self._tls = tls
        self._address = address
        self.port = 0
        self.asked: list[Asked] = []
        self.pages: dict[str, bytes | Say] = {}
        self.base = ""
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Origin:
        if self._unix_socket:
            self._server = await asyncio.start_unix_server(self._talk, self._unix_socket)
        else:
            self._server = await asyncio.start_server(self._talk, self._address, self.port, ssl=self._tls)
            self.port = self._server.sockets[0].getsockname()[1]
            self.base = f"{'https' if self._tls else 'http'}://{self._address}:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def paths(self) -> list[str]:
        """The targets asked for, in order."""
        return [asked.target for asked in self.asked]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            asked = await _read_request(reader)
            self.asked.append(asked)
            page = self.pages.get(asked.target, answer(status="404 Not Found"))
            if isinstance(page, bytes):
                writer.write(page)
            else:
                await page(asked, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client, or the test, had enough
        finally:
            writer.close()
            self._talks.discard(talk)


async def _read_request(reader: asyncio.StreamReader) -> Asked:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return Asked(method=method, target=target, fields=fields, body=body)


async def never(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
    """Says nothing, for ever."""
    await asyncio.Event().wait()
