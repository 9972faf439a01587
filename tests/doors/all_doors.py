"""Every door before the same site, under one policy: what a test needs to send one table through all of them."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from optout.adapters.aiohttp import setup
from tests.doors.asgi_doors import asgi_door
from tests.doors.edge_doors import compiled, edge
from tests.doors.forward_auth_doors import forward_auth, free_port, front_end, site
from tests.doors.nginx_doors import PROXY, edge_files, running
from tests.doors.wsgi_doors import wsgi_door
from tests.served import served

Document = dict[str, str]
Door = Callable[[Document, Path], AbstractAsyncContextManager[int]]


@asynccontextmanager
async def _with_site(name: str, document: Document, place: Path) -> AsyncIterator[int]:
    """A door that stands before an origin, with the site as that."""
    policy = place / "policy.yaml"
    policy.write_text(document["policy"])
    async with served(site(document)) as origin, BEFORE[name](policy, place, origin) as port:
        yield port


@asynccontextmanager
async def _serve(engine: str, policy: Path, place: Path, origin: int) -> AsyncIterator[int]:
    """`optout serve` in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    door = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "optout", "serve", "--engine", engine),
        *("--upstream", f"http://127.0.0.1:{origin}", "--listen", f"127.0.0.1:{port}"),
        *("--policy", str(policy), "--evidence", str(place / "evidence"), "--state", str(place / "state")),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    assert door.returncode is None
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield port
    finally:
        door.terminate()
        await door.wait()


@asynccontextmanager
async def _middleware(document: Document, place: Path) -> AsyncIterator[int]:
    """An aiohttp application with the door in it."""
    policy = place / "policy.yaml"
    policy.write_text(document["policy"])
    app: web.Application = site(document)
    setup(app, policy=policy, evidence=place / "evidence", state=place / "state")
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(served(app))


@asynccontextmanager
async def _asking(kind: str, policy: Path, place: Path, origin: int) -> AsyncIterator[int]:
    """A real front end that asks `optout forward-auth`."""
    upstream = ("--upstream", f"http://127.0.0.1:{origin}")
    async with (
        forward_auth(place, policy, "--dialect", kind, *upstream) as address,
        front_end(kind, place, optout=address, origin=origin) as port,
    ):
        yield port


BEFORE: dict[str, Callable[[Path, Path, int], AbstractAsyncContextManager[int]]] = {
    "gateway": partial(_serve, "aiohttp"),
    "mitmproxy": partial(_serve, "mitmproxy"),
    "forward-auth nginx": partial(_asking, "nginx"),
    "forward-auth caddy": partial(_asking, "caddy"),
}
"""The doors that stand before an origin: a policy, a directory and the origin's port give the door's port."""


@asynccontextmanager
async def _compiled(kind: str, policy: Path, place: Path, origin: int) -> AsyncIterator[int]:
    """A front end that decides by itself."""
    made = compiled({"policy": policy.read_text()})
    async with edge(kind, place / kind, origin=origin, made=made) as front:
        yield front.port


@asynccontextmanager
async def _nginx(policy: Path, place: Path, origin: int) -> AsyncIterator[int]:
    """An nginx that decides by itself."""
    edge_files({"policy": policy.read_text()}, place)
    port = free_port()
    server = PROXY.format(port=port, origin=origin, server=f"include {place}/optout-server.conf;")
    async with running(place, f"include {place}/optout-http.conf;\n{server}"):
        yield port


EDGES: dict[str, Callable[[Path, Path, int], AbstractAsyncContextManager[int]]] = {
    "compiled nginx": _nginx,
    "compiled haproxy": partial(_compiled, "haproxy"),
    "compiled caddy": partial(_compiled, "caddy"),
    "compiled apache": partial(_compiled, "apache"),
}
"""Front ends that decide by themselves. They differ by listed losses, so tests of their own send them the table."""

DOORS: dict[str, Door] = {
    **{name: partial(_with_site, name) for name in BEFORE},
    "aiohttp": _middleware,
    "asgi": asgi_door,
    "wsgi": wsgi_door,
}
"""All doors: a site's documents and a directory give the port at which the site is served through the door."""
