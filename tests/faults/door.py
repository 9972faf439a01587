"""A real door before a small site, and crawlers that come faster than they can be counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web

POLICY = """
version: 1
sites: ["127.0.0.1", site.example]
mode: enforce
default: allow
on_disallow: deny
on_error: allow
contact: mailto:owner@site.example
"""
ROBOTS = "User-agent: *\nDisallow: /shut/\n"
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
SEARCHBOT = "Mozilla/5.0 (compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot)"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
CONTENT = b"<p>content</p>" * 40


@asynccontextmanager
async def site(place: Path) -> AsyncIterator[str]:
    """The origin's address; `place` gets the policy."""

    async def page(request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            return web.Response(text=ROBOTS)
        if request.path.startswith("/.well-known/"):
            return web.Response(status=404)
        return web.Response(body=CONTENT, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{rest:.*}", page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    (place / "policy.yaml").write_text(POLICY)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask(port: int, path: str, agent: str = GPTBOT, within: float = 20.0) -> tuple[int, bytes]:
    """Status and what came of the body; 0 where not even a status came. Never raises for a door that dies."""
    data = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                head = f"GET {path} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                while more := await reader.read(65536):
                    data += more
            finally:
                writer.close()
    head, _, body = data.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]) if len(words) == 3 else 0), body
