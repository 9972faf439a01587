"""Shared by tests of ingesting: lines as a compiled front end writes them."""

from __future__ import annotations

import json
from uuid import UUID

from optout.crawlers.registry import bundled_registry

SHA = "ab" * 32


def number(count: int) -> str:
    """The number of the `count`-th request."""
    return str(UUID(int=(0x0192_0000_0000_4000_8000 << 48) + count))


def members(count: int = 1, **other: str) -> dict[str, str]:
    """What a line says of the `count`-th request, a refusal if nothing else is said."""
    return {
        "optout": "1",
        "front": "nginx",
        "time": f"{1_795_000_000 + count}.250",
        "id": number(count),
        "method": "GET",
        "scheme": "https",
        "host": "site.example",
        "path": f"/gallery/{count}.jpg",
        "query": "0",
        "protocol": "HTTP/1.1",
        "user_agent": "Mozilla/5.0 (compatible; GPTBot/1.2)",
        "signature_agent": "",
        "crawler": "GPTBot",
        "action": "deny",
        "enforced": "1",
        "code": "clause",
        "clause": "no-training",
        "status": "403",
        "bytes": "1234",
        "policy": SHA,
        "robots": "",
        "tdm": "",
        "registry": bundled_registry().sha256,
        **other,
    }


def line(count: int = 1, **other: str) -> bytes:
    """The same as the octets of a line, without its line feed."""
    return json.dumps(members(count, **other)).encode()


def passed(count: int = 1, **other: str) -> bytes:
    """A line of a request that went on to the site."""
    return line(count, **{"action": "allow", "code": "", "clause": "", "status": "200", **other})
