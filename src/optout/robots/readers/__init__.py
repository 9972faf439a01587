"""How others read robots.txt, each in a room of its own; `dialects` names them and asks them.

What they imitate is behavior, as far as it is public or was measured; none of it is enforced. Each takes the file's
octets once and answers a token and a path with a `Verdict`. Nothing here raises, and no pattern is handed to a
backtracking matcher.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from optout.robots.model import as_octets


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer for a token and a path. `line` decided; 0 where no rule did, or where the reader does not say."""

    allowed: bool
    line: int


Reader = Callable[[str, str], Verdict]
"""Asked with a product token and a path and query. Never raises."""

_OUTSIDE_URLS = re.compile(rb"[^\x21-\x7e]")


def _escape(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def on_the_wire(target: str) -> str:
    """A path and query as a client sends it, without a fragment: these readers expect a URL that is encoded already."""
    path = _OUTSIDE_URLS.sub(_escape, as_octets(target.partition("#")[0])).decode("ascii")
    return path if path.startswith("/") else f"/{path}"
