"""The nouns: a rule, what it found, and the file that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar

from optout.crawlers.registry import Registry
from optout.robots.model import RobotsTxt
from optout.robots.parser import parse_robots


class Severity(StrEnum):
    """How much it matters. Public words."""

    ERROR = "error"  # somebody reads the opposite of what was meant
    WARNING = "warning"  # readers disagree, or one of them loses something
    NOTE = "note"  # nothing is lost; it could be said better


@dataclass(frozen=True, slots=True)
class Found:
    """One place. `line` and `column` count from 1; 0 is the whole file, or the whole line. `text` is safe to print."""

    line: int
    text: str
    column: int = 0


_Source = TypeVar("_Source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[_Source]):
    """A rule; its page in docs/lint is made of these texts. `fix` gives the file without what the rule finds.

    A fix is safe: no reader that read the file as it was meant reads it otherwise afterwards.
    """

    code: str
    severity: Severity
    title: str
    why: str
    example: str
    instead: str
    reference: str
    check: Callable[[_Source], Iterable[Found]]
    fix: Callable[[bytes], bytes] | None = None
    since: str = "0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found, as it is told."""

    code: str
    severity: Severity
    title: str
    line: int
    column: int
    text: str
    fixable: bool


@dataclass(frozen=True)
class RobotsSource:
    """A robots.txt: its bytes, what the parser made of them, its lines, and who crawls."""

    data: bytes
    registry: Registry

    @cached_property
    def robots(self) -> RobotsTxt:
        """As RFC 9309 reads it."""
        return parse_robots(self.data)

    @cached_property
    def lines(self) -> tuple[bytes, ...]:
        """The lines without their ends, as the parser counts them."""
        return tuple(self.data.removeprefix(b"\xef\xbb\xbf").splitlines())

    @cached_property
    def records(self) -> tuple[tuple[int, str, str], ...]:
        """Number, key (lower-cased) and value of each line that has a colon; octets outside UTF-8 are escaped."""
        return tuple(_records(self.lines))

    def faults(self, *codes: str) -> Iterator[Found]:
        """Faults of the parser, as finds."""
        for fault in self.robots.faults:
            if fault.code in codes:
                yield Found(fault.line, shown(fault.text))


def _records(lines: tuple[bytes, ...]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines, 1):
        key, colon, value = line.partition(b"#")[0].decode("utf-8", "surrogateescape").partition(":")
        if colon:
            yield number, key.strip(" \t").lower(), value.strip(" \t")


def shown(text: str) -> str:
    """A stranger's text, printable and on one line; what is not ASCII comes as escapes."""
    return "".join(char if " " <= char <= "~" else ascii(char)[1:-1] for char in text[:200])
