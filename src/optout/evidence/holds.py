"""Legal holds: whose private parts of which months may not be erased, for which case (evidence.md part 4.2).

Erasure yields to the establishment, exercise or defense of legal claims only for records that are needed for one
(GDPR Article 17(3)(e)). A hold therefore has a case, a scope, an author and a date, and each is told in the log when it
is set and when it is lifted. The list stands beside the keys, because that is what it protects.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from optout.errors import EvidenceError
from optout.evidence.files import make_directory, replace_file
from optout.evidence.keys import MONTH, TenantMonth

_FILE = "holds.json"


class Hold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hold for one case. `tenant` "" is everybody; months as YYYY-MM, both inclusive, "" for no limit."""

    case: str
    tenant: str = ""
    since: str = ""
    until: str = ""
    by: str
    time_us: int

    def covers(self, where: TenantMonth) -> bool:
        """Whether a tenant's month is held."""
        return (
            self.tenant in ("", where.tenant)
            and (not self.since or where.month >= self.since)
            and (not self.until or where.month <= self.until)
        )


def read_holds(keys: Path) -> tuple[Hold, ...]:
    """The holds beside the keys. Raises EvidenceError for a file that is damaged: what is held is not known then."""
    try:
        data = (keys / _FILE).read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as fault:
        raise EvidenceError(f"cannot read the holds: {fault}") from fault
    try:
        holds = msgspec.json.decode(data, type=tuple[Hold, ...])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise EvidenceError(f"{keys / _FILE}: {fault}", "restore it; nothing is erased until then") from fault
    return holds


def set_hold(keys: Path, hold: Hold) -> None:
    """Add a hold, or replace the one of the same case. Raises EvidenceError for a month that is none, and OSError."""
    for month in (hold.since, hold.until):
        if month and not MONTH.match(month):
            raise EvidenceError(f"{month!r} is not a month", "write it as 2026-11")
    _write(keys, (*(each for each in read_holds(keys) if each.case != hold.case), hold))


def lift_hold(keys: Path, case: str) -> Hold | None:
    """Remove the hold of a case and return it; None if there is none. Raises EvidenceError and OSError."""
    holds = read_holds(keys)
    found = next((each for each in holds if each.case == case), None)
    if found is not None:
        _write(keys, tuple(each for each in holds if each.case != case))
    return found


def held_by(holds: tuple[Hold, ...], where: TenantMonth) -> tuple[str, ...]:
    """The cases for which a tenant's month is held."""
    return tuple(each.case for each in holds if each.covers(where))


def _write(keys: Path, holds: tuple[Hold, ...]) -> None:
    make_directory(keys)
    replace_file(keys / _FILE, msgspec.json.format(msgspec.json.encode(holds, order="sorted"), indent=1) + b"\n")
