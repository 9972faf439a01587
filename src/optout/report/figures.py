"""Counts over the records of a bundle or a log. Nothing is rounded; every row names its first and its last record.

A record that proved to be a person's (`crawl.retract`) is in no figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

Fields = Mapping[str, object]

_REQUEST, _OUTCOME, _RETRACT, _GAP = "crawl.request", "crawl.outcome", "crawl.retract", "log.gap"
_OF = "crawl.request.id"
_SERVED = frozenset({"allow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request: its place in the log and its fields, and those of its outcome if there is one."""

    index: int
    fields: Fields
    outcome: Fields

    @property
    def time_us(self) -> int:
        """When it came, in µs since 1970 UTC."""
        return number(self.fields, "time_us")


@dataclass(slots=True, kw_only=True)
class Row:
    """The visits that claimed one name and whose claim stands alike. `content_bytes` were really sent to them."""

    name: str
    operator: str
    purpose: str
    standing: str
    actions: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    content_bytes: int = 0
    read_robots: int = 0
    first: Visit | None = None
    last: Visit | None = None

    def count(self, visit: Visit) -> None:
        """Add a visit."""
        self.attempts += 1
        self.actions[action(visit.fields)] += 1
        self.content_bytes += number(visit.outcome, "http.response.body.size")
        self.read_robots += "notice.robots.id" in visit.fields
        self.first = self.first or visit
        self.last = visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a stretch of a log holds: rows by attempts, visits in their order, gaps, and how many were retracted."""

    rows: tuple[Row, ...]
    visits: tuple[Visit, ...]
    gaps: tuple[Fields, ...]
    retracted: int

    @property
    def attempts(self) -> int:
        """How many visits there were."""
        return len(self.visits)


def action(fields: Fields) -> str:
    """What was decided, with a word before it where it was only observed."""
    decided = str(fields.get("decision.action", ""))
    return f"would {decided}" if fields.get("decision.enforced") is False and decided not in _SERVED else decided


def number(fields: Fields, name: str) -> int:
    """An integer field; 0 where it is not one."""
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(time_us: int) -> str:
    """A time for people, in UTC."""
    try:
        return datetime.fromtimestamp(time_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{time_us} µs since 1970"


def figures(records: Iterable[tuple[int, Fields]]) -> Figures:
    """Count records, given with their places in the order of the log."""
    requests: dict[str, tuple[int, Fields]] = {}
    outcomes: dict[str, Fields] = {}
    retracted: set[str] = set()
    gaps = []
    for index, fields in records:
        kind, of = fields.get("type"), str(fields.get(_OF, ""))
        if kind == _REQUEST:
            requests[str(fields.get("id"))] = (index, fields)
        elif kind == _OUTCOME:
            outcomes[of] = fields
        elif kind == _RETRACT:
            retracted.add(of)
        elif kind == _GAP:
            gaps.append(fields)
    visits = tuple(
        Visit(index=index, fields=fields, outcome=outcomes.get(name, {}))
        for name, (index, fields) in requests.items()
        if name not in retracted
    )
    return Figures(rows=_rows(visits), visits=visits, gaps=tuple(gaps), retracted=len(retracted & requests.keys()))


def _rows(visits: Iterable[Visit]) -> tuple[Row, ...]:
    rows: dict[tuple[str, ...], Row] = {}
    for visit in visits:
        names = ("crawl.product", "crawl.operator", "crawl.purpose", "identity.standing")
        name, operator, purpose, standing = key = tuple(str(visit.fields.get(each, "")) for each in names)
        row = rows.setdefault(key, Row(name=name, operator=operator, purpose=purpose, standing=standing))
        row.count(visit)
    return tuple(sorted(rows.values(), key=lambda row: (-row.attempts, row.name, row.standing)))
