"""Lines as Python takes them, numbered as the file has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.robots.readers.python_lines import is_refused_number, python_lines


def test_lines_have_the_numbers_of_the_file() -> None:
    text = "User-Agent : a # b\r\n\r \n# c\x0bAllow: /:\u2028\nx\n"
    assert [tuple(line) for line in python_lines(text)] == [
        (1, False, "user-agent", "a"),
        (2, True, "", ""),
        (3, False, "", ""),
        (4, False, "", ""),
        (4, False, "allow", "/:"),
        (4, True, "", ""),
        (5, False, "", ""),
        (6, True, "", ""),
    ]


@given(st.text(alphabet="a:# \t\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"))
def test_the_lines_are_those_of_splitlines(text: str) -> None:
    ours = [line.blank for line in python_lines(text)]
    theirs = [not line for line in text.splitlines()]
    assert ours[: len(theirs)] == theirs
    assert all(ours[len(theirs) :])


@pytest.mark.parametrize(
    ("key", "value", "refused"),
    [
        ("crawl-delay", "5", False),
        ("crawl-delay", "²", True),
        ("crawl-delay", "x", False),
        ("crawl-delay", "", False),
        ("crawl-delay", "1" * 4300, False),
        ("crawl-delay", "1" * 4301, True),
        ("request-rate", "1/5", False),
        ("request-rate", "1/²", True),
        ("request-rate", "²", False),
        ("request-rate", "²/x", False),
        ("request-rate", "²/1/1", False),
    ],
)
def test_a_number_that_int_refuses(key: str, value: str, refused: bool) -> None:
    assert is_refused_number(key, value, str.isdigit) is refused


def test_the_rewrite_looks_closer_at_a_number() -> None:
    assert not is_refused_number("crawl-delay", "²", str.isdecimal)
    assert is_refused_number("crawl-delay", "1" * 4301, str.isdecimal)
