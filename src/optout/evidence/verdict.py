"""What an audit says of a log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The outcome of an audit."""

    SOUND = "sound"
    NOT_SOUND = "not sound"
    COULD_NOT_TELL = "could not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProblem:
    """One thing that is not as it was signed: the file, the record's index if it is about one, and what is wrong."""

    file: str
    index: int | None
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}" if self.index is None else f"{self.file}: record {self.index}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit found. Of `size` records a signature covers `covered`; `waiting` ones lie in spools still."""

    verdict: Verdict
    origin: str
    vkey: str
    self_attested: bool
    size: int
    covered: int
    boots: int
    snapshots: int
    gaps: int
    waiting: int
    proved: tuple[str, ...]
    not_proved: tuple[str, ...]
    problems: tuple[AuditProblem, ...]
