"""Rules of `mod_rewrite` as values, with the counting of rules to pass over done once, here.

A rule of an edge never rewrites: it sets variables, and may pass over rules behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from optout.compilers.templates import Form, Mark

WORDS: Final = (
    ("CODE", Mark.CODE, Form.JSON),
    ("CLAUSE", Mark.CLAUSE, Form.JSON),
    ("DECIDED_JSON", Mark.DECIDED, Form.JSON),
    ("DECIDED_HTML", Mark.DECIDED, Form.HTML),
    ("REASON", Mark.REASON, Form.JSON),
    ("SOURCE", Mark.SOURCE, Form.JSON),
    ("PURPOSE", Mark.PURPOSE, Form.JSON),
    ("STANDING", Mark.STANDING, Form.JSON),
)
"""The variables that an answer sets, and what of it each holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: where all `conditions` hold, it sets variables (`OPTOUT_` before each) and passes over `over` rules."""

    conditions: tuple[str, ...] = ()
    sets: tuple[tuple[str, str], ...] = ()
    over: int = 0

    def passing_over(self, number: int) -> Rule:
        """The same rule, passing over so many."""
        return replace(self, over=number)

    def lines(self) -> Iterator[str]:
        """The rule as Apache reads it."""
        yield from (f"RewriteCond {condition}" for condition in self.conditions)
        flags = [f"E=OPTOUT_{name}:{value}" for name, value in self.sets]
        flags += [f"S={self.over}"] if self.over else []
        yield f'RewriteRule ^ - "[{",".join(flags)}]"' if flags else "RewriteRule ^ -"


def block(unless: Rule, inside: Sequence[Rule]) -> list[Rule]:
    """Rules that are passed over where the conditions of `unless` hold."""
    return [unless.passing_over(len(inside)), *inside] if inside else []


def literal(text: str) -> str:
    """Text between double quotes. It holds no line feed."""
    return text.replace("\\", r"\\").replace('"', r"\"")


_SPELLED = {"\\": r"\x5C", '"': r"\x22"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def expression(text: str) -> str:
    """A regular expression between double quotes, in a directive of mod_rewrite's.

    That takes no backslash away, not even one before a quote: so the text holds no quote, and ends in no backslash.
    """
    spelled_out = _ESCAPE.sub(lambda found: _SPELLED.get(found[1], found[0]), text)
    return spelled_out.replace('"', r"\x22")


_PLAIN = frozenset(" ._/-:")


def variable(text: str, form: Form) -> str:
    """Text for a flag of a rule, spelled for a body: nothing in it ends the flag, or is replaced."""
    return "".join(char if char.isalnum() or char in _PLAIN else _escaped(char, form) for char in text)


def _escaped(char: str, form: Form) -> str:
    if form is Form.HTML:
        return f"&#{ord(char)};"
    octets = char.encode("utf-16-be")
    units = (octets[at : at + 2].hex() for at in range(0, len(octets), 2))
    return "".join(rf"\\u{unit}" for unit in units)  # mod_rewrite takes one of the two away
