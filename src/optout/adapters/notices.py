"""Who has read the site's robots.txt, and which version: the strongest fact for "they knew" (evidence.md part 5.1).

Each record of a crawler names its last fetch of robots.txt from the same site, and the version that was in force then.
"The same" is the name that the visitor claims, at one site, as one process has seen it since its start; a claim is not
an identity, and the record says how far it was checked. Memory is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from optout.evidence.schema import Value

_MOST = 8192  # crawlers times sites
_US = 1_000_000


class _Read(NamedTuple):
    """One fetch: its record's id, the SHA-256 of the version, when (µs since 1970 UTC)."""

    record_id: str
    sha256: str
    time_us: int


class Notices:
    """The last fetch of each crawler at each site."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], _Read] = OrderedDict()

    def read(self, crawler: str, site: str, *, record_id: str, sha256: str, time_us: int) -> None:
        """A crawler fetched the robots.txt of a site."""
        self._last[crawler, site] = _Read(record_id, sha256, time_us)
        self._last.move_to_end((crawler, site))
        if len(self._last) > _MOST:
            self._last.popitem(last=False)

    def fields(self, crawler: str, site: str, time_us: int) -> dict[str, Value]:
        """What a record of this time says of it; nothing if no fetch is known."""
        last = self._last.get((crawler, site))
        if last is None:
            return {}
        return {
            "notice.robots.id": last.record_id,
            "notice.robots.sha256": last.sha256,
            "notice.robots.age_s": max(0, time_us - last.time_us) // _US,
        }
