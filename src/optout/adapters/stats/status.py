"""Whether a door is ready for visitors, and where its operator may ask for that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from optout.adapters.stats import Stats
from optout.errors import UsageError

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]*):([0-9]{1,5})\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAddress:
    """Where the status pages listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can ask."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def load_status_address(text: str) -> StatusAddress:
    """The address of `--status-listen`: `HOST:PORT`, or `:PORT` for this machine alone. Raises UsageError."""
    found = _ADDRESS.match(text)
    if found is None or int(found.group(2)) > 65535:
        raise UsageError(f"{text!r} is no address for the status pages", "write it like 127.0.0.1:9181 or [::1]:9181")
    return StatusAddress(host=found.group(1).strip("[]") or "127.0.0.1", port=int(found.group(2)))


def unready(stats: Stats | None, *, is_draining: bool = False, doors: int = 1) -> tuple[str, ...]:
    """Why a door should get no visitors now, in words for its operator; empty if it should.

    `doors` is how many should be open: the workers of one service.
    """
    found = ["the door is closing"] if is_draining else []
    if stats is None:
        return tuple(found) or ("the door has not opened",)
    if stats.doors < doors:
        found.append(f"{stats.doors} of {doors} workers serve")
    if stats.log is not None and not stats.log.writable:
        found.append(stats.log.trouble or "the evidence log takes no records")
    if not sum(stats.policies.values()):
        found.append("no policy is in force")
    return tuple(found)
