"""What YAML's scanners complain of, in the words of somebody who has never seen YAML."""

from __future__ import annotations

import re

import yaml

LINE_END = re.compile(r"\r\n|\r|\n")

# What the scanners of PyYAML and libyaml complain of, what an owner most likely did, and whether the place to look at
# is where the thing began.
_SYNTAX = (
    (re.compile(r"mapping values are not allowed"), False,
     "a second `:` on a line, or a line indented too far",
     'put the text in "quotes", or line the key up with its neighbors'),
    (re.compile(r"unexpected end of stream|document separator"), True, "a quote is opened and never closed",
     "close it"),
    (re.compile(r"alphabetic or numeric character|expected alphanumeric"), False, "`*` or `&` begins the text",
     'put it in "quotes"'),
    (re.compile(r"cannot start any token"), False, "the text begins with a character that YAML keeps for itself",
     'put it in "quotes"'),
    (re.compile(r"expected ',' or|flow sequence|flow mapping"), True, "a [ or { is opened here and not closed",
     'close it, or put the text in "quotes"'),
    (re.compile(r"could not find expected ':'"), True, "a line that is neither `key: value` nor `- item`",
     "add the `:`"),
    (re.compile(r"block (?:mapping|collection|sequence|end)|expected key|sequence entries"), False,
     "this line does not continue what stands above it",
     'line it up with its neighbors, with blanks; put text that holds a \' or a : in "quotes"'),
)  # fmt: skip
_LEADING_TAB = re.compile(r"[ ]*(?:- *)*\t")


def syntax_problem(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str, str]:
    """The line, what is wrong, and what to do, for what a scanner said of `text`."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 0
    written = LINE_END.split(text)[line - 1 : line] if line else []
    if any(_LEADING_TAB.match(each) for each in written):
        return line, "a tab where YAML wants blanks", "indent with blanks"
    complaint = f"{error.context or ''} {error.problem or ''}".strip()
    for pattern, began, what, remedy in _SYNTAX:
        if pattern.search(complaint):
            start = error.context_mark if began else None
            return (start.line + 1 if start is not None else line), what, remedy
    return line, f"this is not YAML: {complaint}", 'compare with a file of policies/, or put the text in "quotes"'
