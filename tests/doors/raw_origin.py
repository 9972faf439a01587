"""An origin that keeps every octet it is sent, to tell how many requests a door really let through.

It frames messages as RFC 9112 says and as strictly, so a smuggled request shows up as one more in `heads`.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

ROBOTS = b"User-agent: *\nDisallow: /drafts/\n"
TDMREP = b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/tdm.json"}]'
DOCUMENTS = {b"/robots.txt": ROBOTS, b"/.well-known/tdmrep.json": TDMREP}


@dataclass
class Seen:
    """One request as it reached the origin."""

    line: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    is_whole: bool = False

    @property
    def path(self) -> bytes:
        return self.line.split(b" ")[1]

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name.lower()]


Answer = Callable[[Seen, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def plain(seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say which path was asked for."""
    body = DOCUMENTS.get(seen.path, b"content of " + seen.path + b"\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body))
    if not seen.line.startswith(b"HEAD"):
        writer.write(body)
    await writer.drain()


async def endless(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Content that goes on until the visitor hangs up."""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def events(_seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One server-sent event, and then silence."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n")
    await writer.drain()
    await reader.read()


async def echo(_seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A WebSocket that sends back what it gets, unmasked (RFC 6455 section 5.2; short frames only)."""
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.write(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    while True:
        first, length = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        data = bytes(octet ^ mask[place % 4] for place, octet in enumerate(await reader.readexactly(length & 0x7F)))
        writer.write(bytes((first, len(data))) + data)
        await writer.drain()


async def not_modified(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")


async def declared(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A page that says something else than the site's file."""
    writer.write(b"HTTP/1.1 200 OK\r\nTDM-Reservation: 0\r\nContent-Length: 2\r\n\r\nok")


async def hang_up(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half an answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
    writer.close()


async def silence(_seen: Seen, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """No answer at all."""
    await reader.read()


class Gate:
    """An answer that comes when the test lets it."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.opened = threading.Event()

    async def __call__(self, _seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await writer.drain()
        self.arrived.set()
        await asyncio.to_thread(self.opened.wait, 30)
        writer.write(b"-last")
        await writer.drain()


ANSWERS: dict[bytes, Answer] = {
    b"/endless": endless,
    b"/events": events,
    b"/socket": echo,
    b"/unchanged": not_modified,
    b"/declared": declared,
    b"/broken": hang_up,
}


@dataclass
class RawOrigin:
    """A running origin; answers by path prefix, `plain` for all others. Requests for documents are kept apart."""

    answers: dict[bytes, Answer] = field(default_factory=ANSWERS.copy)
    heads: list[Seen] = field(default_factory=list)
    documents: list[Seen] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> RawOrigin:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _run(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self.tls, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._serve(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *rest = head[:-4].split(b"\r\n")
        fields = [(name, value.strip()) for name, _, value in (each.partition(b":") for each in rest)]
        seen = Seen(line=line, fields=fields)
        is_document = seen.path in DOCUMENTS
        (self.documents if is_document else self.heads).append(seen)
        await self._read_body(seen, reader)
        seen.is_whole = True
        answer = next((each for prefix, each in self.answers.items() if seen.path.startswith(prefix)), plain)
        await answer(seen, reader, writer)
        return b"close" not in b",".join(seen.all(b"connection")).lower() and not writer.is_closing()

    @staticmethod
    async def _read_body(seen: Seen, reader: asyncio.StreamReader) -> None:
        if seen.all(b"transfer-encoding") == [b"chunked"]:
            while size := int((await reader.readline()).split(b";")[0], 16):
                seen.body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
        elif seen.all(b"content-length"):
            seen.body = await reader.readexactly(int(seen.all(b"content-length")[0]))
