"""What the pages of one bundle say in common: of which log it is, who asked for it, what its time rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optout.evidence.anchors import OWN_CLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The head of a page. `seen_line` is the log's name, size and root in one line; times in µs since 1970 UTC."""

    case: str
    scope: Mapping[str, str]
    since_us: int | None
    until_us: int | None
    made_us: int
    made_by: str
    software: str
    vkey: str
    fingerprint: str
    seen_line: str
    rests_on: str = OWN_CLOCK
    disclosed: int = 0
