"""Who has read the site's robots.txt, which version, and how fast it comes: facts beside a recognized crawler.

The last fetch is the strongest fact for "they knew" (evidence.md part 5.1). It decides nothing.

Each record of a crawler names its last fetch of robots.txt from the same site, and the version that was in force then.
"The same" is the name that the visitor claims, at one site, as all processes of one log have seen it since the machine
started; a claim is not an identity, and the record says how far it was checked. Memory is bounded.
"""

from __future__ import annotations

import struct
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

    __slots__ = ("_evidence", "_marks", "_most")

    def __init__(self, evidence: Path | None = None, most: int = MOST) -> None:
        self._evidence = evidence
        self._most = most
        self._marks: SharedMarks | None = None

    def read(self, crawler: str, site: str, *, record_id: str, sha256: str, time_us: int) -> None:
        """A crawler fetched the robots.txt of a site; `record_id` is a UUID, `sha256` hexadecimal or ""."""
        note = _NOTE.pack(UUID(record_id).bytes, bytes.fromhex(sha256) or _NO_VERSION)
        with self._table.alone():
            self._table.put(mark_of("read", crawler, site), time_us, note)

    def fields(self, crawler: str, site: str, time_us: int) -> dict[str, Value]:
        """What a record of this time says of it; nothing if no fetch is known."""
        last = self._table.read(mark_of("read", crawler, site))
        if last is None:
            return {}
        record_id, version = _NOTE.unpack(last[1])
        return {
            "notice.robots.id": str(UUID(bytes=record_id)),
            "notice.robots.sha256": _version(version),
            "notice.robots.age_s": max(0, time_us - last[0]) // _US,
        }

    def observe(self, crawler: str, site: str, *, sha256: str, time_us: int) -> dict[str, Value]:
        """What was seen beside a request for something else than robots.txt; `sha256` is the version in force, "" none.

        `observed.robots` is `current` where the version in force is the one that was read last, `in-grace` where an
        older one was read less than a day ago, `outdated` where that is longer ago, `not-seen` where no fetch is known.
        `observed.minute` counts the name's requests since the full minute, this one included.
        """
        minute, mark = time_us // _MINUTE_US, mark_of("minute", crawler, site)
        with self._table.alone():
            known = self._table.read(mark)
            count = 1 if known is None or known[0] != minute else _COUNT.unpack(known[1])[0] + 1
            self._table.put(mark, minute, _COUNT.pack(count))
        return {"observed.robots": self._robots(crawler, site, sha256, time_us), "observed.minute": count}

    def close(self) -> None:
        """Give the memory back; what is in it stays for the others."""
        if self._marks is not None:
            self._marks.close()
            self._marks = None

    def _robots(self, crawler: str, site: str, sha256: str, time_us: int) -> str:
        last = self._table.read(mark_of("read", crawler, site))
        if last is None:
            return "not-seen"
        if _version(_NOTE.unpack(last[1])[1]) == sha256:
            return "current"
        return "in-grace" if time_us - last[0] < _GRACE_US else "outdated"

    @property
    def _table(self) -> SharedMarks:
        if self._marks is None:
            self._marks = SharedMarks(self._evidence, "notices", self._most, note=_NOTE.size)
        return self._marks


def _version(octets: bytes) -> str:
    return "" if octets == _NO_VERSION else octets.hex()
