"""Who has read the site's robots.txt, which version, and how fast it comes: facts beside a recognized crawler.

The last fetch is the strongest fact for "they knew" (evidence.md part 5.1). It decides nothing.

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
_MINUTE_US = 60 * _US
_GRACE_US = 24 * 3600 * _US  # RFC 9309 section 2.4: a copy should not be used for longer


class _Read(NamedTuple):
    """One fetch: its record's id, the SHA-256 of the version, when (µs since 1970 UTC)."""

    record_id: str
    sha256: str
    time_us: int


class Notices:
    """The last fetch of each crawler at each site, and its requests in the running minute."""

    __slots__ = ("_last", "_minutes")

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], _Read] = OrderedDict()
        self._minutes: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()  # the minute, and how many in it

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

    def observe(self, crawler: str, site: str, *, sha256: str, time_us: int) -> dict[str, Value]:
        """What was seen beside a request for something else than robots.txt; `sha256` is the version in force, "" none.

        `observed.robots` is `current` where the version in force is the one that was read last, `in-grace` where an
        older one was read less than a day ago, `outdated` where that is longer ago, `not-seen` where no fetch is known.
        `observed.minute` counts the name's requests since the full minute, this one included.
        """
        minute, key = time_us // _MINUTE_US, (crawler, site)
        since, count = self._minutes.get(key, (minute, 0))
        count = count + 1 if since == minute else 1
        self._minutes[key] = minute, count
        self._minutes.move_to_end(key)
        if len(self._minutes) > _MOST:
            self._minutes.popitem(last=False)
        return {"observed.robots": self._robots(key, sha256, time_us), "observed.minute": count}

    def _robots(self, key: tuple[str, str], sha256: str, time_us: int) -> str:
        last = self._last.get(key)
        if last is None:
            return "not-seen"
        if last.sha256 == sha256:
            return "current"
        return "in-grace" if time_us - last.time_us < _GRACE_US else "outdated"
