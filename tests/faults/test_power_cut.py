"""T3: the power goes at a thousand moments; nothing that was acknowledged is lost, every signed root can be proved.

The calls of real runs are replayed (`power`), so no machine has to lose its power. Then the log is opened as after a
start, and read by Optout's audit and by the independent reader.
"""

from __future__ import annotations

import base64
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict
from optout.evidence.chain import audit_chain
from optout.evidence.directory import Layout
from optout.evidence.erasure import open_part
from optout.evidence.keys import KeyStore
from optout.evidence.log import EvidenceLog
from optout.evidence.segments import Entry, read_entries
from optout.evidence.succession import logs_of
from tests.faults.power import KINDS, SECTOR, Call, Disk, parse_trace
from tests.faults.reading import check, read_records, root_of
from tests.faults.test_system_calls import _PROGRAM, _SUCCESSION, _traced

pytestmark = pytest.mark.fault

_CUTS = 600  # of each program


def _calls(place: Path, program: str) -> tuple[str, list[Call]]:
    home, trace = place / "first", place / "trace"
    options = ("-o", str(trace), "-xx", "-s", "1000000", "-e", f"trace={','.join(KINDS)}")
    done = _traced(home, program, *options)
    assert done.stdout.count("ack") == 12, done.stderr
    return str(home), list(parse_trace(trace.read_text()))


def _signed(calls: list[Call]) -> list[tuple[int, str]]:
    """Size and root of every checkpoint that was written in these calls."""
    found = []
    for call in calls:
        for text in call.strings:
            lines = text.split(b"\n")
            if call.begins and call.kind in ("write", "pwrite64") and b"\n\n\xe2\x80\x94 " in text and len(lines) > 3:
                found.append((int(lines[1]), lines[2].decode()))
    return found


def _wrong_after(place: Path, acknowledged: list[str], signed: list[tuple[int, str]]) -> str:
    EvidenceLog.open(place, software="faults").close()
    for one in audit_chain(place):
        if one.report.verdict is not Verdict.SOUND:
            return f"{one.log.name}: {one.report.problems}"
    logs = logs_of(place)
    records = {log: read_records(log) for log in logs}
    for size, root in signed:
        roots = [base64.b64encode(root_of(each[:size])).decode() for each in records.values() if len(each) >= size]
        if root not in roots:
            return f"the root that was signed for {size} records cannot be proved"
    store = KeyStore(Layout(place).keys)
    for log in logs:
        for entry in read_entries(Layout(log).segments):
            if isinstance(entry, Entry) and entry.private and open_part(store, entry) is None:
                return f"the private part of record {entry.leaf_index} cannot be opened"
    paths = Counter(one.get("url.path") for log in logs for one in check(log) if one["type"] == "crawl.request")
    lost = [path for path in acknowledged if paths[path] != 1]
    return f"acknowledged, and not there once: {lost}" if lost else ""


@pytest.mark.parametrize("program", [_PROGRAM, _SUCCESSION], ids=["log", "succession"])
def test_a_power_cut_takes_nothing_that_was_acknowledged(tmp_path: Path, program: str) -> None:
    home, calls = _calls(tmp_path, program)
    chance = random.Random(3)
    begins = next(at for at, call in enumerate(calls) if any(each.startswith(home.encode()) for each in call.strings))
    cuts = sorted(chance.choices(range(begins, len(calls)), k=_CUTS))
    disk, done, wrong = Disk(home), 0, []
    for number, cut in enumerate(cuts):
        for call in calls[done:cut]:
            disk.take(call)
        done = max(done, cut)
        place = tmp_path / "after" / "log"
        place.mkdir(parents=True)
        disk.after_a_cut(place, chance)
        acknowledged = [line[4:] for line in disk.printed.decode().splitlines() if line.startswith("ack ")]
        try:
            fault = _wrong_after(place, acknowledged, _signed(calls[:done]))
        except Exception as found:
            fault = f"{type(found).__name__}: {found}"
        if fault:
            wrong.append(f"cut {number} after call {cut} of {len(calls)}: {fault}")
        shutil.rmtree(tmp_path / "after")
    assert wrong == []


def test_the_disk_keeps_what_was_synced_and_may_lose_all_else(tmp_path: Path) -> None:
    home = "/home"
    calls = [
        Call("openat", True, True, "1", 'AT_FDCWD, "", O_WRONLY|O_CREAT', (b"/home/a",), 5),
        Call("write", True, True, "1", "5, ", (b"1" * SECTOR,), SECTOR),
        Call("fdatasync", True, True, "1", "5", (), 0),
        Call("write", True, True, "1", "5, ", (b"2" * 2 * SECTOR,), 2 * SECTOR),
    ]
    seen, named = set(), set()
    for seed in range(60):
        disk = Disk(home)
        for call in calls:
            disk.take(call)
        place = tmp_path / str(seed)
        place.mkdir()
        disk.after_a_cut(place, random.Random(seed))
        named.add((place / "a").exists())
        if (place / "a").exists():
            data = (place / "a").read_bytes()
            assert data.startswith(b"1" * SECTOR)
            seen.add(data)
    assert named == {True, False}  # its directory was never synced
    assert {b"1" * SECTOR, b"1" * SECTOR + b"2" * 2 * SECTOR} < seen
