"""Erasing private parts: of one record, of a month, of a tenant; and reading them while they are there.

Rule 1: a record is never touched. Proofs, roots and signatures are the same before and after.
Rule 2: what is held is not erased (`holds`).
Rule 3: every erasure, reveal and retraction is a record, and is on disk before the thing is done: nothing is erased of
        which the log does not tell. It says that something was erased and why, never what.
Rule 4: one record's part is overwritten where it lies, and its id is kept beside the keys, so that a copy of the log
        which is put back does not bring it back. A month's parts go with the month's keys, in every copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.files import sync
from optout.evidence.frames import HEAD_BYTES
from optout.evidence.holds import held_by, read_holds
from optout.evidence.keys import KeyStore, TenantMonth
from optout.evidence.packed import SUFFIX, overwrite, packed_path
from optout.evidence.private import Opened, open_sealed, where_sealed
from optout.evidence.recorder import Recorder
from optout.evidence.schema import parse_envelope, parse_record
from optout.evidence.segments import Break, Entry, read_entries
from optout.evidence.succession import logs_of

_WITHIN_S = 10.0
RETRACT = "crawl.retract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """On whose word something is erased or read, and for what reason."""

    by: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise EvidenceError("no reason was given", "say why: it stands in the log")


def find_record(layout: Layout, record_id: str) -> Entry:
    """The record with this id, in this log or one before it. Raises EvidenceError if there is none, and OSError."""
    wanted = f'"id":"{record_id}"'.encode()
    for item in (item for log in reversed(logs_of(layout.root)) for item in read_entries(Layout(log).segments)):
        if not isinstance(item, Break) and wanted in item.record:
            envelope = parse_envelope(item.record)
            if envelope is not None and envelope.id == record_id:
                return item
    raise EvidenceError(f"no record {record_id} in this log", "`optout evidence list` shows the ids")


def where_of(entry: Entry) -> TenantMonth:
    """Under whose keys of which month a record's private part lies."""
    return where_sealed(parse_record(entry.record) or {})


def id_of(entry: Entry) -> str:
    """A record's id."""
    envelope = parse_envelope(entry.record)
    return envelope.id if envelope is not None else ""


def open_part(keys: KeyStore, entry: Entry) -> Opened | None:
    """A record's private part; None if it has none, or it cannot be read any more. Raises OSError."""
    where, record_id = where_of(entry), id_of(entry)
    month = keys.find(where.tenant, where.month) if entry.private else None
    if month is None or record_id in keys.erased(where):
        return None
    return open_sealed(entry.private, record_id, month)


def reveal(log: Recorder, keys: KeyStore, entry: Entry, why: Why) -> Opened | None:
    """Read a record's private part; that it was read is on record first. Raises EvidenceError and OSError."""
    _tell(log, "custody.notice", why, {"custody.act": "reveal", "tenant": where_of(entry).tenant}, "custody")
    return open_part(keys, entry)


def erase_record(log: Recorder, layout: Layout, keys: KeyStore, record_id: str, why: Why) -> None:
    """Erase one record's private part. Raises EvidenceError if it is held or there is no such record, and OSError."""
    entry = find_record(layout, record_id)
    where = where_of(entry)
    refuse_held(layout, [where])
    _tell(log, "erase.notice", why, {"erase.scope": "record", "erase.count": 1, "tenant": where.tenant}, "erase")
    _shred(keys, entry)


def retract(log: Recorder, layout: Layout, keys: KeyStore, record_id: str, why: Why) -> None:
    """A record proved to be a person's: its private part is erased and it is in no figure from now on.

    A hold does not keep a person's data. Raises EvidenceError and OSError.
    """
    entry = find_record(layout, record_id)
    _tell(log, RETRACT, why, {"crawl.request.id": record_id, "tenant": where_of(entry).tenant}, "retract")
    _shred(keys, entry)


def erase_months(log: Recorder, layout: Layout, keys: KeyStore, months: Iterable[TenantMonth], why: Why) -> int:
    """Destroy the keys of these months; how many there were. Raises EvidenceError if one is held, and OSError."""
    chosen = tuple(months)
    refuse_held(layout, chosen)
    count = 0
    with keys.alone():
        for where in chosen:
            if keys.find(where.tenant, where.month) is not None:
                told = {"erase.scope": "month", "erase.month": where.month, "tenant": where.tenant}
                _tell(log, "erase.notice", why, told, "erase")
                count += keys.destroy(where)
    return count


def refuse_held(layout: Layout, months: Iterable[TenantMonth]) -> None:
    """Raises EvidenceError if one of these months is held for a case."""
    holds = read_holds(layout.keys)
    for where in months:
        cases = held_by(holds, where)
        if cases:
            raise EvidenceError(
                f"{where.month} of {where.tenant or 'this log'} is held for {', '.join(cases)}",
                "lift the hold first: `optout evidence hold --release`",
            )


def _shred(keys: KeyStore, entry: Entry) -> None:
    keys.note_erased(where_of(entry), id_of(entry))
    if not entry.private:
        return
    with keys.alone():  # nobody packs the segment meanwhile
        _blank(entry)


def _blank(entry: Entry) -> None:
    """Overwrite a private part where it lies."""
    zeros, place = bytes(len(entry.private)), entry.offset + HEAD_BYTES
    path = entry.path if entry.path.exists() else packed_path(entry.path)
    if path.suffix == SUFFIX:
        overwrite(path, place, zeros)
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, zeros, place)
        sync(descriptor)
    finally:
        os.close(descriptor)


def _tell(log: Recorder, kind: str, why: Why, fields: Mapping[str, str | int], prefix: str) -> None:
    told = {name: value for name, value in fields.items() if value != ""}
    log.append({"type": kind, **told, f"{prefix}.by": why.by, f"{prefix}.reason": why.reason}).result(_WITHIN_S)
