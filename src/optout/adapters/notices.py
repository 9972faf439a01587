"""Who has read the site's robots.txt, which version, and how fast it comes: facts beside a recognized crawler.

The last fetch is the strongest fact for "they knew" (evidence.md part 5.1). It decides nothing.

Each record of a crawler names its last fetch of robots.txt from the same site, and the version that was in force then.
"The same" is the name that the visitor claims, at one site, as all processes of one log have seen it since the machine
started; a claim is not an identity, and the record says how far it was checked. Memory is bounded.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from optout.adapters.shared_marks import SharedMarks, mark_of
from optout.evidence.schema import Value

MOST = 4096  # crawlers times sites
_NOTE = struct.Struct("<16s32s")  # the record's id, the SHA-256 of the version
_COUNT = struct.Struct("<L44x")
_NO_VERSION = b"\0" * 32
_US = 1_000_000
_MINUTE_US = 60 * _US
_GRACE_US = 24 * 3600 * _US  # RFC 9309 section 2.4: a copy should not be used for longer


class Notices:
    """The last fetch of each crawler at each site, and its requests in the running minute, of one evidence directory.

    Without one they are this process's alone.
    """

    __slots__ = ("_table",)

    def __init__(self, evidence: Path | None = None, most: int = MOST) -> None:
        self._table = SharedMarks(evidence, "notices", most, note=_NOTE.size)

    def read(self, crawler: str, site: str, *, record_id: str, sha256: str, time_us: int) -> None:
        """A crawler fetched the robots.txt of a site; `record_id` is a UUID, `sha256` hexadecimal or ""."""
        note = _NOTE.pack(UUID(record_id).bytes, bytes.fromhex(sha256) or _NO_VERSION)
        with self._table.alone():
            self._table.put(_marks_of(crawler, site)[0], time_us, note)

    def beside(self, crawler: str, site: str, *, sha256: str | None, time_us: int) -> dict[str, Value]:
        """What the record of a request at this time says of its crawler; `sha256` is the version in force, "" none.

        `notice.robots.*` is its last fetch, where one is known. Where `sha256` is not None, because the request is for
        something else than robots.txt, `observed.robots` is `current` where the version in force is the one that was
        read last, `in-grace` where an older one was read less than a day ago, `outdated` where that is longer ago,
        `not-seen` where no fetch is known; and `observed.minute` counts the name's requests since the full minute,
        this one included.
        """
        read, minute = _marks_of(crawler, site)
        table = self._table
        last = table.read(read)
        found: dict[str, Value] = {}
        version = ""
        if last is not None:
            record_id, version = _noted(last[1])
            found["notice.robots.id"] = record_id
            found["notice.robots.sha256"] = version
            found["notice.robots.age_s"] = max(0, time_us - last[0]) // _US
        if sha256 is None:
            return found
        if last is None:
            found["observed.robots"] = "not-seen"
        elif version == sha256:
            found["observed.robots"] = "current"
        else:
            found["observed.robots"] = "in-grace" if time_us - last[0] < _GRACE_US else "outdated"
        found["observed.minute"] = self._count(minute, time_us // _MINUTE_US)
        return found

    def _count(self, mark: bytes, minute: int) -> int:
        table = self._table
        with table.alone():
            known = table.read(mark)
            count = 1 if known is None or known[0] != minute else int(_COUNT.unpack(known[1])[0]) + 1
            table.put(mark, minute, _COUNT.pack(count))
        return count

    def close(self) -> None:
        """Give the memory back; what is in it stays for the others."""
        self._table.close()


@lru_cache(maxsize=1024)  # a crawler comes a thousand times after one fetch
def _noted(note: bytes) -> tuple[str, str]:
    """The record's id and the version of a note."""
    record_id, version = _NOTE.unpack(note)
    return str(UUID(bytes=record_id)), "" if version == _NO_VERSION else version.hex()


@lru_cache(maxsize=1024)
def _marks_of(crawler: str, site: str) -> tuple[bytes, bytes]:
    return mark_of("read", crawler, site), mark_of("minute", crawler, site)
