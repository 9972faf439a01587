"""How other readers take the same robots.txt: an owner publishes one file, and crawlers read it in their own ways.

The `rfc` dialect is what Optout enforces. `protego` is what a Scrapy crawler does, asked of Protego itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from protego import Protego

from optout.robots.matcher import RobotsMatcher
from optout.robots.model import as_octets
from optout.robots.parser import parse_robots


class Dialect(StrEnum):
    """A way of reading robots.txt. Closed; the values are public."""

    RFC = "rfc"
    PROTEGO = "protego"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer for a token and a path. `line` decided; 0 where no rule did, or where the reader does not say."""

    allowed: bool
    line: int


Reader = Callable[[str, str], Verdict]
"""Asked with a product token and a path and query. Never raises."""


def read_as(dialect: Dialect, data: bytes, token: str, target: str) -> Verdict:
    """What a reader of this dialect concludes from `data` for one token and one path and query. Never raises."""
    return reader(dialect, data)(token, target)


def reader(dialect: Dialect, data: bytes) -> Reader:
    """A reader of this dialect that has read `data`, for many questions."""
    match dialect:
        case Dialect.RFC:
            return _rfc(data)
        case Dialect.PROTEGO:
            return _protego(data)


def _rfc(data: bytes) -> Reader:
    matcher = RobotsMatcher(parse_robots(data))

    def read(token: str, target: str) -> Verdict:
        found = matcher.match((token,), target)
        return Verdict(found.allowed, found.rule.line if found.rule is not None else 0)

    return read


_OUTSIDE_URLS = re.compile(rb"[^\x21-\x7e]")


def _escape(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def _protego(data: bytes) -> Reader:
    parsed = Protego.parse(data.decode("utf-8", "ignore"))  # as Scrapy decodes it

    def read(token: str, target: str) -> Verdict:
        # Protego expects a URL as it goes over the wire; it would raise for a lone surrogate, and urlsplit would
        # drop tabs and line ends.
        path = _OUTSIDE_URLS.sub(_escape, as_octets(target)).decode("ascii")
        slash = "" if path.startswith("/") else "/"
        return Verdict(parsed.can_fetch(f"https://site.invalid{slash}{path}", token), 0)

    return read
