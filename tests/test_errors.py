"""What the operator reads when something is wrong."""

from __future__ import annotations

import pytest

from optout.errors import EvidenceError, OptoutError, PolicyError, Problem, RegistryError, UsageError


def test_an_error_says_what_happened_and_then_what_to_try() -> None:
    assert UsageError("no such file", "name another").diagnostics() == "no such file\n  name another"
    assert EvidenceError("the log is held").diagnostics() == "the log is held"


def test_one_except_catches_them_all() -> None:
    for kind in (UsageError, RegistryError, EvidenceError):
        with pytest.raises(OptoutError):
            raise kind("x")


@pytest.mark.parametrize(
    ("line", "remedy", "text"),
    [
        (3, "write allow", "p.yaml:3: `default` is missing - write allow"),
        (0, "write allow", "p.yaml: `default` is missing - write allow"),
        (3, "", "p.yaml:3: `default` is missing"),
    ],
)
def test_a_problem_names_file_line_and_remedy(line: int, remedy: str, text: str) -> None:
    assert str(Problem(file="p.yaml", line=line, text="`default` is missing", remedy=remedy)) == text


def test_a_policy_error_lists_every_problem() -> None:
    problems = [Problem(file="p.yaml", line=line, text="x", remedy="") for line in (1, 2)]
    assert PolicyError(problems).diagnostics() == "2 problems in the policy\n  p.yaml:1: x\n  p.yaml:2: x"
    assert PolicyError(problems[:1]).what == "1 problem in the policy"
