"""A record as one line: for people, and as a row of a table for other programs.

A stranger wrote much of it. No cell of the CSV can act on a terminal or, opened as a spreadsheet, be a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from optout.cli.terminal import safe

if TYPE_CHECKING:
    from optout.evidence.index.asking import Row
    from optout.evidence.segments import Entry

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FIELDS = (
    "type",
    "id",
    "tenant",
    "server.address",
    "crawl.product",
    "crawl.operator",
    "crawl.purpose",
    "identity.standing",
    "decision.action",
    "decision.enforced",
    "url.path",
)
HEADER = ("index", "time", *_FIELDS, "http.response.status_code", "http.response.body.size", "retracted")
_LONGEST_CELL = 4096


def line(entry: Entry, *, retracted: bool = False) -> str:
    """A record for a terminal."""
    from optout.evidence.schema import parse_record

    fields = parse_record(entry.record) or {}
    place = f"{fields.get('server.address', '')}{fields.get('url.path', '')}"
    action = fields.get("decision.action")
    if action is not None and fields.get("decision.enforced") is False:
        action = f"would {action}"
    told = (fields.get("crawl.product"), action, place, fields.get("reason"), "(retracted)" if retracted else "")
    words = " ".join(safe(str(word), 80) for word in told if word)
    kind = safe(str(fields.get("type")))
    return f"{entry.leaf_index:>7}  {moment(fields.get('time_us'))}  {kind:<15}  {words}".rstrip()


def row(entry: Entry, known: Row) -> str:
    """A record as a row of CSV; status and bytes of a request are those of its outcome."""
    from optout.evidence.schema import parse_record

    fields = parse_record(entry.record) or {}
    return csv_row(
        (
            entry.leaf_index,
            moment(fields.get("time_us")),
            *(fields.get(name) for name in _FIELDS),
            known.status,
            known.size,
            bool(known.retracted),
        )
    )


def csv_row(values: Iterable[object]) -> str:
    """A row of CSV (RFC 4180) without its line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(map(_cell, values))
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else safe(str(value), _LONGEST_CELL)
    return f"'{text}" if text.startswith(_FORMULA) else text


def moment(time_us: object) -> str:
    """A time in UTC to the second, or what stands there if it is none."""
    try:
        return datetime.fromtimestamp(int(str(time_us)) / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return safe(str(time_us))
