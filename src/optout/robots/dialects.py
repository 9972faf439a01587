"""How other readers take the same robots.txt: an owner publishes one file, and crawlers read it in their own ways.

The `rfc` dialect is what Optout enforces. `protego` is what a Scrapy crawler does, asked of Protego itself; `google`
is google/robotstxt, `python-old` and `python-new` are Python's own parser before and after 2026 (`readers`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from protego import Protego

from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.robots.readers import Reader, Verdict, on_the_wire
from optout.robots.readers.google import google
from optout.robots.readers.python_new import python_new
from optout.robots.readers.python_old import python_old

__all__ = ["Dialect", "Reader", "Verdict", "read_as", "reader"]


class Dialect(StrEnum):
    """A way of reading robots.txt. Closed; the values are public."""

    RFC = "rfc"
    GOOGLE = "google"
    PROTEGO = "protego"
    PYTHON_OLD = "python-old"
    PYTHON_NEW = "python-new"


def read_as(dialect: Dialect, data: bytes, token: str, target: str) -> Verdict:
    """What a reader of this dialect concludes from `data` for one token and one path and query. Never raises."""
    return reader(dialect, data)(token, target)


def reader(dialect: Dialect, data: bytes) -> Reader:
    """A reader of this dialect that has read `data`, for many questions."""
    return _READERS[dialect](data)


def _rfc(data: bytes) -> Reader:
    matcher = RobotsMatcher(parse_robots(data))

    def read(token: str, target: str) -> Verdict:
        found = matcher.match((token,), target)
        return Verdict(found.allowed, found.rule.line if found.rule is not None else 0)

    return read


def _protego(data: bytes) -> Reader:
    parsed = Protego.parse(data.decode("utf-8", "ignore"))  # as Scrapy decodes it

    def read(token: str, target: str) -> Verdict:
        # Protego would raise for a lone surrogate, and urlsplit would drop tabs and line ends.
        return Verdict(parsed.can_fetch(f"https://site.invalid{on_the_wire(target)}", token), 0)

    return read


_READERS: dict[Dialect, Callable[[bytes], Reader]] = {
    Dialect.RFC: _rfc,
    Dialect.GOOGLE: google,
    Dialect.PROTEGO: _protego,
    Dialect.PYTHON_OLD: python_old,
    Dialect.PYTHON_NEW: python_new,
}
