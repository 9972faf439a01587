"""The first page: who came, what each was told, which works were sought, and how the log is.

Rule: verified and merely claimed traffic are never added together; every number here is of one standing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from optout.evidence.index.figures import Figure
from optout.evidence.index.question import Question
from optout.evidence.index.sought import MOST_COUNTED, robots_reads, sought
from optout.report.figures import moment, number
from optout.review.asked import Asked
from optout.review.pages.chart import chart
from optout.review.reader import Reader, fields_of, of_tenant

_MOST_ROWS = 200
_MOST_GAPS = 50


def overview(reader: Reader, asked: Asked, tenant: str) -> dict[str, Any]:
    """The page's dictionary."""
    catalog, question = reader.catalog, asked.question(tenant=tenant)
    by_day = catalog.figures(question, ("standing", "day", "action"))
    rows = catalog.figures(question, ("product", "operator", "purpose", "standing", "action"))
    size = sum(index.size for index in catalog.indexes)
    crawlers = _crawlers(rows, robots_reads(catalog, question))
    return {
        "filters": asked.values,
        "by_standing": _standings(by_day),
        "by_purpose": _purposes(rows),
        "crawlers": crawlers[:_MOST_ROWS],
        "crawlers_left_out": max(0, len(crawlers) - _MOST_ROWS),
        "works": sought(catalog, question) if size <= MOST_COUNTED else None,
        "records_in_log": _records_of(reader, tenant) if tenant else size,
        "health": _health(reader, tenant),
        "gaps": _gaps(reader, asked, tenant),
        "broken": reader.broken,
    }


def _standings(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """For each standing its attempts, by day and as a drawing; the most frequent first."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for figure in figures:
        standing, day, action = figure.key
        found.setdefault(standing, {}).setdefault(day, Counter())[action] += figure.count
    told = []
    for standing, by_day in found.items():
        days = [_actions(counts, day=day) for day, counts in sorted(by_day.items())]
        told.append({"name": standing, "count": sum(map(_count, days)), "days": days, "chart": chart(days)})
    return sorted(told, key=lambda each: (-_count(each), str(each["name"])))


def _purposes(rows: Iterable[Figure]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], Counter[str]] = {}
    for figure in rows:
        _, _, purpose, standing, action = figure.key
        found.setdefault((purpose, standing), Counter())[action] += figure.count
    told = [_actions(counts, name=purpose, standing=standing) for (purpose, standing), counts in found.items()]
    return sorted(told, key=lambda each: (-_count(each), str(each["name"]), str(each["standing"])))


def _actions(counts: Counter[str], **names: str) -> dict[str, Any]:
    return {**names, "count": counts.total(), "actions": dict(counts)}


def _count(row: dict[str, Any]) -> int:
    return int(row["count"])


def _crawlers(rows: Iterable[Figure], reads: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
    """A row for each name and standing: verified and merely claimed traffic are never added together."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for figure in rows:
        name, operator, purpose, standing, action = figure.key
        row = found.setdefault(
            (name, operator, purpose, standing),
            {
                "name": name,
                "operator": operator,
                "purpose": purpose,
                "standing": standing,
                "count": 0,
                "bytes": 0,
                "actions": {},
                "first": "",
                "last": "",
                "robots_reads": reads.get((name, standing), 0),
            },
        )
        row["count"] += figure.count
        row["bytes"] += figure.size
        row["actions"][action] = row["actions"].get(action, 0) + figure.count
        if figure.first_us is not None and figure.last_us is not None:
            row["first"] = min(filter(None, (row["first"], moment(figure.first_us))))
            row["last"] = max(row["last"], moment(figure.last_us))
    return sorted(found.values(), key=lambda row: (-_count(row), row["name"], row["standing"]))


def _health(reader: Reader, tenant: str) -> dict[str, Any]:
    checkpoint = reader.checkpoint
    anchors = reader.records(Asked().question("log.anchor"), 1)
    anchor = fields_of(anchors[0]) if anchors else {}
    kinds = {
        kind: sum(
            figure.count
            for question in _of_the_log(Asked().question(kind), tenant)
            for figure in reader.catalog.figures(question)
        )
        for kind in ("log.gap", "log.fault", "log.clock")
    }
    return {
        "signed_size": checkpoint.size if checkpoint is not None else None,
        "origin": checkpoint.origin if checkpoint is not None else "",
        "anchor": str(anchor.get("anchor.authority", "")),
        "anchor_time": moment(number(anchor, "anchor.time_us")) if anchor else "",
        "gaps": kinds["log.gap"],
        "faults": kinds["log.fault"],
        "clock_steps": kinds["log.clock"],
        "tenant": tenant,
    }


def _gaps(reader: Reader, asked: Asked, tenant: str) -> list[dict[str, Any]]:
    questions = _of_the_log(asked.question("log.gap"), tenant)
    gaps = [fields_of(hit) for each in questions for hit in reader.records(each, _MOST_GAPS)]
    gaps.sort(key=lambda gap: number(gap, "from_us"), reverse=True)
    return [
        {
            "from": moment(number(gap, "from_us")),
            "to": moment(number(gap, "to_us")),
            "reason": str(gap.get("reason", "")),
            "count": gap.get("count") if isinstance(gap.get("count"), int) else None,
        }
        for gap in gaps[:_MOST_GAPS]
    ]


def _of_the_log(question: Question, tenant: str) -> list[Question]:
    """What a tenant may know of the log itself: what is said of him, and of nobody by name."""
    if not tenant:
        return [question]
    return [replace(question, facets={**question.facets, "tenant": name}) for name in (tenant, "")]


def _records_of(reader: Reader, tenant: str) -> int:
    return sum(figure.count for figure in reader.catalog.figures(of_tenant(Question(), tenant)))
