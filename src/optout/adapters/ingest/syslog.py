"""A syslog socket for front ends that log by datagram, HAProxy above all: one datagram, one line.

    syslog:unix:/run/optout/access.sock     syslog:udp:127.0.0.1:5140

Rule: on this machine alone. Whoever can send a datagram can write a record, so a network address is refused, and a
unix socket has mode 0660.

Nothing is lost here without a trace as far as this side can see: the kernel counts the datagrams that it had no room
for. Those that were sent while nobody listened are counted by nobody; that is what files are for.
"""

from __future__ import annotations

import re
import select
import socket
import stat
import struct
from contextlib import suppress
from pathlib import Path

from optout.errors import UsageError

PREFIX = "syslog:"
_UDP = re.compile(r"udp:(\[[0-9a-fA-F:]+\]|[0-9.]+):([0-9]{1,5})\Z", re.ASCII)
_LARGEST = 256 * 1024
_MOST_AT_ONCE = 900  # two records each fit into the log's queue
_ROOM = 8 * 1024 * 1024  # octets that the kernel is asked to hold; it gives what net.core.rmem_max allows
_SO_RXQ_OVFL = 40  # <asm-generic/socket.h>; Python has no name for it
_COUNT = struct.Struct("=I")
_HEAD_WITHIN = 1024  # octets: a priority, a time, a host of 255, a tag, the structured data of RFC 5424


def strip_head(datagram: bytes) -> bytes:
    """A datagram without what syslog puts before the line: RFC 3164, RFC 5424, HAProxy's shorter forms, or nothing."""
    line = datagram.rstrip(b"\r\n\0")
    if not line.startswith(b"<"):
        return line
    start = line.find(b'{"', 0, _HEAD_WITHIN)
    return line if start < 0 else line[start:]


class SyslogSocket:
    """A socket that takes lines. `name` is how it was given; raises UsageError where it cannot be opened."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dropped = 0
        self._path: Path | None = None
        try:
            self._socket = self._open(name.removeprefix(PREFIX))
        except OSError as fault:
            raise UsageError(f"cannot listen at {name}: {fault.strerror}", "choose another place") from fault

    def _open(self, place: str) -> socket.socket:
        if place.startswith("unix:/"):
            return self._open_unix(Path(place.removeprefix("unix:")))
        found = _UDP.match(place)
        if found is None or int(found.group(2)) > 65535:
            raise UsageError(
                f"{self.name!r} is no syslog socket",
                "write syslog:unix:/run/optout/access.sock or syslog:udp:127.0.0.1:5140",
            )
        host = found.group(1).strip("[]")
        if host != "::1" and not host.startswith("127."):
            raise UsageError(f"{self.name}: whoever reaches that address could write records", "use 127.0.0.1 or [::1]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return _bound(family, (host, int(found.group(2))))

    def _open_unix(self, path: Path) -> socket.socket:
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise UsageError(f"{path} is there and is no socket", "name a new file")
            path.unlink()  # left behind by a process that was killed
        made = _bound(socket.AF_UNIX, str(path))
        path.chmod(0o660)
        self._path = path
        return made

    @property
    def address(self) -> str:
        """Where it listens, with the port that the system chose for port 0."""
        named = self._socket.getsockname()
        return str(named) if isinstance(named, str) else f"{named[0]}:{named[1]}"

    def take(self, within_s: float) -> tuple[bytes, ...]:
        """The lines that have arrived, waiting at most `within_s` seconds for the first."""
        lines: list[bytes] = []
        while len(lines) < _MOST_AT_ONCE and select.select([self._socket], [], [], 0 if lines else within_s)[0]:
            datagram, counts, _, _ = self._socket.recvmsg(_LARGEST, socket.CMSG_SPACE(_COUNT.size))
            for level, kind, data in counts:
                if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
                    (self.dropped,) = _COUNT.unpack(data[: _COUNT.size])
            lines.append(strip_head(datagram))
        return tuple(lines)

    def close(self) -> None:
        """Close it; a unix socket's file goes, too."""
        self._socket.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _bound(family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        with suppress(OSError):  # Linux alone counts, and only what came over a network
            made.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
