"""A log and those before it, audited as one: each by itself, and each link between two (`succession`).

A key that is trusted vouches for the others: the last record of its log names the next key, and the next key has
signed the last checkpoint. A log that does not hold together with its neighbors is told as a problem of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from optout.evidence.audit import AuditProblem, AuditReport, Progress, Verdict, audit
from optout.evidence.checkpoint import Checkpoint, NoteFault, VerifierKey, open_checkpoint, parse_note
from optout.evidence.directory import Layout
from optout.evidence.schema import parse_record
from optout.evidence.seen import Seen
from optout.evidence.segments import BEGINNING, Bookmark, Entry, list_segments, read_entries
from optout.evidence.signing import parse_vkey_file
from optout.evidence.succession import logs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One log of a chain: its directory and what was found of it."""

    log: Path
    report: AuditReport


def audit_chain(
    root: Path, vkey: VerifierKey | None = None, seen: tuple[Seen, ...] = (), progress: Progress | None = None
) -> tuple[Audited, ...]:
    """Check a log and those before it, the oldest first, against one key, which may be of any of them.

    Never raises. Without `past/` it is `audit` of one log.
    """
    try:
        logs = logs_of(root)
    except OSError:
        logs = (root,)  # the audit says what cannot be read
    keys = [_key(log) for log in logs]
    trusted = vkey if vkey is not None and vkey not in keys else None
    found = []
    for place, log in enumerate(logs):
        key = trusted if log == root and trusted is not None else (keys[place] if vkey is not None else None)
        own = tuple(one for one in seen if _is_of(one, place, keys))
        report = audit(log, key, own, progress)
        if place:
            report = _with(report, _link(logs[place - 1], keys[place - 1], log, keys[place]))
        found.append(Audited(log=log, report=report))
    return tuple(found)


def last_key(root: Path, vkey: VerifierKey | None) -> VerifierKey | None:
    """The key of the log in `root`, if `vkey` is that of any log of the chain or nobody gave one; else `vkey`."""
    try:
        keys = [_key(log) for log in logs_of(root)]
    except OSError:
        return vkey
    return keys[-1] if vkey is None or vkey in keys else vkey


def _is_of(one: Seen, place: int, keys: list[VerifierKey | None]) -> bool:
    """Whether a line is for this log to answer; one of none of them is for the last."""
    names = [key.name if key is not None else "" for key in keys]
    return one.origin == names[place] or (place == len(keys) - 1 and one.origin not in names)


def _key(log: Path) -> VerifierKey | None:
    try:
        key = parse_vkey_file(Layout(log).vkey.read_bytes())
    except OSError:
        return None
    return None if isinstance(key, NoteFault) else key


def _with(report: AuditReport, problems: tuple[AuditProblem, ...]) -> AuditReport:
    if not problems:
        return report
    return replace(report, verdict=Verdict.NOT_SOUND, proved=(), problems=(*report.problems, *problems))


def _link(before: Path, old: VerifierKey | None, log: Path, new: VerifierKey | None) -> tuple[AuditProblem, ...]:
    """What does not hold between a log and the next one."""
    if old is None or new is None:
        return ()  # each audit says so
    try:
        end, start = _last(Layout(before)), _first(Layout(log))
        note = Layout(before).checkpoint.read_bytes()
    except OSError as fault:
        return (_problem(f"the log before it cannot be read: {fault.strerror}"),)
    faults = []
    if end.get("type") != "log.end" or end.get("log.next.vkey") != str(new):
        faults.append(f"the log before it does not end by naming its key {new}")
    signed = open_checkpoint(note, old)
    parsed = parse_note(note)
    if isinstance(parsed, NoteFault) or new.verify(parsed) is not None:
        faults.append("its key has not signed the last checkpoint of the log before it")
    kept = open_checkpoint(str(start.get("log.predecessor.checkpoint", "")).encode("utf-8", "replace"), old)
    if not isinstance(signed, Checkpoint) or signed != kept:
        faults.append("its first record holds another last checkpoint than the log before it")
    return tuple(map(_problem, faults))


def _problem(text: str) -> AuditProblem:
    return AuditProblem(file="segments", index=0, text=text)


def _first(layout: Layout) -> dict[str, object]:
    item = next(read_entries(layout.segments), None)
    return parse_record(item.record) or {} if isinstance(item, Entry) else {}


def _last(layout: Layout) -> dict[str, object]:
    segments = list_segments(layout.segments)
    start = Bookmark(segments[-1].first, segments[-1].first) if segments else BEGINNING
    record = b""
    for item in read_entries(layout.segments, start):
        record = item.record if isinstance(item, Entry) else b""
    return parse_record(record) or {}
