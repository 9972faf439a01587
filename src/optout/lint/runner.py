"""Applies a table of rules to a file, and mends what has a safe fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from optout.crawlers.registry import Registry
from optout.lint.base import Finding, RobotsSource, Rule
from optout.lint.rules.robots_crawlers import CRAWLERS
from optout.lint.rules.robots_groups import GROUPS
from optout.lint.rules.robots_readers import READERS
from optout.lint.rules.robots_signals import SIGNALS
from optout.lint.rules.robots_syntax import SYNTAX
from optout.lint.rules.rsl import RSL, RslSource
from optout.lint.rules.tdm_policy import TDM_POLICY, PolicySource
from optout.lint.rules.tdmrep import TDMREP, TdmSource
from optout.robots.parser import SIZE_LIMIT
from optout.signals.odrl import is_policy

ROBOTS_RULES: tuple[Rule[RobotsSource], ...] = (*SYNTAX, *GROUPS, *CRAWLERS, *READERS, *SIGNALS)
"""Every rule for robots.txt, by code."""

_MOST = 1000  # findings of one rule: a hostile file must not fill a screen with one mistake
_ROUNDS = 4

_Source = TypeVar("_Source")


def lint(rules: Iterable[Rule[_Source]], source: _Source) -> tuple[Finding, ...]:
    """What the rules find, by line and code. Never raises; linear in the file but for a factor of its groups."""
    found = []
    for rule in rules:
        for count, place in enumerate(rule.check(source)):
            if count == _MOST:
                break
            found.append(
                Finding(
                    code=rule.code,
                    severity=rule.severity,
                    title=rule.title,
                    line=place.line,
                    column=place.column,
                    text=place.text,
                    fixable=rule.fix is not None,
                )
            )
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.column, finding.code)))


def lint_robots(data: bytes, registry: Registry) -> tuple[Finding, ...]:
    """What is wrong with a robots.txt."""
    return lint(ROBOTS_RULES, RobotsSource(data, registry))


def lint_tdmrep(data: bytes) -> tuple[Finding, ...]:
    """What is wrong with a tdmrep.json, or with the policy that one points to."""
    return lint(TDM_POLICY, PolicySource(data)) if is_policy(data) else lint(TDMREP, TdmSource(data))


def lint_rsl(data: bytes) -> tuple[Finding, ...]:
    """What is wrong with a license document."""
    return lint(RSL, RslSource(data))


def fix_robots(data: bytes) -> bytes:
    """A robots.txt with every safe fix applied; applied once more it stays as it is.

    A file that is longer than what is read, or would become so, is left alone: other lines would be the last ones.
    """
    fixed = _fixed([rule.fix for rule in ROBOTS_RULES], data)
    return fixed if max(len(data), len(fixed)) <= SIZE_LIMIT else data


def fix_tdmrep(data: bytes) -> bytes:
    """The same for a tdmrep.json."""
    return _fixed([rule.fix for rule in TDMREP], data)


def _fixed(fixes: Iterable[Callable[[bytes], bytes] | None], data: bytes) -> bytes:
    chosen = [fix for fix in fixes if fix is not None]
    for _ in range(_ROUNDS):  # one fix may show another its place
        before = data
        for fix in chosen:
            data = fix(data)
        if data == before:
            break
    return data
