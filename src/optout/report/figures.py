"""Counts over the records of a bundle or a log. Nothing is rounded; every row names its first and its last record.

A record that proved to be a person's (`crawl.retract`) is in no figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

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


class Rule(NamedTuple):
    """A line that decided: its file's name and SHA-256 (hex), the line (0: none), and the reason's code."""

    name: str
    sha256: str
    line: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a stretch of a log holds.

    `rows` stand by attempts; `visits` are the first ones in their order, `attempts` is how many there were in all.
    `days` has the actions of each UTC day (ISO 8601) and standing in order, `rules` the lines that decided, `paths` the
    most sought with the standing of who did.
    """

    rows: tuple[Row, ...]
    visits: tuple[Visit, ...]
    attempts: int
    gaps: tuple[Fields, ...]
    retracted: int
    days: tuple[tuple[tuple[str, str], Counter[str]], ...] = ()
    rules: tuple[tuple[Rule, int], ...] = ()
    paths: tuple[tuple[tuple[str, str], int], ...] = ()
    is_path_count_whole: bool = True


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
    """Count records, given with their places in the order of the log. All visits are kept."""
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
    visits = (
        Visit(index=index, fields=fields, outcome=outcomes.get(name, {}))
        for name, (index, fields) in requests.items()
        if name not in retracted
    )
    return count(visits, gaps=tuple(gaps), retracted=len(retracted & requests.keys()))


_MOST_PATHS = 100_000  # that are counted; strangers invent them
_MOST_SHOWN = 50


def count(
    visits: Iterable[Visit], *, gaps: tuple[Fields, ...] = (), retracted: int = 0, keep: int | None = None
) -> Figures:
    """Count visits as they come; only the first `keep` of them are kept, all if it is None."""
    rows: dict[tuple[str, ...], Row] = {}
    days: dict[tuple[str, str], Counter[str]] = {}
    rules: Counter[Rule] = Counter()
    paths: Counter[tuple[str, str]] = Counter()
    kept: list[Visit] = []
    attempts, is_whole = 0, True
    for visit in visits:
        attempts += 1
        if keep is None or attempts <= keep:
            kept.append(visit)
        names = ("crawl.product", "crawl.operator", "crawl.purpose", "identity.standing")
        name, operator, purpose, standing = key = tuple(str(visit.fields.get(each, "")) for each in names)
        row = rows.setdefault(key, Row(name=name, operator=operator, purpose=purpose, standing=standing))
        row.count(visit)
        days.setdefault((moment(visit.time_us)[:10], standing), Counter())[action(visit.fields)] += 1
        rule = deciding(visit.fields)
        if rule is not None:
            rules[rule] += 1
        path = visit.fields.get("url.path")
        if isinstance(path, str):
            if (path, standing) in paths or len(paths) < _MOST_PATHS:
                paths[path, standing] += 1
            else:
                is_whole = False
    return Figures(
        rows=tuple(sorted(rows.values(), key=lambda row: (-row.attempts, row.name, row.standing))),
        visits=tuple(kept),
        attempts=attempts,
        gaps=gaps,
        retracted=retracted,
        days=tuple(sorted(days.items())),
        rules=tuple(rules.most_common()),
        paths=tuple(paths.most_common(_MOST_SHOWN)),
        is_path_count_whole=is_whole,
    )


_HASHES = {"robots.txt": "robots.sha256", "tdmrep.json": "tdm.sha256"}


def deciding(fields: Fields) -> Rule | None:
    """The line that decided about a visit: the last of its reasons. None where the record names none."""
    reasons = fields.get("decision.reasons")
    if not isinstance(reasons, list) or not reasons:
        return None
    code, _, place = str(reasons[-1]).partition(" ")
    name, _, line = place.rpartition(":")
    sha256 = str(fields.get(_HASHES.get(name, "policy.sha256"), "")) if name else ""
    return Rule(name=name, sha256=sha256, line=int(line) if line.isascii() and line.isdigit() else 0, code=code)
