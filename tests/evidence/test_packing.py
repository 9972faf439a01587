"""Near the budget: seal, compress, warn, count; and everything can be read as before."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.erasure import Why, erase_record, find_record, open_part
from optout.evidence.index.catalog import open_catalog
from optout.evidence.index.question import Question
from optout.evidence.keys import KeyStore
from optout.evidence.log import Budget, EvidenceLog
from optout.evidence.packing import Packing
from optout.evidence.segments import list_segments
from tests.evidence.setting import SOON_S, crawl, records

MIB = 1 << 20
NEAR_BYTES = 12 * MIB
NEAR = Budget(ballast_bytes=64 * 1024, max_bytes=NEAR_BYTES, segment_bytes=2 * MIB)


def _open(home: Path) -> EvidenceLog:
    return EvidenceLog.open(home, software="test", budget=NEAR)


def _packed(home: Path) -> list[Path]:
    return [one.path for one in list_segments(Layout(home).segments) if one.path.suffix == ".gz"]


def _fill(log: EvidenceLog, mib: int, first: int = 0) -> int:
    """Records of a KiB each, with a private part."""
    for number in range(first, first + mib * 900):
        private = {"url.query": f"canary-{number}"} if number % 300 == 0 else None
        told = log.append(crawl(number, tenant="alice", note=f"{number:04d}" * 170), private)
        if number % 500 == 0:
            told.result(SOON_S)
    told.result(SOON_S)
    return first + mib * 900


def _await(home: Path, log: EvidenceLog, count: int) -> None:
    until = time.monotonic() + SOON_S
    while len(_packed(home)) < count:
        assert time.monotonic() < until, log.health
        time.sleep(0.02)


def _await_room(log: EvidenceLog) -> None:
    until = time.monotonic() + SOON_S
    while log.health.used_bytes * 4 > NEAR_BYTES * 3:
        assert time.monotonic() < until, log.health
        time.sleep(0.02)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that was filled to more than its largest size, had nothing been packed."""
    home = tmp_path_factory.mktemp("packing") / "evidence"
    log = _open(home)
    written = _fill(log, 10)
    _await(home, log, 1)
    for _ in range(3):
        written = _fill(log, 1, written)
        _await_room(log)
    log.close()
    return home


@pytest.fixture
def full(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(template, tmp_path / "evidence")
    return tmp_path / "evidence"


def test_old_segments_are_packed_so_that_more_fits(full: Path) -> None:
    assert len(records(full, "crawl.request")) == 13 * 900
    used = sum(path.stat().st_size for path in (full / "segments").iterdir())
    assert used < 12 * MIB
    assert not records(full, "log.gap")


def test_the_audit_and_the_next_start_read_it_as_before(full: Path) -> None:
    report = audit(full)
    assert (report.verdict, report.problems) == (Verdict.SOUND, ())
    log = _open(full)
    log.close()
    assert audit(full).verdict is Verdict.SOUND


def test_the_index_finds_records_in_packed_segments(full: Path) -> None:
    with open_catalog(full) as catalog:
        found = list(catalog.records(Question(facets={"type": "crawl.request"})))
        assert len(found) == 13 * 900
        (_, entry) = catalog.find(str(crawl(1500)["id"]))[0]
    assert entry.path.suffix == ".gz"
    assert b'"/gallery/1500.jpg"' in entry.record


def test_a_private_part_in_a_packed_segment_can_be_erased(full: Path) -> None:
    layout = Layout(full)
    keys = KeyStore(layout.keys)
    wanted = str(crawl(300)["id"])
    before = find_record(layout, wanted)
    assert before.path.suffix == ".gz"
    assert open_part(keys, before) is not None
    log = _open(full)
    erase_record(log, layout, keys, wanted, Why(by="clerk", reason="asked for"))
    log.close()
    after = find_record(layout, wanted)
    assert set(after.private) == {0}
    assert after.record == before.record
    assert audit(full).verdict is Verdict.SOUND


def test_damage_in_a_packed_segment_is_told(full: Path) -> None:
    path = _packed(full)[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert audit(full).verdict is Verdict.NOT_SOUND
    assert path.name in str(audit(full).problems[0])


def test_the_owner_is_warned_once_and_nothing_is_packed_before(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    _open(home).close()
    packing = Packing(Layout(home))
    assert packing.look(74, 100) == 0
    assert not caplog.records
    for _ in range(3):
        assert packing.look(76, 100) == 0
        packing.close()
    assert packing.wants_more  # there is no sealed segment
    assert sum("compressed to make room" in each.getMessage() for each in caplog.records) == 1
