"""Coverage of a list of works: which were sought, by whom, when, and what was handed over; standings stay apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from optout.evidence.index.figures import Figure
from optout.report.figures import moment
from optout.review.asked import Asked
from optout.review.reader import Reader
from optout.review.works import Work, WorkFault

PAGE = 200


def works(
    reader: Reader, read: tuple[tuple[Work, ...], tuple[WorkFault, ...]], asked: Asked, tenant: str, start: int = 0
) -> dict[str, Any]:
    """The page's dictionary, for the works from `start` on."""
    listed, faults = read
    shown = listed[start : start + PAGE]
    rows = [_rows(reader, work, asked, tenant) for work in shown]
    return {
        "filters": asked.values,
        "works": len(listed),
        "start": start,
        "next": start + PAGE if start + PAGE < len(listed) else None,
        "sought": sum(bool(first["count"]) for first, *_ in rows),
        "shown": len(shown),
        "rows": [row for of_work in rows for row in of_work],
        "faults": [asdict(fault) for fault in faults[:20]],
    }


def _rows(reader: Reader, work: Work, asked: Asked, tenant: str) -> list[dict[str, Any]]:
    """A row for each standing of those who sought the work; one of nobody if nobody did."""
    found: dict[str, list[Figure]] = {}
    question = replace(asked, path=work.path).question(tenant=tenant)
    for figure in reader.catalog.figures(question, ("standing", "product", "action")):
        found.setdefault(figure.key[0], []).append(figure)
    return [_row(work, standing, figures) for standing, figures in sorted(found.items())] or [_row(work, "", [])]


def _row(work: Work, standing: str, figures: list[Figure]) -> dict[str, Any]:
    crawlers: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    for figure in figures:
        crawlers[figure.key[1]] += figure.count
        actions[figure.key[2]] += figure.count
    firsts = [figure.first_us for figure in figures if figure.first_us is not None]
    lasts = [figure.last_us for figure in figures if figure.last_us is not None]
    return {
        **asdict(work),
        "standing": standing,
        "count": actions.total(),
        "bytes": sum(figure.size for figure in figures),
        "actions": dict(actions),
        "crawlers": [{"name": name, "count": count} for name, count in crawlers.most_common(10)],
        "first": moment(min(firsts)) if firsts else "",
        "last": moment(max(lasts)) if lasts else "",
    }
