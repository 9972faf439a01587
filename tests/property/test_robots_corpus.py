"""Thousands of files as large sites have them, and mutants: each is read, and what is reported stands in the file.

`benchmarks/robots_corpus.py` takes a hundred thousand mutants and a clock; here a share of them is enough.
"""

from __future__ import annotations

from optout.crawlers.registry import bundled_registry
from optout.lint.runner import lint_robots
from optout.robots.parser import SIZE_LIMIT, parse_robots
from tests.robots.corpus import corpus, mutants

FILES = tuple(corpus(4_000))
REGISTRY = bundled_registry()


def _last_line(data: bytes) -> int:
    """The last line there is; one more where the file is longer than what is read."""
    return max(1, len(data[:SIZE_LIMIT].splitlines()) + (len(data) > SIZE_LIMIT))


def _check(data: bytes) -> None:
    robots, last = parse_robots(data), _last_line(data)
    lines = [fault.line for fault in robots.faults]
    lines += [line for group in robots.groups for line in (group.line, *(rule.line for rule in group.rules))]
    assert all(1 <= line <= last for line in lines), data
    assert all(record.group is None or record.group < len(robots.groups) for record in robots.others), data


def test_the_corpus_has_the_traps_of_real_files() -> None:
    parsed = [parse_robots(data) for data in FILES]
    codes = {fault.code for robots in parsed for fault in robots.faults}
    assert codes >= {
        *("byte-order-mark", "control-character", "invalid-utf-8", "malformed-escape", "missing-colon"),
        *("pattern-without-slash", "rule-outside-group", "token-outside-grammar", "unknown-key"),
    }
    assert len(set(FILES)) > 3_500
    assert sum(bool(robots.groups) for robots in parsed) > 3_000


def test_every_file_is_read_and_every_place_that_is_named_exists() -> None:
    for data in FILES:
        _check(data)


def test_so_is_every_mutant() -> None:
    for data in mutants(FILES, 4_000):
        _check(data)


def test_every_line_that_lint_reports_exists() -> None:
    for data in (*FILES[:200], *mutants(FILES[:200], 200)):
        last = _last_line(data)
        assert all(0 <= finding.line <= last for finding in lint_robots(data, REGISTRY)), data
