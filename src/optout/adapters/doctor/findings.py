"""What a doctor says: one line what, one line why it matters, and the lines to paste."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. Closed and permanent."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `code` is public and permanent; all since 0.1.

    Texts may hold what a server sent: whoever prints them makes them safe first.
    """

    code: str
    level: Level
    what: str
    why: str = ""
    lines: tuple[str, ...] = ()


def ok(code: str, what: str) -> Finding:
    """Nothing to do."""
    return Finding(code=code, level=Level.OK, what=what)


def warning(code: str, what: str, why: str, *lines: str) -> Finding:
    """Something that the owner should look at."""
    return Finding(code=code, level=Level.WARNING, what=what, why=why, lines=lines)


def fault(code: str, what: str, why: str, *lines: str) -> Finding:
    """Something that is wrong now."""
    return Finding(code=code, level=Level.FAULT, what=what, why=why, lines=lines)
