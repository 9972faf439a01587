"""What Optout raises for the person who runs it, and only for that person.

    OptoutError
    ├── UsageError       a command or a call was given something it cannot use
    ├── PolicyError      a policy file is wrong; carries every problem found, each with its place
    ├── RegistryError    a crawler data file is wrong
    └── EvidenceError    the evidence log cannot be opened, written or trusted

Strangers' bytes never raise: parsers report what is wrong as values (`Fault`). Each error says what happened
and what to try; the command line has a single `except OptoutError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class OptoutError(Exception):
    """The root of everything that Optout raises on purpose.

    `remedy` is a sentence that says what to try; it may be empty.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def diagnostics(self) -> str:
        """The whole message for a person: what happened, then what to try."""
        return f"{self.what}\n  {self.remedy}" if self.remedy else self.what


class UsageError(OptoutError):
    """A command, an option or a call was given something that it cannot use."""


class RegistryError(OptoutError):
    """A crawler data file is wrong; the message names the file and the entry."""


class EvidenceError(OptoutError):
    """The evidence log cannot be opened, written, or trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file of the operator's own.

    `line` counts from 1; 0 means the file as a whole.
    """

    file: str
    line: int
    text: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.text} - {self.remedy}" if self.remedy else f"{place}: {self.text}"


class PolicyError(OptoutError):
    """One or more policy files are wrong. `problems` lists all faults found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the policy")

    def diagnostics(self) -> str:
        """Every problem on a line of its own, as `file:line: what is wrong - what to do`."""
        return "\n".join([self.what, *(f"  {problem}" for problem in self.problems)])
