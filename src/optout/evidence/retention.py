"""For how long private parts may be read: the table of months, and which of them are due (evidence.md part 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from optout.evidence.holds import Hold, held_by
from optout.evidence.keys import KeyStore, TenantMonth

DEFAULT_DAYS = 180
LEAST_DAYS, MOST_DAYS = 30, 365
"""What may be set. Longer only by a hold, which names a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A tenant's month whose private parts can be read until `due`; `held_by` are cases that keep them longer."""

    where: TenantMonth
    days: int
    due: date
    held_by: tuple[str, ...]
    is_over: bool


def terms(
    keys: KeyStore, holds: tuple[Hold, ...], *, now_us: int, days: int = DEFAULT_DAYS, by_tenant: Mapping[str, int] = {}
) -> tuple[Term, ...]:
    """The table: every tenant's month that has keys. `by_tenant` are days where they differ. Raises OSError."""
    today = datetime.fromtimestamp(now_us / 1_000_000, UTC).date()
    found = []
    for where in keys.list():
        own = by_tenant.get(where.tenant, days)
        due = _following(where.month) + timedelta(days=own)
        cases = held_by(holds, where)
        found.append(Term(where=where, days=own, due=due, held_by=cases, is_over=today >= due and not cases))
    return tuple(found)


def _following(month: str) -> date:
    """The first day of the next month; that of a month at the end of all calendars is its own."""
    year, number = int(month[:4]), int(month[5:])
    if (year, number) >= (9998, 12):
        return date(9998, 12, 1)
    return date(year + number // 12, number % 12 + 1, 1)
