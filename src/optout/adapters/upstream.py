"""The origin behind the gateway: how it is named, and how it is reached."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from optout.errors import UsageError
from optout.messages import parse_authority

_REMEDY = "write it like http://127.0.0.1:8000, https://origin.example or unix:/run/site.sock"

_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where requests go on to: `base` is scheme and authority; `socket` a unix socket's path, or ""."""

    base: str
    socket: str = ""

    @property
    def host(self) -> str:
        """What the origin is called where a visitor names no host."""
        return self.base.partition("://")[2]

    async def connect(self, make: Callable[[], _Protocol]) -> _Protocol:
        """A new connection; raises OSError or ValueError where none is to be had."""
        loop = asyncio.get_running_loop()
        if self.socket:
            _, protocol = await loop.create_unix_connection(make, self.socket)
            return protocol
        parts = urlsplit(self.base)
        tls = _tls() if parts.scheme == "https" else None
        port = parts.port or (443 if tls else 80)
        _, protocol = await loop.create_connection(make, parts.hostname or "", port, ssl=tls)
        return protocol


def load_upstream(text: str) -> Upstream:
    """The `--upstream` setting as a value; raises UsageError with what is wrong with it."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            raise UsageError(f"upstream {text!r} names no absolute path", _REMEDY)
        return Upstream(base="http://localhost", socket=path)
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or parse_authority(parts.netloc, parts.scheme) is None:
        raise UsageError(f"upstream {text!r} is no http, https or unix URL", _REMEDY)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise UsageError(
            f"upstream {text!r} has a path",
            "name scheme, host and port only: requests go on with the path that they came with",
        )
    return Upstream(base=f"{parts.scheme}://{parts.netloc}")


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


@cache
def _tls() -> ssl.SSLContext:
    """The system's authorities vouch for the origin."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
