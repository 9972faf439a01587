"""Records of robots.txt that state preferences for paths: whom each binds, and which decide for a path.

Content-Usage (draft-ietf-aipref-attach-05, "Robots Exclusion Protocol Content-Usage Rule") and Content-Signal share
this shape: `[path] statements` inside a group. Of the records whose path matches, those with the most octets decide,
all of them: who reads the statements combines them restrictively. That is not the rule of Allow and Disallow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Generic, TypeVar

from optout.robots.matcher import Match, PatternIndex
from optout.robots.model import Group, PathPattern, RobotsTxt, as_octets, normalize_path
from optout.signals.preference import Preference, Statement

LONGEST_VALUE = 8_192  # octets of one record or field; servers and proxies cut fields there
EVERYWHERE = PathPattern.parse("/")
"""The path of a record that names none."""

_SPLIT = re.compile(r"(/[^ \t]*+)[ \t]*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRecord:
    """One record. `group` and `tokens` are those of `OtherRecord`.

    `readable` is False where nothing that it says could be understood: a record with a shorter path then still
    restricts, as if this one were not there, but permits nothing.
    """

    line: int
    group: int
    tokens: int
    path: PathPattern
    statements: tuple[Statement, ...]
    readable: bool = True


R = TypeVar("R", bound=PathRecord)


def split_path(value: str) -> tuple[PathPattern, str, int]:
    """A record's value as path, rest, and the octets before the rest. Without a leading slash there is no path."""
    found = _SPLIT.match(value)
    if found is None:
        return EVERYWHERE, value, 0
    return PathPattern.parse(found[1]), value[found.end() :], len(as_octets(found[0]))


def token_octets(token: str) -> bytes:
    """A product token for comparison: only ASCII letters have no case, as `RobotsMatcher` has it."""
    return as_octets(token.strip(" \t")).lower()


@dataclass(frozen=True, slots=True)
class _Scope(Generic[R]):
    """The records between two user-agent lines of a group, and the tokens since the last such record."""

    tokens: frozenset[bytes]
    index: PatternIndex
    records: tuple[R, ...]


class PathRecords(Generic[R]):
    """The records of one robots.txt, found by group and path."""

    __slots__ = ("_scopes",)

    def __init__(self, robots: RobotsTxt, records: Iterable[R]) -> None:
        by_group = groupby(records, key=lambda record: record.group)
        self._scopes = {
            robots.groups[number].line: _scopes(robots.groups[number], tuple(own)) for number, own in by_group
        }

    def deciding(self, bound: Match, target: str, *, own_tokens: bool) -> tuple[R, ...]:
        """The records that decide for a path, in file order.

        `bound` is what `RobotsMatcher` says to the crawler about it; with `own_tokens` a record binds only the
        user-agent lines between the record before and itself, otherwise all of its group.
        """
        path, name = normalize_path(target), token_octets(bound.token or "")
        matching: list[R] = []
        for group in bound.groups:
            for scope in self._scopes.get(group.line, ()):
                if not own_tokens or name in scope.tokens:
                    matching += [scope.records[number] for number in scope.index.matching(path)]
        return _longest(matching)


def _scopes(group: Group, records: Sequence[R]) -> tuple[_Scope[R], ...]:
    scopes, start = [], 0
    for end, own in groupby(records, key=lambda record: record.tokens):
        tokens = frozenset(map(token_octets, group.tokens[start:end]))
        held = tuple(own)
        scopes.append(_Scope(tokens, PatternIndex([record.path for record in held]), held))
        start = end
    return tuple(scopes)


def _longest(matching: list[R]) -> tuple[R, ...]:
    deciding: list[R] = []
    matching.sort(key=lambda record: (-record.path.priority, record.line))
    for _, level in groupby(matching, key=lambda record: record.path.priority):
        found = tuple(level)
        deciding += map(restrictions, found) if deciding else found
        if any(record.readable for record in found):
            break
    return tuple(sorted(deciding, key=lambda record: record.line))


def restrictions(record: R) -> R:
    """The record without what it permits."""
    kept = tuple(said for said in record.statements if said.preference is Preference.DISALLOWED)
    return replace(record, statements=kept)
