"""One record: what arrived and what was concluded apart, the rule in the words of that moment, and the proof."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optout.evidence.index.question import Question
from optout.evidence.segments import Entry
from optout.evidence.tree import leaf_hash
from optout.report.figures import Rule, deciding, moment, number
from optout.review.asked import Asked
from optout.review.proof import Level, level_of
from optout.review.reader import Fields, Reader, fields_of
from optout.signatures.proof import recheck

_OBSERVED = (
    "http.request.",
    "user_agent.",
    "url.",
    "network.",
    "server.",
    "client.",
    "time_us",
    "mono_us",
    "signature.",
)
_OWN = ("v", "id", "type", "seq", "writer.", "clock.", "private.", "tenant", "peer.")
_MOST_LINES = 2000
_MOST_DIFF = 400


def record(reader: Reader, record_id: str, tenant: str) -> dict[str, Any] | None:
    """The page's dictionary; None where there is no such record, or it is another tenant's or a person's."""
    found = _find(reader, record_id)
    if found is None:
        return None
    log, entry = found
    fields = _fields(entry)
    if tenant and fields.get("tenant") != tenant:
        return None
    level = level_of(log, entry)
    rule = deciding(fields)
    return {
        "id": str(fields.get("id", "")),
        "index": entry.leaf_index,
        "type": str(fields.get("type", "")),
        "time": moment(number(fields, "time_us")),
        "local_time": _local(number(fields, "time_us")),
        "crawler": str(fields.get("crawl.product", "")),
        "observed": _those(fields, _OBSERVED),
        "concluded": _others(fields, (*_OBSERVED, *_OWN)),
        "log_fields": _those(fields, _OWN),
        "leaf_hash": leaf_hash(entry.record).hex(),
        "is_covered": level >= Level.SIGNED,
        "level": int(level),
        "rule": _rule(reader, rule, fields) if rule is not None else None,
        "signature": recheck(fields).value,
        "has_private": bool(entry.private),
        "outcome": _outcome(reader, fields),
    }


def _local(time_us: int) -> str:
    """The same time as clocks around here show it, with the zone's offset; "" for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(time_us / 1_000_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    except (ValueError, OverflowError, OSError):
        return ""


def find(reader: Reader, record_id: str, tenant: str) -> tuple[Path, Entry] | None:
    """The record of an id, with the directory of its log; None as in `record`."""
    found = _find(reader, record_id)
    return found if found is not None and (not tenant or _fields(found[1]).get("tenant") == tenant) else None


def _find(reader: Reader, record_id: str) -> tuple[Path, Entry] | None:
    taken_back = frozenset().union(*(index.retractions for index in reader.catalog.indexes))
    if record_id in taken_back:
        return None
    found = reader.catalog.find(record_id)
    return found[0] if found else None


def _fields(entry: Entry) -> Fields:
    from optout.evidence.schema import parse_record  # noqa: PLC0415

    return parse_record(entry.record) or {}


def _is_in(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or (place.endswith(".") and name.startswith(place)) for place in places)


def _those(fields: Fields, places: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": _text(value)} for name, value in sorted(fields.items()) if _is_in(name, places)]


def _others(fields: Fields, places: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": _text(value)} for name, value in sorted(fields.items()) if not _is_in(name, places)]


def _text(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rule(reader: Reader, rule: Rule, fields: Fields) -> dict[str, Any]:
    data = reader.document(rule.sha256)
    lines = data.decode("utf-8", "replace").splitlines()[:_MOST_LINES] if data is not None else []
    return {
        "code": rule.code,
        "file": rule.name,
        "line": rule.line,
        "sha256": rule.sha256,
        "text": lines,
        "changes": _changes(reader, rule, fields, lines) if data is not None else None,
    }


def _changes(reader: Reader, rule: Rule, fields: Fields, lines: list[str]) -> list[str] | None:
    """What is different in the version that the newest record of this site names; None where it is the same."""
    name = {"robots.txt": "robots.sha256", "tdmrep.json": "tdm.sha256"}.get(rule.name, "policy.sha256")
    host = str(fields.get("server.address", ""))
    newest = reader.records(Asked(facets=(("host", host),)).question(), 1)
    today = str(fields_of(newest[0]).get(name, "")) if newest else ""
    data = reader.document(today)
    if today == rule.sha256 or data is None:
        return None
    now = data.decode("utf-8", "replace").splitlines()[:_MOST_LINES]
    return list(difflib.unified_diff(lines, now, "then", "today", lineterm="", n=2))[:_MOST_DIFF]


def _outcome(reader: Reader, fields: Fields) -> dict[str, Any] | None:
    """How the exchange ended, if it went on to the site and the index knows its end."""
    hits = reader.records(_near(fields), 50)
    for hit in hits:
        if fields_of(hit).get("id") == fields.get("id") and hit.found.row.size is not None:
            return {"status": hit.found.row.status, "bytes": hit.found.row.size}
    return None


def _near(fields: Fields) -> Question:
    time_us = number(fields, "time_us")
    return Question(since_us=time_us, until_us=time_us + 1, facets={"type": "crawl.request"})
