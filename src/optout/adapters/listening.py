"""Where a door listens: a host and a port, or the path of a unix socket.

Rule: what is not ours stays. A socket on which somebody listens, and a file that is no socket, are left alone and said;
only the socket of a process that has ended makes way.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optout.errors import UsageError

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:\[\]]*):([0-9]{1,5})\Z", re.ASCII)
_BACKLOG = 1024  # connections that wait to be taken in: nginx asks for 511, Caddy for the kernel's limit
_HANDSHAKE_S = 10.0
# Whoever may enter the directory may ask: nginx runs as another user, and a group in common is the owner's to make.
_SOCKET_MODE = 0o666


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`socket` is the path of a unix socket, or "" for host and port; an empty host is every address of the machine."""

    host: str = ""
    port: int = 0
    socket: str = ""

    def __str__(self) -> str:
        return f"unix:{self.socket}" if self.socket else f"{_bracketed(self.host)}:{self.port}"


def load_place(text: str) -> Place:
    """The `--listen` setting as a value; raises UsageError with what is wrong with it."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            raise UsageError(f"{text!r} names no absolute path", "write it like unix:/run/optout/optout.sock")
        return Place(socket=path)
    found = _ADDRESS.match(text)
    if found is None or int(found.group(2)) > 65535:
        raise UsageError(
            f"{text!r} is no address to listen on",
            "write it like 127.0.0.1:8080, [::1]:8080 or unix:/run/optout/optout.sock",
        )
    return Place(host=found.group(1).strip("[]"), port=int(found.group(2)))


class Listener:
    """An open place. `address` is where to ask, as a URL, or `unix:` and the path."""

    def __init__(self, server: asyncio.Server, place: Place, *, is_tls: bool) -> None:
        self._server = server
        self._place = place
        if place.socket:
            self.port, self.address = 0, str(place)
        else:
            self.port = int(server.sockets[0].getsockname()[1])
            shown = _bracketed(place.host) or "0.0.0.0"  # noqa: S104  it says what the owner chose
            self.address = f"{'https' if is_tls else 'http'}://{shown}:{self.port}"

    async def close(self) -> None:
        """Let nobody in any more. Connections that are open stay."""
        self._server.close()
        if self._place.socket:
            await asyncio.to_thread(Path(self._place.socket).unlink, missing_ok=True)


async def listen(
    place: Place,
    make: Callable[[], asyncio.BaseProtocol],
    *,
    tls: ssl.SSLContext | None = None,
    shares_port: bool = False,
) -> Listener:
    """Let connections in, each with a protocol of its own; raises UsageError where the place cannot be had.

    With `shares_port` other processes may listen at the same port (SO_REUSEPORT), and the kernel deals out to them.
    """
    loop = asyncio.get_running_loop()
    within = _HANDSHAKE_S if tls else None
    try:
        if place.socket:
            await asyncio.to_thread(_make_way, place.socket)
            server = await loop.create_unix_server(
                make, place.socket, backlog=_BACKLOG, ssl=tls, ssl_handshake_timeout=within
            )
            await asyncio.to_thread(Path(place.socket).chmod, _SOCKET_MODE)
        else:
            server = await loop.create_server(
                make,
                place.host or None,
                place.port,
                backlog=_BACKLOG,
                reuse_port=shares_port or None,
                ssl=tls,
                ssl_handshake_timeout=within,
            )
    except OSError as fault:
        raise cannot_listen(place, fault) from fault
    return Listener(server, place, is_tls=tls is not None)


def _make_way(path: str) -> None:
    """Remove a socket that nobody listens on any more; raises UsageError where somebody does, or it is none."""
    if not Path(path).exists():
        return
    if not Path(path).is_socket():
        raise UsageError(f"{path} is there already, and is no socket", "name another path with --listen")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)
            return
    raise UsageError(f"another process listens on {path}", "stop it, or name another path with --listen")


def cannot_listen(place: Place, fault: OSError) -> UsageError:
    """What to say of a place that cannot be had."""
    return UsageError(
        f"cannot listen on {place}: {fault.strerror or fault}",
        "choose another address with --listen; ports below 1024 need CAP_NET_BIND_SERVICE",
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
