"""A list of works: CSV in and out, or the addresses of a sitemap's kind, one a line.

The columns, of which `path` alone has to be there: title, path (a path, or a pattern as `/books/7/*`), creator, isbn,
doi, iswc, isrc, isni, image_id, rightsholder, mandate, mandate_from, mandate_to (ISO 8601 days). Reading never raises
for what a file holds; what is wrong with a line is told.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

MOST_WORKS = 2000
_LARGEST = 4 * 1024 * 1024
_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One work. `path` is a path or a pattern; days are ISO 8601; identifiers are as the list has them."""

    path: str
    title: str = ""
    creator: str = ""
    isbn: str = ""
    doi: str = ""
    iswc: str = ""
    isrc: str = ""
    isni: str = ""
    image_id: str = ""
    rightsholder: str = ""
    mandate: str = ""
    mandate_from: str = ""
    mandate_to: str = ""


COLUMNS = tuple(each.name for each in fields(Work))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFault:
    """What is wrong with one line, which is passed over."""

    line: int
    text: str


def parse_works(data: bytes) -> tuple[tuple[Work, ...], tuple[WorkFault, ...]]:
    """The works of a list. Never raises; linear time."""
    text = data[:_LARGEST].decode("utf-8-sig", "replace").replace("\x00", "")
    faults = (
        [WorkFault(line=0, text=f"longer than {_LARGEST} bytes: the rest is not read")] if len(data) > _LARGEST else []
    )
    works: list[Work] = []
    for line, found in _read(text):
        if isinstance(found, str):
            faults.append(WorkFault(line=line, text=found))
        elif len(works) == MOST_WORKS:
            faults.append(WorkFault(line=line, text=f"more than {MOST_WORKS} works: the rest is not read"))
            break
        else:
            works.append(found)
    return tuple(works), tuple(faults)


def _read(text: str) -> Iterator[tuple[int, Work | str]]:
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        head = next(rows, [])
        names = [name.strip().lower().replace(" ", "_") for name in head]
        if "path" not in names:
            yield from _addresses(text)
            return
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            values = {name: cell.strip()[:_LONGEST] for name, cell in zip(names, row, strict=False) if name in COLUMNS}
            path = _path(values.pop("path", ""))
            yield rows.line_num, Work(path=path, **values) if path else "no path"
    except csv.Error:
        yield rows.line_num, "no CSV from here on"


def _addresses(text: str) -> Iterator[tuple[int, Work | str]]:
    """A list without a head: an address or a path a line."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        path = _path(line.strip()[:_LONGEST])
        yield number, Work(path=path) if path else "neither a path nor an address; a table needs a column `path`"


def _path(text: str) -> str:
    if text.startswith("/"):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return (parts.path or "/") if parts.scheme in ("http", "https") and parts.netloc else ""
