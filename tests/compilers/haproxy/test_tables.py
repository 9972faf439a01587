"""Beginnings and expressions together say what the table says: the first line that fits decides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from optout.compilers.haproxy.tables import beginning, beginnings, expressions, table_rules
from optout.compilers.plan import Line
from optout.robots.model import PathPattern, normalize_path

PATTERNS = st.sampled_from(["/", "/a", "/a/", "/a/b", "/a/b/c", "/*.x$", "/a*b", "/a/b$", "/a%20", "/b"])
TABLES = st.lists(PATTERNS, max_size=8).map(
    lambda patterns: [
        *(Line(outcome=f"a{at}", pattern=PathPattern.parse(text)) for at, text in enumerate(patterns)),
        Line(outcome="pass"),
    ]
)
TARGETS = st.sampled_from(["/", "/a", "/a/b", "/a/b/c.x", "/ab", "/b?x", "/a%20b", "/c.x", "/zzz"])


def decided(table: Sequence[Line], method: str, target: str) -> str:
    """What HAProxy does with the two maps."""
    begun = [pair for pair in beginnings(3, table) if f"c3:{target}".startswith(pair[0])]
    matched = [pair for pair in expressions(3, table) if re.search(pair[0], f"c3 {method} {target}")]
    values = ([max(begun, key=lambda pair: len(pair[0]))[1]] if begun else []) + [value for _, value in matched[:1]]
    return min(values, key=lambda value: int(value.split("|")[0])).split("|")[1]


@given(TABLES, TARGETS)
def test_the_first_line_that_fits_decides(table: list[Line], target: str) -> None:
    path = normalize_path(target)
    wanted = next(line.outcome for line in table if line.pattern is None or line.pattern.matches(path))
    assert decided(table, "GET", target) == wanted


def test_what_a_tree_cannot_hold_is_an_expression() -> None:
    texts = ["/a", "/a$", "/a*", "/a%20b", "/a*b", ""]
    found = [beginning(Line(outcome="next", pattern=PathPattern.parse(text))) for text in texts]
    assert found == ["/a", None, None, None, None, None]
    assert beginning(Line(outcome="pass")) == ""
    assert beginning(Line(outcome="pass", methods=("POST",))) is None


def test_a_method_is_part_of_an_expression() -> None:
    table = [Line(outcome="a0", methods=("POST", "M-SEARCH")), Line(outcome="pass")]
    assert [decided(table, method, "/x") for method in ("POST", "M-SEARCH", "GET")] == ["a0", "a0", "pass"]


def test_a_table_of_one_kind_is_asked_by_two_rules() -> None:
    assert len(list(table_rules("/x", 0, has_beginnings=True, has_expressions=False))) == 2
    assert len(list(table_rules("/x", 0, has_beginnings=True, has_expressions=True))) == 5
