"""What another stance would have answered to the latest requests: the log's own records, judged again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from optout.engine import Engine
from optout.evidence.segments import Break
from optout.report.replay import Recorded, parse_recorded, replay
from optout.review.asked import Asked
from optout.review.reader import Reader
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, Document, Published, known, parse_published, unknown

DAYS = 30
MOST_JUDGED = 20_000  # requests that are judged while somebody waits
_DAY_US = 86_400_000_000


def stance(reader: Reader, before: Engine, after: Engine, name: str, tenant: str) -> dict[str, Any]:
    """The part of the policy page's dictionary about the stance `name`."""
    latest = _Latest(reader, tenant)
    found = replay(before, after, latest.read(), _Documents(reader).published)
    return {
        "name": name,
        "days": DAYS,
        "judged": found.judged,
        "is_cut": latest.is_cut,
        "changed": found.changed,
        "without_path": found.without_path,
        "changes": [
            {
                "crawler": change.crawler,
                "standing": change.standing,
                "before": str(change.before),
                "after": str(change.after),
                "count": change.count,
                "bytes": change.content_bytes,
                "why": change.why,
                "examples": change.examples,
            }
            for change in found.changes
        ],
    }


class _Latest:
    """The requests of the last days before the newest one, newest first."""

    def __init__(self, reader: Reader, tenant: str) -> None:
        self._reader, self._tenant = reader, tenant
        self.is_cut = False

    def read(self) -> Iterator[tuple[Recorded, int | None]]:
        """Each with the bytes of content sent to it; what was taken back is left out."""
        count, since_us = 0, None
        for hit in self._reader.catalog.records(Asked().question(tenant=self._tenant), newest_first=True):
            if isinstance(hit, Break) or hit.found.row.retracted:
                continue
            row = hit.found.row
            since_us = row.time_us - DAYS * _DAY_US if since_us is None else since_us
            if row.time_us < since_us:
                return
            if count == MOST_JUDGED:
                self.is_cut = True
                return
            recorded = parse_recorded(hit.found.entry.record)
            if recorded is not None:
                count += 1
                yield recorded, row.size


class _Documents:
    """What a site published when a request came, by the hashes in its record; the same object for the same."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: dict[tuple[str, str, str], Published] = {}

    def published(self, recorded: Recorded) -> Published:
        """The documents in force for a request."""
        key = recorded.authority, recorded.robots, recorded.tdmrep
        if key not in self._kept:
            robots, tdmrep = self._document(ROBOTS_NAME, recorded.robots), self._document(TDMREP_NAME, recorded.tdmrep)
            self._kept[key] = parse_published(robots, tdmrep, authority=recorded.authority)
        return self._kept[key]

    def _document(self, name: str, sha256: str) -> Document:
        data = self._reader.document(sha256)
        return unknown(name, "not in the log") if data is None else known(name, data)
