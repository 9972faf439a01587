"""Shared by tests of commands, which have an event loop of their own: an aiohttp application in another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Thread

from aiohttp import web

from tests.served import HANG_GUARD_S, served


@contextmanager
def in_thread(app: web.Application) -> Iterator[str]:
    """`http://127.0.0.1:PORT` of the application, until the end."""
    ports: Queue[int] = Queue()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with served(app) as port:
            ports.put(port)
            await over.wait()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=HANG_GUARD_S)}"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
