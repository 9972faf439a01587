"""robots.txt as `urllib.robotparser` reads it since its rewrite for RFC 9309 (python/cpython gh-138907, May 2026).

The rewrite is in Python 3.15 and in later patches of 3.13 and 3.14. It merges groups and knows wildcards, and yet
parts from the standard: what counts is not the length of the pattern but of the text that it matched; a rule with a
`$` inside is dropped; an escaped slash is a slash; a group's name is looked for anywhere in the token unless a group
has exactly this name; Crawl-delay and Request-rate count as rules when groups are formed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from optout.robots.matcher import PatternIndex
from optout.robots.model import PathPattern, end_of
from optout.robots.readers import Reader, Verdict, on_the_wire
from optout.robots.readers.python_lines import is_refused_number, python_lines

_STARS = re.compile(r"\*{2,}")
_DOLLARS = re.compile(r"\$[$*]+")
_LITERAL = re.compile(r"[^*$]+")
_LITERAL_IN_QUERY = re.compile(r"[^=&*$]+")
_VALUE_IN_QUERY = re.compile(r"[^=&]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    line: int
    allow: bool
    pattern: PathPattern


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    names: list[str]
    rules: list[_Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The groups of a file, and by lower-cased name and by name as written the numbers of those that have it."""

    groups: list[_Group]
    named: dict[str, list[int]]
    written: dict[str, set[int]]

    def bound(self, token: str) -> tuple[int, ...]:
        """The numbers of the groups that bind a token: those of exactly this name, or of the first name within it."""
        exactly = self.named.get(token.lower())
        if exactly is not None:
            return tuple(exactly)
        asked = token.split("/", maxsplit=1)[0].lower()
        within = [numbers for name, numbers in self.written.items() if name != "*" and name.lower() in asked]
        # Merged groups keep the names that all of them write in the same way; the others no longer find them.
        found = (numbers for numbers in self.named.values() if any(each.issuperset(numbers) for each in within))
        return tuple(next(found, self.named.get("*", ())) if within else self.named.get("*", ()))


def python_new(data: bytes) -> Reader:
    """A reader that answers as the rewrite does."""
    file = _read(data.decode("utf-8", "surrogateescape"))
    bound = lru_cache(maxsize=256)(file.bound)

    @lru_cache(maxsize=64)
    def indexed(numbers: tuple[int, ...]) -> tuple[PatternIndex, list[_Rule]]:
        rules = [rule for number in numbers for rule in file.groups[number].rules]
        return PatternIndex([rule.pattern for rule in rules]), rules

    def read(token: str, target: str) -> Verdict:
        path = _path(target)
        if path == b"/robots.txt":
            return Verdict(True, 0)
        index, rules = indexed(bound(token))
        backwards = path[::-1]
        best, verdict = (-1, False), Verdict(True, 0)
        for rule in map(rules.__getitem__, index.matching(path)):
            rank = _matched(rule.pattern, path, backwards), rule.allow
            if rank > best:
                best, verdict = rank, Verdict(rule.allow, rule.line)
        return verdict

    return read


def _read(text: str) -> _File:
    groups = [_Group(names=[], rules=[])]
    closed = False
    for line in python_lines(text):
        if line.key == "user-agent":
            if closed:
                groups.append(_Group(names=[], rules=[]))
                closed = False
            groups[-1].names.append(line.value)
        elif groups[-1].names and line.key in {"allow", "disallow", "crawl-delay", "request-rate"}:
            closed = True
            if is_refused_number(line.key, line.value, str.isdecimal) and line.key not in {"allow", "disallow"}:
                groups.pop()  # here Python's reader raises
                break
            pattern = _pattern(line.value) if line.key in {"allow", "disallow"} else None
            if pattern is not None:
                allow = line.key == "allow" or not line.value
                groups[-1].rules.append(_Rule(line=line.number, allow=allow, pattern=pattern))
    file = _File(groups=groups, named={}, written={})
    for number, group in enumerate(groups):
        for name in dict.fromkeys(group.names):
            file.written.setdefault(name, set()).add(number)
        for name in dict.fromkeys(map(str.lower, group.names)):
            file.named.setdefault(name, []).append(number)
    return file


def _normal(text: str) -> str:
    return quote(unquote(text, errors="surrogateescape"), errors="surrogateescape")


def _in_parts(text: str, in_path: Callable[[str], str], in_query: re.Pattern[str]) -> str:
    """The comparable form of a path and a query; separators in the query stay apart from escaped ones."""
    path, mark, query = text.partition("?")
    return in_path(path) + mark + in_query.sub(lambda found: _normal(found[0]), query)


def _path(target: str) -> bytes:
    path = on_the_wire(target)
    if path.startswith("//"):
        path = f"//{path}"  # put together again without an authority, as `urlunsplit` does since gh-67693
    return _in_parts(path, _normal, _VALUE_IN_QUERY).encode("ascii")


def _pattern(value: str) -> PathPattern | None:
    """The pattern of a rule, or None where the rewrite drops it. An empty one matches everything, with no length."""
    value = _DOLLARS.sub("$", _STARS.sub("*", value))
    written = _in_parts(
        value, lambda path: _LITERAL.sub(lambda found: _normal(found[0]), path), _LITERAL_IN_QUERY
    ).encode("ascii")
    octets = written.rstrip(b"$")
    if b"$" in octets:
        return None
    return PathPattern(
        written=value, octets=octets, pieces=tuple(octets.split(b"*")), anchored=len(octets) < len(written)
    )


def _matched(pattern: PathPattern, path: bytes, backwards: bytes) -> int:
    """How much of a path a matching pattern takes: up to the last place where its last piece stands."""
    if pattern.is_literal:
        return len(pattern.octets)
    last = pattern.pieces[-1]
    if pattern.anchored or not last:
        return len(path)
    return len(path) - end_of(last[::-1], backwards, 0) + len(last)
