"""What changes between two versions of a robots.txt: which crawler may fetch what, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from optout.robots.matcher import Match, RobotsMatcher
from optout.robots.model import RobotsTxt
from optout.robots.parser import parse_robots

EVERYONE = "*"
"""The token that stands for every crawler that neither file names."""

_MOST_PATHS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An answer that changed; `before` and `after` name the rules that decided."""

    token: str
    path: str
    before: Match
    after: Match


def named_tokens(*files: RobotsTxt) -> tuple[str, ...]:
    """Every token that one of the files names, lower-cased, and `*` for everybody else; in the order of naming."""
    found = {token.lower(): None for file in files for group in file.groups for token in group.tokens}
    found.pop(EVERYONE, None)
    return (*found, EVERYONE)


def sample_paths(*files: RobotsTxt) -> tuple[str, ...]:
    """A path for each pattern of the files, and the root: where an answer can change at all, one of them shows it.

    A path is the pattern with its wildcards left out, and once more with something behind it.
    """
    found: dict[str, None] = {"/": None}
    for file in files:
        for rule in (rule for group in file.groups for rule in group.rules):
            written = rule.pattern.written.replace("*", "")
            path = written.removesuffix("$")
            if path.startswith("/"):
                found[path] = None
                found[f"{path}x"] = None
            if len(found) >= _MOST_PATHS:
                return tuple(found)
    return tuple(found)


def flips(old: bytes, new: bytes, tokens: Iterable[str], paths: Iterable[str]) -> Iterator[Flip]:
    """The answers that differ, by token and path. Never raises."""
    before, after = RobotsMatcher(parse_robots(old)), RobotsMatcher(parse_robots(new))
    asked = tuple(paths)
    for token in tokens:
        for path in asked:
            was, is_now = before.match((token,), path), after.match((token,), path)
            if was.allowed != is_now.allowed:
                yield Flip(token=token, path=path, before=was, after=is_now)
