"""Shared by tests of nginx: a real one with what `optout compile nginx` writes, before a site or before php-fpm.

It runs as the current user, with configuration, logs and sockets in a directory of the test's own.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from optout.compilers.edge import Edge
from optout.compilers.nginx import compile_nginx
from optout.compilers.nginx.route import compile_route
from tests.doors.edge_doors import compiled
from tests.doors.forward_auth_doors import forward_auth, free_port, site
from tests.served import served

Document = dict[str, str]

NGINX = """
daemon off;
{user}
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/nginx-error.log;
pcre_jit on;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f;
  uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
{http}
}}
"""
PROXY = """
  server {{
    listen 127.0.0.1:{port};
    merge_slashes off;
{server}
    location / {{
      proxy_pass http://127.0.0.1:{origin}$request_uri;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }}
  }}
"""


def configuration(place: Path, http: str) -> str:
    """A whole configuration around what belongs into its `http` block."""
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""  # else workers cannot enter the test's directory
    return NGINX.format(user=user, place=place, http=http)


def check(place: Path, http: str) -> tuple[int, str]:
    """What `nginx -t` says of what belongs into the `http` block: its code and its words."""
    file = place / "checked.conf"
    text = configuration(place, http).replace(f"{place}/nginx.pid", f"{place}/checked.pid")  # it is made by looking
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    done = subprocess.run([nginx(), "-t", "-p", place, "-c", file], capture_output=True, check=False)
    return done.returncode, done.stderr.decode("utf-8", "replace")


def nginx() -> str:
    """The program."""
    return shutil.which("nginx") or "/usr/sbin/nginx"


def write(files: Mapping[str, str], place: Path) -> None:
    """Write the files of an edge."""
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8", errors="surrogateescape")


@asynccontextmanager
async def running(place: Path, http: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """nginx with this in its `http` block, from its first listening to its end."""
    file = place / "nginx.conf"
    file.write_text(configuration(place, http), encoding="utf-8", errors="surrogateescape")
    with (place / "nginx.txt").open("wb") as log:
        server = await asyncio.create_subprocess_exec(nginx(), "-p", place, "-c", file, stdout=log, stderr=log)
    try:
        await _is_up(server, place)
        yield server
    finally:
        if server.returncode is None:
            server.send_signal(signal.SIGQUIT)  # so that what was answered is logged, too
        await server.wait()


async def _is_up(server: asyncio.subprocess.Process, place: Path) -> None:
    """nginx writes its number when it listens."""
    async with asyncio.timeout(60):
        while not (place / "nginx.pid").exists():
            assert server.returncode is None, (place / "nginx.txt").read_text()
            await asyncio.sleep(0.02)


def edge_files(document: Mapping[str, str], place: Path) -> Edge:
    """Write the compiled edge of a case into a directory."""
    edge, registry = compiled(document)
    write(compile_nginx(edge, registry, log=str(place / "optout.log")).files, place)
    return edge


@asynccontextmanager
async def compiled_door(document: Document, place: Path) -> AsyncIterator[int]:
    """A compiled nginx before such a site."""
    place.mkdir(parents=True, exist_ok=True)
    edge_files(document, place)
    async with served(site(document)) as origin:
        port = free_port()
        server = PROXY.format(port=port, origin=origin, server=f"include {place}/optout-server.conf;")
        async with running(place, f"include {place}/optout-http.conf;\n{server}"):
            yield port


@asynccontextmanager
async def routed_door(document: Document, place: Path) -> AsyncIterator[int]:
    """nginx that routes possible crawlers to `optout forward-auth`, before such a site."""
    place.mkdir(parents=True, exist_ok=True)
    policy = place / "policy.yaml"
    policy.write_text(document["policy"])
    edge, registry = compiled(document)
    write(compile_route(edge.policy, registry, edge=edge, socket=str(place / "auth.sock")).files, place)
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(site(document)))
        upstream = ("--upstream", f"http://127.0.0.1:{origin}")
        await stack.enter_async_context(forward_auth(place, policy, "--dialect", "nginx-route", *upstream))
        port = free_port()
        server = PROXY.format(port=port, origin=origin, server=f"include {place}/route-server.conf;")
        await stack.enter_async_context(running(place, f"include {place}/route-http.conf;\n{server}"))
        yield port
