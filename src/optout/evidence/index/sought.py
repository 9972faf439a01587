"""Which paths were sought most, and who fetched robots.txt, counted by the index one record at a time.

That is quick for hundreds of thousands of records and takes seconds for millions, so a page asks for it by itself.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from optout.evidence.index.asking import paths_of, profiles_of
from optout.evidence.index.catalog import Catalog
from optout.evidence.index.opening import Index
from optout.evidence.index.question import Question
from optout.evidence.index.tables import ask

MOST_COUNTED = 500_000  # records that a page counts while somebody waits
_MOST_SHOWN = 25
_ROBOTS = "/robots.txt"


def sought(catalog: Catalog, question: Question, limit: int = _MOST_SHOWN) -> list[dict[str, Any]]:
    """The paths with the most requests of one standing: path, standing, requests, bytes of content sent."""
    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for index in catalog.indexes:
        where, values = _where(index, question)
        rows = ask(
            index.connection,
            "SELECT paths.path, profiles.standing, count(*), coalesce(sum(bytes), 0) FROM records"
            " JOIN paths ON paths.id = records.path JOIN profiles ON profiles.id = records.profile"
            f" WHERE retracted = 0{where} GROUP BY records.path, profiles.standing ORDER BY 3 DESC LIMIT ?",
            (*values, limit if len(catalog.indexes) == 1 else -1),
        )
        for path, standing, count, size in rows:
            counts[path, standing] += count
            sizes[path, standing] += size
    return [
        {"path": path, "standing": standing, "count": count, "bytes": sizes[path, standing]}
        for (path, standing), count in counts.most_common(limit)
    ]


def robots_reads(catalog: Catalog, question: Question) -> dict[tuple[str, str], int]:
    """How often robots.txt was fetched, by the crawler's name and standing."""
    found: Counter[tuple[str, str]] = Counter()
    for index in catalog.indexes:
        numbers = [number for (number,) in ask(index.connection, "SELECT id FROM paths WHERE path = ?", (_ROBOTS,))]
        if not numbers:
            continue
        where, values = _where(
            index, Question(since_us=question.since_us, until_us=question.until_us, facets=question.facets)
        )
        rows = ask(
            index.connection,
            "SELECT profiles.product, profiles.standing, count(*) FROM records JOIN profiles ON profiles.id = profile"
            f" WHERE path IN ({','.join(map(str, numbers))}) AND path IS NOT NULL AND retracted = 0{where}"
            " GROUP BY profiles.product, profiles.standing",
            values,
        )
        for product, standing, count in rows:
            found[product, standing] += count
    return dict(found)


def _where(index: Index, question: Question) -> tuple[str, tuple[int, ...]]:
    parts, values = [], []
    profiles = profiles_of(index, question)
    if profiles is not None:
        parts.append(f" AND records.profile IN ({','.join(map(str, profiles))})")
    if question.since_us is not None:
        parts.append(" AND time_us >= ?")
        values.append(question.since_us)
    if question.until_us is not None:
        parts.append(" AND time_us < ?")
        values.append(question.until_us)
    if question.path is not None:
        parts.append(f" AND records.path IN ({','.join(map(str, paths_of(index, question.path)))})")
    return "".join(parts), tuple(values)
