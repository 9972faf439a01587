"""Shared by tests of the routed forms for Caddy and Apache: a front end, Optout beside it, and a site behind both."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from optout.compilers.apache.route import compile_apache_route
from optout.compilers.caddy.route import compile_caddy_route
from optout.policy.loader import load_policy
from tests.doors.edge_doors import APACHE_MODULES, MODULES, compiled, running, served_as, write
from tests.doors.forward_auth_doors import forward_auth, free_port

CADDY = """
{{
  admin off
  auto_https off
  storage file_system {place}/caddy
}}
import {place}/route.caddy
http://:{port} {{
  bind 127.0.0.1
  route {{
    import optout_route
    handle {{
      reverse_proxy 127.0.0.1:{origin}
    }}
  }}
}}
"""

APACHE = """
ServerRoot {place}
ServerName localhost
PidFile {place}/apache.pid
DefaultRuntimeDir {place}
ErrorLog {place}/apache-error.log
{user}
{modules}
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{again}
Include {place}/route-server.conf
<VirtualHost 127.0.0.1:{port}>
  Include {place}/route-site.conf
  AllowEncodedSlashes NoDecode
  ProxyPreserveHost On
  ProxyPass / http://127.0.0.1:{origin}/ nocanon
</VirtualHost>
<VirtualHost 127.0.0.1:{again}>
  AllowEncodedSlashes NoDecode
  ProxyPreserveHost On
  ProxyPass / http://127.0.0.1:{origin}/ nocanon
</VirtualHost>
"""


@asynccontextmanager
async def routed(
    kind: str, document: dict[str, str], place: Path, *, origin: int, up: bool = True
) -> AsyncIterator[int]:
    """The port of a front end that routes; Optout runs beside it where `up`."""
    async with AsyncExitStack() as stack:
        shared = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # Apache serves as somebody else
        shared.chmod(0o755)
        (place / "policy.yaml").write_text(document["policy"])
        start = _caddy if kind == "caddy" else _apache
        yield await start(stack, document, place, shared, origin, up=up)


async def _caddy(
    stack: AsyncExitStack, document: dict[str, str], place: Path, shared: Path, origin: int, *, up: bool
) -> int:
    port, socket = free_port(), shared / "auth.sock"
    edge, registry = compiled(document)
    policy = load_policy(document["policy"].encode(), "policy.yaml", registry)
    write(compile_caddy_route(policy, registry, edge=edge, socket=str(socket)).files, shared)
    if up:
        upstream = ("--upstream", f"http://127.0.0.1:{origin}")
        door = forward_auth(place, place / "policy.yaml", "--dialect", "caddy", *upstream, listen=f"unix:{socket}")
        await stack.enter_async_context(door)
    configuration = shared / "Caddyfile"
    configuration.write_text(CADDY.format(place=shared, port=port, origin=origin))
    command = ["caddy", "run", "--config", str(configuration), "--adapter", "caddyfile"]
    await stack.enter_async_context(running(command, port, shared / "caddy.txt"))
    return port


async def _apache(
    stack: AsyncExitStack, document: dict[str, str], place: Path, shared: Path, origin: int, *, up: bool
) -> int:
    port, again, socket = free_port(), free_port(), shared / "serve.sock"
    edge, registry = compiled(document)
    policy = load_policy(document["policy"].encode(), "policy.yaml", registry)
    made = compile_apache_route(policy, registry, edge=edge, socket=str(socket), origin=f"127.0.0.1:{again}")
    write(made.files, shared)
    if up:
        await stack.enter_async_context(_serving(place, socket, again))
    modules = (*APACHE_MODULES, "proxy_balancer", "lbmethod_byrequests", "slotmem_shm")
    configuration = shared / "apache.conf"
    configuration.write_text(
        APACHE.format(
            place=shared,
            port=port,
            again=again,
            origin=origin,
            user=served_as(),
            modules="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules),
        )
    )
    command = [shutil.which("apache2") or "/usr/sbin/apache2", "-DFOREGROUND", "-f", str(configuration)]
    await stack.enter_async_context(running(command, port, shared / "apache.txt"))
    return port


@asynccontextmanager
async def _serving(place: Path, socket: Path, upstream: int) -> AsyncIterator[None]:
    with (place / "serve.txt").open("wb") as log:
        door = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "optout", "serve", "--json", "--listen", f"unix:{socket}"),
            *("--upstream", f"http://127.0.0.1:{upstream}", "--trusted-proxy", "127.0.0.0/8"),
            *("--policy", str(place / "policy.yaml"), "--evidence", str(place / "evidence")),
            *("--state", str(place / "state")),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert door.stdout is not None
        async with asyncio.timeout(60):
            line = await door.stdout.readline()
        assert line, (place / "serve.txt").read_text()
        assert "listening" in json.loads(line)
        socket.chmod(0o777)
        yield
    finally:
        if door.returncode is None:
            door.terminate()
        await door.wait()
