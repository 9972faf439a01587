"""One crawler's name: what is published about it, with sources, and what it did here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optout.crawlers.registry import Registry
from optout.report.figures import Rule, deciding
from optout.review.asked import Asked
from optout.review.pages.overview import overview
from optout.review.pages.records import row
from optout.review.reader import Reader, fields_of

_LATEST = 20
_SAMPLED = 500


def crawler(reader: Reader, registry: Registry, name: str, asked: Asked, tenant: str) -> dict[str, Any] | None:
    """The page's dictionary; None for a name that neither the registry nor the log knows."""
    known = registry.by_name(name)
    mine = replace(asked, facets=(*(pair for pair in asked.facets if pair[0] != "crawler"), ("crawler", name)))
    told = overview(reader, mine, tenant)
    if known is None and not told["by_standing"]:
        return None
    latest = reader.records(mine.question(tenant=tenant), _SAMPLED)
    return {
        "name": name,
        "about": _about(registry, name),
        "figures": told,
        "latest": [row(hit) for hit in latest[:_LATEST]],
        "rules": _rules(reader, [rule for hit in latest if (rule := deciding(fields_of(hit))) is not None]),
        "sampled": len(latest),
        "with_notice": sum("notice.robots.id" in fields_of(hit) for hit in latest),
        "contradictions": sorted({str(fields_of(hit).get("usage.conflicts", "")) for hit in latest} - {""})[:10],
    }


def _about(registry: Registry, name: str) -> dict[str, Any] | None:
    known = registry.by_name(name)
    if known is None:
        return None
    return {
        "operator": known.operator,
        "purposes": [purpose.value for purpose in known.purposes],
        "robots_tokens": list(known.robots_tokens),
        "honors_robots": known.honors_robots.value,
        "address_list": known.address_list,
        "docs": known.docs,
        "sources": [{"text": source.text, "date": source.date} for source in known.sources],
    }


def _rules(reader: Reader, found: list[Rule]) -> list[dict[str, Any]]:
    """The lines that decided about its latest requests, the most frequent first."""
    counts = {rule: found.count(rule) for rule in dict.fromkeys(found)}
    return [
        {
            "code": rule.code,
            "file": rule.name,
            "line": rule.line,
            "count": count,
            "text": _line(reader, rule),
        }
        for rule, count in sorted(counts.items(), key=lambda pair: -pair[1])[:_LATEST]
    ]


def _line(reader: Reader, rule: Rule) -> str:
    data = reader.document(rule.sha256) if rule.line else None
    lines = data.decode("utf-8", "replace").splitlines() if data is not None else []
    return lines[rule.line - 1] if 0 < rule.line <= len(lines) else ""
