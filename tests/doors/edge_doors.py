"""Shared by tests of compiled edges: real front ends that decide by themselves, before a site.

Front ends run as the current user, with configuration, logs and sockets in a directory of the test's own. Lines of the
log that an edge writes are read with `logged`.
"""

from __future__ import annotations

import asyncio
import getpass
import grp
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from optout.compilers.apache import compile_apache
from optout.compilers.caddy import compile_caddy
from optout.compilers.edge import Edge
from optout.compilers.haproxy import compile_haproxy
from optout.compilers.tables import compile_edge
from optout.crawlers.registry import Registry, bundled_registry
from optout.policy.loader import load_policy
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, Document, absent, known, parse_published
from tests.doors.forward_auth_doors import free_port, site
from tests.served import served

SITE = "site.example"

HAPROXY = """
global
  log 127.0.0.1:{log_port} len 65535 local0
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
frontend web
  bind 127.0.0.1:{port}
{inside}
  default_backend site
backend site
  server site 127.0.0.1:{origin}
"""

CADDY = """
{{
  admin off
  auto_https off
  storage file_system {place}/caddy
}}
{before}
http://:{port} {{
  bind 127.0.0.1
  {beside}
  route {{
    {inside}
    handle {{
      reverse_proxy 127.0.0.1:{origin}
    }}
  }}
}}
"""

MODULES = "/usr/lib/apache2/modules"
APACHE_MODULES = (
    *("mpm_event", "authz_core", "alias", "rewrite", "headers", "unique_id", "env", "setenvif", "dir"),
    *("proxy", "proxy_http"),
)
APACHE = """
ServerRoot {place}
ServerName localhost
PidFile {place}/apache.pid
DefaultRuntimeDir {place}
ErrorLog {place}/apache-error.log
{user}
{modules}
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  AllowEncodedSlashes NoDecode
  {inside}
  ProxyPreserveHost On
  ProxyPass / http://127.0.0.1:{origin}/ nocanon
</VirtualHost>
"""


def compiled(document: Mapping[str, str], *, authority: str = SITE) -> tuple[Edge, Registry]:
    """The edge of a case's policy and documents."""
    registry = bundled_registry()
    policy = load_policy(document["policy"].encode(), "policy.yaml", registry)

    def published(name: str, text: str | None) -> Document:
        return known(name, text.encode()) if text is not None else absent(name)

    documents = published(ROBOTS_NAME, document.get("robots")), published(TDMREP_NAME, document.get("tdmrep"))
    return compile_edge(
        policy, registry, parse_published(*documents, authority=authority), authority=authority
    ), registry


@dataclass
class Front:
    """A running front end. `read` counts the lines of its log that have been read from a file."""

    port: int
    place: Path
    kind: str
    log: socket.socket
    server: asyncio.subprocess.Process | None = None
    read: int = 0

    async def stop(self) -> None:
        """End the front end, so that all it logs is written."""
        assert self.server is not None
        if (
            self.server.returncode is None
        ):  # HAProxy ends at once when it is terminated, and what it did not log is lost
            self.server.send_signal(signal.SIGUSR1 if self.kind == "haproxy" else signal.SIGTERM)
        try:
            async with asyncio.timeout(10):
                await self.server.wait()
        except TimeoutError:
            self.server.kill()
            await self.server.wait()

    def logged(self) -> list[bytes]:
        """The lines of the edge's log since the last time."""
        if self.kind == "haproxy":
            found: list[bytes] = []
            while True:
                try:
                    found.append(self.log.recv(65536))
                except BlockingIOError:
                    return [line[line.index(b"{") :].rstrip(b"\n") for line in found if b"{" in line]
        path = self.place / "optout.log"
        lines = path.read_bytes().splitlines() if path.exists() else []
        new, self.read = lines[self.read :], len(lines)
        return new


@asynccontextmanager
async def edge(kind: str, place: Path, *, origin: int, made: tuple[Edge, Registry] | None) -> AsyncIterator[Front]:
    """A real front end of a kind, before the site on port `origin`; without an edge where `made` is None."""
    place.mkdir(parents=True, exist_ok=True)
    log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    log.bind(("127.0.0.1", 0))
    log.setblocking(False)
    log.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    shared: tempfile.TemporaryDirectory[str] | None = None
    if kind == "apache" and os.geteuid() == 0:  # it serves as somebody else, who may not enter a test's directory
        shared = tempfile.TemporaryDirectory()
        place = Path(shared.name)
        place.chmod(0o755)
    front = Front(port=free_port(), place=place, kind=kind, log=log)
    command = COMMANDS[kind](front, origin, made)
    with (place / f"{kind}.txt").open("wb") as output:
        front.server = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
    try:
        await _listens(front.port, front.server, place / f"{kind}.txt")
        yield front
    finally:
        await front.stop()
        log.close()
        if shared is not None:
            shared.cleanup()


def _haproxy(front: Front, origin: int, made: tuple[Edge, Registry] | None) -> list[str]:
    inside = "log global\n" + write(compile_haproxy(*made, place=str(front.place)).files, front.place) if made else ""
    settings = {"log_port": front.log.getsockname()[1], "port": front.port, "origin": origin}
    return ["haproxy", "-db", "-f", _configured(front, HAPROXY.format(inside=inside, **settings))]


def _caddy(front: Front, origin: int, made: tuple[Edge, Registry] | None) -> list[str]:
    settings = {"before": "", "beside": "", "inside": ""}
    if made:
        write(compile_caddy(*made, log=str(front.place / "optout.log")).files, front.place)
        settings = {
            "before": f"import {front.place}/optout.caddy",
            "beside": "import optout_log",
            "inside": "import optout",
        }
    text = CADDY.format(place=front.place, port=front.port, origin=origin, **settings)
    return ["caddy", "run", "--config", _configured(front, text), "--adapter", "caddyfile"]


def _apache(front: Front, origin: int, made: tuple[Edge, Registry] | None) -> list[str]:
    inside = ""
    if made:
        write(compile_apache(*made, place=str(front.place), log=str(front.place / "optout.log")).files, front.place)
        inside = f"Include {front.place}/optout.conf"
    text = APACHE.format(
        place=front.place,
        port=front.port,
        origin=origin,
        inside=inside,
        user=served_as(),
        modules="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in APACHE_MODULES),
    )
    return [shutil.which("apache2") or "/usr/sbin/apache2", "-DFOREGROUND", "-f", _configured(front, text)]


def served_as() -> str:
    """As whom Apache serves: never as root, and it reads an edge's maps as that user."""
    is_root = os.geteuid() == 0
    user, group = ("nobody", "nogroup") if is_root else (getpass.getuser(), grp.getgrgid(os.getgid()).gr_name)
    return f"User {user}\nGroup {group}"


COMMANDS: Mapping[str, Callable[[Front, int, tuple[Edge, Registry] | None], list[str]]] = {
    "haproxy": _haproxy,
    "caddy": _caddy,
    "apache": _apache,
}


def write(files: Mapping[str, str], place: Path) -> str:
    """Write the files of an edge; the text of the one that is for pasting, if there is one."""
    for name, text in files.items():
        (place / name).write_text(text)
    return files.get("frontend.cfg", "")


def _configured(front: Front, text: str) -> str:
    path = front.place / f"{front.kind}.conf"
    path.write_text(text)
    return str(path)


@asynccontextmanager
async def running(command: list[str], port: int, output: Path) -> AsyncIterator[None]:
    """A front end that a test configured by itself, until it answers on `port`."""
    with output.open("wb") as log:
        server = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        await _listens(port, server, output)
        yield
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
async def edge_door(kind: str, document: dict[str, str], place: Path) -> AsyncIterator[int]:
    """A front end compiled from the case's policy, before a site that publishes the case's documents."""
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(site(document)))
        yield (await stack.enter_async_context(edge(kind, place, origin=origin, made=compiled(document)))).port
