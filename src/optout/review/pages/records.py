"""The records behind a figure, newest first, page by page."""

from __future__ import annotations

from typing import Any

from optout.evidence.index.catalog import Hit, parse_cursor
from optout.evidence.segments import Break
from optout.report.figures import action, moment, number
from optout.review.asked import Asked
from optout.review.reader import Reader, fields_of

PAGE = 50


def records(reader: Reader, asked: Asked, tenant: str) -> dict[str, Any]:
    """The page's dictionary; `next` is the cursor of the following page, "" on the last."""
    found: list[Hit] = []
    following = ""
    cursor = parse_cursor(asked.cursor)
    for hit in reader.catalog.records(asked.question(tenant=tenant), cursor=cursor, newest_first=True):
        if isinstance(hit, Break) or hit.found.row.retracted:
            continue
        if len(found) == PAGE:
            following = str(found[-1].cursor)
            break
        found.append(hit)
    count = sum(figure.count for figure in reader.catalog.figures(asked.question(tenant=tenant)))
    return {
        "filters": asked.values,
        "count": count,
        "rows": [row(hit) for hit in found],
        "next": following,
        "broken": reader.broken,
    }


def row(hit: Hit) -> dict[str, Any]:
    """One record as a line of a list."""
    fields = fields_of(hit)
    return {
        "id": str(fields.get("id", "")),
        "index": hit.found.entry.leaf_index,
        "time": moment(number(fields, "time_us")),
        "crawler": str(fields.get("crawl.product", "")),
        "standing": str(fields.get("identity.standing", "")),
        "host": str(fields.get("server.address", "")),
        "path": str(fields["url.path"]) if "url.path" in fields else None,
        "action": action(fields),
        "reason": str(fields.get("decision.reason", "")),
        "status": hit.found.row.status,
        "bytes": hit.found.row.size,
    }
