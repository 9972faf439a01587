"""RT306: crawlers read one file in different ways, and a crawler that is known gets another answer by one of them.

Other rules name the mistakes that readers take differently; this one asks the readers, whatever the reason. A path for
each pattern is asked for, for each known crawler that the file names and for one that it has no name for. How much is
asked is bounded: files come from strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from optout.lint.base import Found, RobotsSource, Rule, Severity, shown
from optout.robots.changes import sample_paths
from optout.robots.dialects import Dialect, Reader, reader

_READERS = {
    Dialect.GOOGLE: "Google's reader",
    Dialect.PROTEGO: "Scrapy's reader",
    Dialect.PYTHON_NEW: "Python's reader",
}
"""Not Python's before 2026: it knows no wildcards, and differs on half of all files."""

_GRAMMAR = re.compile(r"[A-Za-z_-]+")  # Google's reader cuts other names short, and no operator of one uses it
_BEST_KNOWN = ("GPTBot", "CCBot", "ClaudeBot")
_LARGEST = 100_000  # octets; of 4,231 real files one in a hundred is larger
_MOST_PIECES = 8  # of a pattern; real ones have three
_MOST_NAMES = 12
_MOST_PATHS = 200
_MOST_WORK = 1_000_000  # rules that are looked at
_LONGEST_PATH = 500  # characters


def _disagreements(source: RobotsSource) -> Iterator[Found]:
    rules = [rule for group in source.robots.groups for rule in group.rules]
    if len(source.data) > _LARGEST or any(len(rule.pattern.pieces) > _MOST_PIECES for rule in rules):
        return
    names = list(_names(source))[:_MOST_NAMES]
    paths = [path for path in sample_paths(source.robots) if len(path) <= _LONGEST_PATH]
    most = _MOST_WORK // (max(1, len(rules)) * max(1, len(names)))
    paths = paths[: min(_MOST_PATHS, most)]
    standard = reader(Dialect.RFC, source.data)
    others = {said: reader(dialect, source.data) for dialect, said in _READERS.items()}
    for name in names:
        found = next((each for path in paths if (each := _asked(name, path, standard, others)) is not None), None)
        if found is not None:
            yield found


def _asked(name: str, path: str, standard: Reader, others: dict[str, Reader]) -> Found | None:
    """The find where a reader answers otherwise than the standard."""
    verdict = standard(name, path)
    differing = [said for said, other in others.items() if other(name, path).allowed != verdict.allowed]
    if not differing:
        return None
    ours, theirs = ("open", "closed") if verdict.allowed else ("closed", "open")
    text = f"{shown(path)} is {ours} to {shown(name)} as the standard reads it, and {theirs} to {', '.join(differing)}"
    return Found(verdict.line, text)


def _names(source: RobotsSource) -> Iterator[str]:
    """Known crawlers by the names that the file has for them, and one that it has no name for."""
    named = {token.lower(): token for group in source.robots.groups for token in group.tokens}
    for token in named.values():
        if _GRAMMAR.fullmatch(token) and source.registry.by_name(token) is not None:
            yield token
    yield from islice((name for name in _BEST_KNOWN if name.lower() not in named), 1)


READERS: tuple[Rule[RobotsSource], ...] = (
    Rule(
        code="RT306",
        severity=Severity.WARNING,
        title="readers disagree on what a known crawler may fetch",
        why="Crawlers are built on different parsers. What you mean by the file should not depend on which one.",
        example="User-agent: CCBot\nDisallow: /a$b",
        instead="write it so that all agree: `optout robots compare` shows who reads what, other findings why",
        reference="docs/robots.md; RFC 9309 sections 2.2.1 and 2.2.2",
        check=_disagreements,
    ),
)
