"""What a site says of a use of its content, whatever the format: usage, preference, statement (design part 6).

Every reader of this floor produces statements. They are combined as AIPREF combines them (draft-ietf-aipref-vocab-08,
"Combining Preferences"): a single "disallowed" stands, else "allowed", else nothing is known. Unknown is never consent.

The map of the formats' own words onto these usages is a judgement (no two documents cut the field alike). A
restriction is never made wider by it, and neither is a permission.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Usage(StrEnum):
    """What content is used for. Public and permanent words (design part 6).

    `TRAIN` changes what a model has learned; `INPUT` gives content to a model at the time of an answer; `INDEX` keeps
    it in an index of AI answers; `SEARCH` shows links and excerpts; `MINE` is all text and data mining.
    """

    TRAIN = "train"
    INPUT = "input"
    INDEX = "index"
    SEARCH = "search"
    MINE = "mine"


class Preference(StrEnum):
    """What is said of a use."""

    ALLOWED = "allowed"
    DISALLOWED = "disallowed"
    UNKNOWN = "unknown"


_STRICTEST_FIRST = (Preference.DISALLOWED, Preference.ALLOWED, Preference.UNKNOWN)

LONGEST_EXCERPT = 160  # characters of a stranger's text that a report or a fault repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that a source says of one use.

    `source` names the document or field. `line` counts from 1 in a document; 0 means a field. `text` is what was
    written, made safe by `excerpt`.
    """

    usage: Usage
    preference: Preference
    source: str
    line: int = 0
    text: str = ""

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{self.usage}={self.preference} {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFault:
    """One thing that is wrong with what a site says.

    `line` counts from 1 in a document; 0 means a field or the document as a whole. `column` counts octets from 1 in the
    value (what follows the colon of a record, or a field's value), or characters in the line of a page; 0 means all
    of it. `text` quotes nothing that `excerpt` has not made safe.
    """

    line: int
    code: StrEnum
    text: str
    column: int = 0


_UNSAFE = re.compile(r"[^ -\[\]-~]")


def excerpt(text: str) -> str:
    """A stranger's text for reports: printable ASCII, all else and the backslash escaped, cut at the limit.

    Control characters and marks of direction would let a site write on the terminal of whoever reads about it.
    """
    cut = _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text[:LONGEST_EXCERPT])
    return cut if len(text) <= LONGEST_EXCERPT else f"{cut}..."


def combine(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """For each use of which something is said, the statement that stands; in the order of `Usage`.

    Of those that say the same the first stands. No source outranks another.
    """
    standing: dict[Usage, Statement] = {}
    for statement in statements:
        held = standing.get(statement.usage)
        if held is None or _rank(statement) < _rank(held):
            standing[statement.usage] = statement
    return tuple(standing[usage] for usage in Usage if usage in standing)


def _rank(statement: Statement) -> int:
    return _STRICTEST_FIRST.index(statement.preference)


def preference_for(statements: Iterable[Statement], usage: Usage) -> Preference:
    """What all statements together say of one use."""
    found = combine(statement for statement in statements if statement.usage is usage)
    return found[0].preference if found else Preference.UNKNOWN
