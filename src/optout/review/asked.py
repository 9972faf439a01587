"""What a page was asked for: period, crawler and so on, out of a query that anybody can write. Never raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from optout.evidence.index.question import PathPattern, Question
from optout.review.reader import of_tenant

NAMES = {
    "crawler": "product",
    "operator": "operator",
    "purpose": "purpose",
    "action": "action",
    "standing": "standing",
    "host": "host",
}
"""Names in a query, with what the index calls them."""

_LONGEST = 300
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of a page. Days are whole days of UTC, ISO 8601; "" is no bound. `until` is the last day."""

    since: str = ""
    until: str = ""
    path: str = ""
    facets: tuple[tuple[str, str], ...] = ()
    cursor: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The filters that are set, by their names in a query."""
        own = {"since": self.since, "until": self.until, "path": self.path}
        return {name: value for name, value in (*own.items(), *self.facets) if value}

    def question(self, kind: str = "crawl.request", tenant: str = "") -> Question:
        """What the index is to be asked."""
        facets = {NAMES[name]: value for name, value in self.facets} if kind == "crawl.request" else {}
        made = Question(
            since_us=_day_us(self.since),
            until_us=_day_us(self.until, 1),
            facets={"type": kind, **facets},
            path=PathPattern(self.path) if self.path and kind == "crawl.request" else None,
        )
        return of_tenant(made, tenant)

    def link(self, to: str, **more: str) -> str:
        """The address of a page with these filters and others beside; an empty one takes a filter away."""
        values = {name: value for name, value in {**self.values, **more}.items() if value}
        return f"{to}?{urlencode(values)}" if values else to


def parse_asked(query: Mapping[str, str]) -> Asked:
    """The filters of a query; what is none is passed over."""
    facets = tuple((name, query[name][:_LONGEST]) for name in NAMES if query.get(name))
    return Asked(
        since=_date(query.get("since", "")),
        until=_date(query.get("until", "")),
        path=query.get("path", "")[:_LONGEST],
        facets=facets,
        cursor=query.get("cursor", "")[:64],
    )


def _date(text: str) -> str:
    return text if _DATE.match(text) and _day_us(text) is not None else ""


def _day_us(text: str, more: int = 0) -> int | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=more)
    except (ValueError, OverflowError):
        return None
    return int(day.timestamp()) * 1_000_000
