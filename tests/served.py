"""Shared by tests of doors: an application on a free port, and a client that sends exactly the octets it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
HANG_GUARD_S = 20.0  # nothing is asserted about time: only a test that hangs ends here


@asynccontextmanager
async def served(app: web.Application, **options: Any) -> AsyncIterator[int]:
    """`app` on a free port of loopback, with further options of aiohttp's runner."""
    runner = web.AppRunner(app, **{"access_log": None, "shutdown_timeout": 1.0, **options})
    try:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield site.port
    finally:
        await runner.cleanup()


@dataclass
class Answer:
    """One response as it came."""

    status: int
    head: bytes
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Every value of a field, in order."""
        lines = [line.partition(b":") for line in self.head.split(b"\r\n")[1:]]
        return [value.strip().decode("latin-1") for key, _, value in lines if key.decode().lower() == name.lower()]

    def first(self, name: str) -> str | None:
        """The first value of a field."""
        return next(iter(self.all(name)), None)


@dataclass
class Raw:
    """One connection, without any library's opinion on what may be sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    interim: list[int] = field(default_factory=list)

    async def send(self, octets: bytes) -> None:
        """Send these octets."""
        self.writer.write(octets)
        await self.writer.drain()

    async def answer(self, method: str = "GET") -> Answer:
        """The next final response; interim ones are noted."""
        while True:
            head = (await self.reader.readuntil(b"\r\n\r\n"))[:-4]
            found = Answer(status=int(head.split(b" ")[1]), head=head)
            if found.status >= 200 or found.status == 101:
                break
            self.interim.append(found.status)
        if method != "HEAD" and found.status not in (101, 204, 304):
            found.body = await self._body(found)
        return found

    async def rest(self) -> bytes:
        """Everything until the other side closes."""
        return await self.reader.read()

    async def _body(self, answer: Answer) -> bytes:
        if (answer.first("transfer-encoding") or "").lower() == "chunked":
            body = b""
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            return body
        length = answer.first("content-length")
        return await self.reader.read() if length is None else await self.reader.readexactly(int(length))


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Raw]:
    """A connection to a port of loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        async with asyncio.timeout(HANG_GUARD_S):
            yield Raw(reader, writer)
    finally:
        writer.close()


async def ask(port: int, target: str = "/", agent: str = CHROME, *, method: str = "GET", more: str = "") -> Answer:
    """The response to one request for `site.example`; `more` are field lines, each ended by CRLF."""
    async with connected(port) as raw:
        head = f"{method} {target} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n{more}"
        await raw.send(f"{head}Connection: close\r\n\r\n".encode())
        return await raw.answer(method)
