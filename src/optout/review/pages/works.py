"""Coverage of a list of works: which were sought, by whom, when, and what was handed over."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import Any

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
    rows = [_row(reader, work, asked, tenant) for work in shown]
    return {
        "filters": asked.values,
        "works": len(listed),
        "start": start,
        "next": start + PAGE if start + PAGE < len(listed) else None,
        "sought": sum(bool(row["count"]) for row in rows),
        "shown": len(rows),
        "rows": rows,
        "faults": [asdict(fault) for fault in faults[:20]],
    }


def _row(reader: Reader, work: Work, asked: Asked, tenant: str) -> dict[str, Any]:
    question = replace(asked, path=work.path).question(tenant=tenant)
    found = reader.catalog.figures(question, ("product", "standing", "action"))
    crawlers: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    for figure in found:
        crawlers[f"{figure.key[0]} ({figure.key[1]})"] += figure.count
        actions[figure.key[2]] += figure.count
    firsts = [figure.first_us for figure in found if figure.first_us is not None]
    lasts = [figure.last_us for figure in found if figure.last_us is not None]
    return {
        **asdict(work),
        "count": actions.total(),
        "bytes": sum(figure.size for figure in found),
        "actions": dict(actions),
        "crawlers": [{"name": name, "count": count} for name, count in crawlers.most_common(10)],
        "first": moment(min(firsts)) if firsts else "",
        "last": moment(max(lasts)) if lasts else "",
    }
