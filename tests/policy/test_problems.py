"""policy.problems: every wrong file of tests/cases/policy/bad gives exactly the message that stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.crawlers.registry import bundled_registry
from optout.errors import PolicyError
from optout.policy.loader import load_policy
from optout.policy.problems import MOST_SHOWN, did_you_mean

BAD = sorted((Path(__file__).parent.parent / "cases" / "policy" / "bad").glob("*.yaml"))
HEAD = "version: 1\ndefault: allow\non_error: allow\n"


def _problems(data: bytes, file: str = "policy.yaml") -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load_policy(data, file, bundled_registry())
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_wrong_file_gives_the_message_beside_it(path: Path) -> None:
    expected = path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    assert _problems(path.read_bytes(), path.name) == expected


def test_every_message_has_a_file_and_every_file_a_message() -> None:
    folder = BAD[0].parent
    assert {path.stem for path in folder.glob("*.txt")} == {path.stem for path in BAD}


def test_a_message_cannot_move_the_cursor() -> None:
    problems = _problems(f'{HEAD}"a\\x1b[31m\\u202e": b\n'.encode())
    assert problems == [line for line in problems if line.isprintable()]
    assert "unknown key `a\\x1b[31m\\u202e`" in problems[0]


def test_problems_stand_in_the_order_of_the_file() -> None:
    text = f"{HEAD}tenant: a b\nclauses:\n  - action: block\n  - action: deny\n    crawler: Nobody\nterms: x y\n"
    lines = [int(problem.split(":")[1]) for problem in _problems(text.encode())]
    assert lines == [4, 6, 8, 9]


def test_beyond_a_hundred_problems_are_only_counted() -> None:
    clauses = "".join(f"  - action: deny\n    crawler: Nobody{n}\n" for n in range(500))
    problems = _problems(f"{HEAD}clauses:\n{clauses}".encode())
    assert len(problems) == MOST_SHOWN + 1
    assert problems[-1] == "policy.yaml: 400 more problems - mend these first"


@pytest.mark.parametrize(
    ("word", "choices", "meant"),
    [
        ("block", ("allow", "deny"), "deny"),
        ("Licence", ("deny", "require-license"), "require-license"),
        ("training", ("train", "dataset"), "train"),
        ("user_agent", ("crawler", "path"), "crawler"),
        ("defualt", ("default", "mode"), "default"),
        ("gptbot", ("GPTBot", "CCBot"), "GPTBot"),
        ("block", ("observe", "enforce"), ""),
        ("zebra", ("allow", "deny"), ""),
    ],
)
def test_what_the_owner_most_likely_meant(word: str, choices: tuple[str, ...], meant: str) -> None:
    assert did_you_mean(word, choices) == (f"did you mean {meant}?" if meant else "")
