"""The lines of a robots.txt as Python's `urllib.robotparser` sees them, each with its number in the file.

`str.splitlines` also ends a line at VT, FF, U+0085, U+2028 and the like; a person's editor and our line numbers do
not. Both of Python's readers stop with an exception at a number that `int` refuses: who goes on after it knows the
groups that were complete by then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_OTHER_LINE_ENDS = re.compile(r"[\v\f\x1c-\x1e\x85\u2028\u2029]")
_MOST_DIGITS = 4300  # sys.int_info.default_max_str_digits: int() raises beyond


class PythonLine(NamedTuple):
    """A line: `key` in lower case and `value` are empty where it has no colon; `blank` is a line without anything."""

    number: int
    blank: bool
    key: str
    value: str


def python_lines(text: str) -> Iterator[PythonLine]:
    """Every line of the text. Only a line of no characters at all is blank: one with a comment is not."""
    for number, line in enumerate(_LINE_ENDS.split(text), start=1):
        for part in _OTHER_LINE_ENDS.split(line):
            key, colon, value = part.partition("#")[0].strip().partition(":")
            yield PythonLine(number, not part, key.strip().lower() if colon else "", value.strip())


def is_refused_number(key: str, value: str, looks_like_number: Callable[[str], bool]) -> bool:
    """Whether the value of a Crawl-delay or Request-rate passes Python's own check and then makes `int` raise."""
    numbers = [part.strip() for part in (value.split("/") if key == "request-rate" else [value])]
    if len(numbers) != (2 if key == "request-rate" else 1) or not all(map(looks_like_number, numbers)):
        return False
    return any(not number.isdecimal() or len(number) > _MOST_DIGITS for number in numbers)
