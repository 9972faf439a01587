"""Shared by tests of the forward-auth door: the command in a process, and real front ends that ask it.

Front ends run as the current user, with configuration, logs and sockets in a directory of the test's own.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from tests.served import served

DOCUMENTS = {"/robots.txt": "robots", "/.well-known/tdmrep.json": "tdmrep"}

SHIPPED = Path(__file__).parent.parent.parent / "deploy" / "forward-auth"

# What is around the shipped files in a test; what is in them is tried as it is, but for addresses.
_NGINX = """
daemon off;
{user}
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f;
  uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
{shipped}
}}
"""
_NGINX_S_OWN_403 = """
    location = /static-403 { deny all; }
    location / {"""
_CADDY = """
{{
  admin off
  auto_https off
  storage file_system {place}/caddy
}}
{shipped}
"""


def _put(text: str, *pairs: tuple[str, str]) -> str:
    """`text` with the second of each pair for the first, which is there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx_configuration(place: Path, *, port: int, optout: str, origin: int, serves_without: bool = False) -> str:
    """The shipped nginx.conf for these addresses; `serves_without` takes the # from what serves without Optout."""
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""  # else workers cannot enter the test's directory
    shipped = _put(
        (SHIPPED / "nginx.conf").read_text(),
        ("unix:/run/optout/auth.sock", optout),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("http://127.0.0.1:8000;", f"http://127.0.0.1:{origin};"),
        ("\n    location / {", _NGINX_S_OWN_403),
        *([("#error_page", "error_page")] if serves_without else []),
    )
    return _NGINX.format(user=user, place=place, shipped=shipped)


def caddy_configuration(place: Path, *, port: int, optout: str, origin: int, serves_without: bool = False) -> str:
    """The shipped Caddyfile for these addresses; `serves_without` takes the # from what serves without Optout."""
    shipped = _put(
        (SHIPPED / "Caddyfile").read_text(),
        ("unix//run/optout/auth.sock", optout.replace("unix:/", "unix//")),
        ("\nsite.example {", f"\nhttp://:{port} {{\n\tbind 127.0.0.1"),
        (" 127.0.0.1:8000", f" 127.0.0.1:{origin}"),
        *([("\t#handle_errors", "\thandle_errors"), ("\t#\t", "\t\t"), ("\t#}", "\t}")] if serves_without else []),
    )
    return _CADDY.format(place=place, shipped=shipped)


TAGGED = "/tagged"
TAG = {"X-Robots-Tag": "noai"}
"""A page whose own field speaks about uses."""


def site(document: dict[str, str]) -> web.Application:
    """A site that publishes a case's documents and answers everything else with a page; `/tagged` carries a field."""

    async def page(request: web.Request) -> web.Response:
        name = DOCUMENTS.get(request.path)
        text = document.get(name) if name else "a page"
        tag = TAG if request.path == TAGGED else {}
        return web.Response(status=404) if text is None else web.Response(text=text, headers=tag)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    return app


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def forward_auth(place: Path, policy: Path | str, *options: str, listen: str = "") -> AsyncIterator[str]:
    """`optout forward-auth` in a process of its own; gives the address where it answers."""
    where = listen or f"unix:{place}/auth.sock"
    with (place / "forward-auth.txt").open("wb") as log:
        door = await _start(where, policy, place, options, log)
    try:
        assert door.stdout is not None
        async with asyncio.timeout(60):
            line = await door.stdout.readline()
        assert line, (place / "forward-auth.txt").read_text()
        yield str(json.loads(line)["listening"])
    finally:
        if door.returncode is None:
            door.terminate()
        await door.wait()


async def _start(
    where: str, policy: Path | str, place: Path, options: tuple[str, ...], log: BinaryIO
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "optout", "forward-auth", "--json", "--listen", where),
        *("--policy", str(policy), "--evidence", str(place / "evidence"), "--state", str(place / "state"), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
    )


@asynccontextmanager
async def front_end(
    kind: str, place: Path, *, optout: str, origin: int, serves_without: bool = False
) -> AsyncIterator[int]:
    """The port of a real nginx or Caddy that asks at `optout` and serves the origin on port `origin`."""
    port = free_port()
    file = place / f"{kind}.conf"
    make = nginx_configuration if kind == "nginx" else caddy_configuration
    file.write_text(make(place, port=port, optout=optout, origin=origin, serves_without=serves_without))
    if kind == "nginx":
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(place), "-c", str(file)]
    else:
        command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
    with (place / f"{kind}.txt").open("wb") as log:
        server = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        await _listens(port, server, place / f"{kind}.txt")
        yield port
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


async def _listens(port: int, server: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(30):
        while True:
            assert server.returncode is None, log.read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@asynccontextmanager
async def forward_auth_door(kind: str, document: dict[str, str], place: Path) -> AsyncIterator[int]:
    """A real front end before such a site, with `optout forward-auth` under the case's policy beside it."""
    policy = place / "policy.yaml"
    policy.write_text(document["policy"])
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(site(document)))
        upstream = ("--upstream", f"http://127.0.0.1:{origin}")
        address = await stack.enter_async_context(forward_auth(place, policy, "--dialect", kind, *upstream))
        yield await stack.enter_async_context(front_end(kind, place, optout=address, origin=origin))
