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
    """A path and query as a client sends it: these readers expect a URL that is encoded already."""
    path = _OUTSIDE_URLS.sub(_escape, as_octets(target)).decode("ascii")
    return path if path.startswith("/") else f"/{path}"


@dataclass(frozen=True, slots=True)
class Wildcards:
    """A pattern whose `*` is any text, in pieces; `ends` says that its end is that of the path."""

    pieces: tuple[str, ...]
    ends: bool

    @classmethod
    def parse(cls, pattern: str, *, ends: bool) -> Wildcards:
        """The pattern without its final `$`, if it had one."""
        first, *rest = pattern.split("*")
        return cls((first, *filter(None, rest[:-1]), *rest[-1:]), ends)

    def reach(self, path: str) -> int:
        """How much of a path it takes at most, as a greedy matcher does; -1 where it does not match. Linear time."""
        first, *rest = self.pieces
        if not path.startswith(first):
            return -1
        at = len(first)
        if not rest:
            return at if not self.ends or at == len(path) else -1
        for piece in rest[:-1]:
            found = path.find(piece, at)
            if found < 0:
                return -1
            at = found + len(piece)
        last = rest[-1]
        if self.ends:
            return len(path) if len(path) - len(last) >= at and path.endswith(last) else -1
        found = path.rfind(last, at)
        return found + len(last) if found >= 0 else -1
