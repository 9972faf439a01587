"""A real nginx or Caddy before whatever a test names, as the current user, its files in the test's directory."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/nginx-error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f;
  uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
  proxy_cache_path {place}/cache keys_zone=pages:1m;
  {http}
  server {{
    listen 127.0.0.1:{port}{tls};
{inside}
  }}
}}
"""


_CADDYFILE = """
{{
  admin off
  auto_https off
  storage file_system {place}/caddy
}}
{before}
http://:{port} {{
  bind 127.0.0.1
{inside}
}}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def caddy(place: Path, inside: str, *, before: str = "") -> AsyncIterator[int]:
    """Its port; `inside` is what stands in the site's block, `before` what stands before it."""
    port = _free_port()
    configuration = place / "Caddyfile"
    configuration.write_text(_CADDYFILE.format(place=place, port=port, inside=inside, before=before))
    async with _running(place, port, "caddy", "run", "--config", configuration, "--adapter", "caddyfile"):
        yield port


@asynccontextmanager
async def nginx(
    place: Path, inside: str, *, http: str = "", pair: tuple[Path, Path] | None = None
) -> AsyncIterator[int]:
    """Its port; `inside` is what stands in `server`, `http` beside it, `pair` a certificate and its key."""
    port = _free_port()
    if pair is not None:
        inside += f"\nssl_certificate {pair[0]}; ssl_certificate_key {pair[1]};"
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""  # else workers cannot enter the directory
    configuration = place / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(place=place, port=port, user=user, inside=inside, http=http, tls=" ssl" if pair else "")
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    async with _running(place, port, program, "-p", place, "-c", configuration):
        yield port


@asynccontextmanager
async def _running(place: Path, port: int, *command: str | Path) -> AsyncIterator[None]:
    """A server, from when it listens at `port`."""
    with (place / "server.txt").open("wb") as log:
        server = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        async with asyncio.timeout(30):
            while not await _listens(port):
                assert server.returncode is None, (place / "server.txt").read_text()
        yield
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await asyncio.sleep(0.02)
        return False
    writer.close()
    return True
