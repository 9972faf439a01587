"""How much the log may take: bytes on disk, records in memory, records a minute.

A forged user agent in a loop must not fill a disk (design part 5.3). Each number has its reason beside it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The log's limits; sizes in bytes.

    `max_bytes` None is the smaller of 2 GiB and a tenth of the disk. `ballast_bytes` is kept ready for the records
    that report a full disk; a small disk gets less (a thousandth). `flood_records` is how many records a minute one
    flood key may have; 0 lifts the rule.
    """

    max_bytes: int | None = None
    queue_records: int = 4096  # push-back point of tessera
    queue_bytes: int = 16 * MIB
    flood_records: int = 60_000  # 500 requests a second from one crawler, each with its outcome
    ballast_bytes: int = 8 * MIB
    segment_bytes: int = 64 * MIB
    checkpoint_every_s: int = 10  # tessera's default


def size_limit(budget: Budget, directory: Path) -> int:
    """The largest size in bytes of a log in `directory`."""
    if budget.max_bytes is not None:
        return budget.max_bytes
    return min(2048 * MIB, disk_size(directory) // 10)


def disk_size(directory: Path) -> int:
    """The size in bytes of the file system that holds `directory`."""
    status = os.statvfs(directory)
    return status.f_blocks * status.f_frsize


_MINUTE_US = 60_000_000
_MOST_KEYS = 4096


class FloodRule:
    """At most `limit` records a minute for one key; 0 admits everything.

    Past `_MOST_KEYS` keys in a minute the others share one count: whoever invents keys must not fill the memory.
    """

    __slots__ = ("_counts", "_minute", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._minute = -1
        self._counts: dict[str, int] = {}

    def admits(self, key: str, now_us: int) -> bool:
        """Whether one more record for `key` fits into the minute of `now_us` (µs, any steady clock)."""
        if not self.limit or not key:
            return True
        minute = now_us // _MINUTE_US
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        if key not in self._counts and len(self._counts) >= _MOST_KEYS:
            key = ""
        count = self._counts.get(key, 0) + 1
        self._counts[key] = count
        return count <= self.limit
