"""T25: what is erased cannot be read, not even from a backup; proofs are the same before and after; all is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.erasure import (
    Why,
    erase_months,
    erase_record,
    find_record,
    open_part,
    retract,
    reveal,
)
from optout.evidence.holds import Hold, lift_hold, set_hold
from optout.evidence.keys import KeyStore, TenantMonth
from optout.evidence.log import EvidenceLog
from optout.evidence.proofs import prove
from optout.evidence.signing import load_verifier_key
from tests.evidence.setting import SOON_S, crawl, entries, open_log, open_spool, records, settle

WHY = Why(by="clerk", reason="asked for")
MONTH_US = {"2026-10": 1_792_000_000_000_000, "2026-11": 1_795_000_000_000_000}


def _name(number: int) -> str:
    return str(crawl(number)["id"])


def _fill(home: Path) -> EvidenceLog:
    log = open_log(home)
    for number in range(20):
        month = "2026-10" if number < 10 else "2026-11"
        more = {"tenant": "alice" if number % 2 else "bob", "time_us": MONTH_US[month], "mono_us": number}
        private = {"client.address": f"203.0.113.{number}", "url.query": f"canary-{number}"}
        log.append(crawl(number, **more), private).result(SOON_S)
    log.sign().result(SOON_S)
    return log


def _readable(layout: Layout) -> set[int]:
    keys = KeyStore(layout.keys)
    found = set()
    for number in range(20):
        opened = open_part(keys, find_record(layout, _name(number)))
        if opened is not None:
            assert opened.fields()["url.query"] == f"canary-{number}"
            found.add(number)
    return found


def test_everything_is_readable_and_nothing_lies_there_in_clear(home: Path) -> None:
    _fill(home).close()
    assert _readable(Layout(home)) == set(range(20))
    for path in home.rglob("*"):
        if path.is_file():
            assert b"203.0.113" not in path.read_bytes()
            assert b"canary" not in path.read_bytes()
    assert audit(home).verdict is Verdict.SOUND


def test_one_record_is_erased_and_a_backup_does_not_bring_it_back(home: Path, tmp_path: Path) -> None:
    log = _fill(home)
    layout = Layout(home)
    key = load_verifier_key(layout.vkey)
    entry = find_record(layout, _name(3))
    before = prove(layout, entry.record, entry.leaf_index, key)
    shutil.copytree(layout.segments, tmp_path / "backup")
    erase_record(log, layout, KeyStore(layout.keys), _name(3), WHY)
    assert _readable(layout) == set(range(20)) - {3}
    assert find_record(layout, _name(3)).record == entry.record
    assert prove(layout, entry.record, entry.leaf_index, key) == before
    assert not any(find_record(layout, _name(3)).private)
    log.close()
    assert audit(home).verdict is Verdict.SOUND
    (notice,) = records(home, "erase.notice")
    assert (notice["erase.scope"], notice["erase.by"], notice["erase.reason"]) == ("record", "clerk", "asked for")
    assert _name(3) not in str(notice)
    for file in (tmp_path / "backup").iterdir():
        shutil.copy(file, layout.segments / file.name)
    assert 3 not in _readable(layout)


def test_a_month_goes_with_its_keys_in_every_copy(home: Path, tmp_path: Path) -> None:
    log = _fill(home)
    layout = Layout(home)
    shutil.copytree(layout.segments, tmp_path / "backup")
    root = log.sign().result(SOON_S).root
    size = log.health.size
    count = erase_months(log, layout, KeyStore(layout.keys), [TenantMonth("alice", "2026-10")], WHY)
    assert count == 1
    assert _readable(layout) == set(range(20)) - {1, 3, 5, 7, 9}
    log.close()
    report = audit(home)
    assert report.verdict is Verdict.SOUND
    assert report.size > size
    assert root
    shutil.rmtree(layout.segments)
    shutil.copytree(tmp_path / "backup", layout.segments)
    assert not {1, 3, 5, 7, 9} & _readable(layout)


def test_all_of_it_can_go(home: Path) -> None:
    log = _fill(home)
    layout = Layout(home)
    keys = KeyStore(layout.keys)
    assert erase_months(log, layout, keys, list(keys.list()), WHY) == 4
    assert erase_months(log, layout, keys, list(keys.list()), WHY) == 0
    assert _readable(layout) == set()
    log.append(crawl(99, tenant="alice", time_us=MONTH_US["2026-11"], mono_us=1), {"url.query": "later"}).result(SOON_S)
    log.close()
    assert audit(home).verdict is Verdict.SOUND


def test_what_is_held_is_not_erased(home: Path) -> None:
    log = _fill(home)
    layout = Layout(home)
    keys = KeyStore(layout.keys)
    set_hold(layout.keys, Hold(case="7 O 1/26", tenant="alice", by="counsel", time_us=1))
    with pytest.raises(EvidenceError, match="held for 7 O 1/26"):
        erase_record(log, layout, keys, _name(3), WHY)
    with pytest.raises(EvidenceError, match="held"):
        erase_months(log, layout, keys, keys.list(), WHY)
    assert _readable(layout) == set(range(20))
    lift_hold(layout.keys, "7 O 1/26")
    erase_record(log, layout, keys, _name(3), WHY)
    log.close()


def test_a_person_is_retracted_whatever_is_held(home: Path) -> None:
    log = _fill(home)
    layout = Layout(home)
    set_hold(layout.keys, Hold(case="c", by="counsel", time_us=1))
    retract(log, layout, KeyStore(layout.keys), _name(4), WHY)
    log.close()
    (notice,) = records(home, "crawl.retract")
    assert (notice["crawl.request.id"], notice["tenant"]) == (_name(4), "bob")
    assert 4 not in _readable(layout)


def test_a_reveal_is_on_record(home: Path) -> None:
    log = _fill(home)
    layout = Layout(home)
    opened = reveal(log, KeyStore(layout.keys), find_record(layout, _name(4)), WHY)
    assert opened is not None
    log.close()
    (notice,) = records(home, "custody.notice")
    assert (notice["custody.act"], notice["custody.reason"]) == ("reveal", "asked for")


def test_nothing_happens_without_a_reason_or_a_record(home: Path) -> None:
    with pytest.raises(EvidenceError, match="no reason"):
        Why(by="clerk", reason=" ")
    log = _fill(home)
    with pytest.raises(EvidenceError, match="no record none"):
        erase_record(log, Layout(home), KeyStore(Layout(home).keys), "none", WHY)
    log.close()


def test_parts_come_over_from_a_spool_with_their_records(home: Path) -> None:
    log = open_log(home)
    writer = open_spool(home)
    for number in range(30):
        private = {"url.query": f"canary-{number}"} if number % 3 else None
        writer.append(crawl(number, tenant="alice"), private).result(SOON_S)
    settle(log)
    writer.close()
    settle(log)
    log.close()
    keys = KeyStore(Layout(home).keys)
    for entry in entries(home):
        opened = open_part(keys, entry)
        assert (opened is not None) == bool(entry.private)
    found = [open_part(keys, find_record(Layout(home), _name(number))) for number in range(30)]
    assert [opened is not None for opened in found] == [bool(number % 3) for number in range(30)]
    assert audit(home).verdict is Verdict.SOUND


def test_without_keys_a_record_goes_without_its_part(home: Path) -> None:
    log = open_log(home)
    Layout(home).keys.write_bytes(b"not a directory")
    log.append(crawl(1, tenant="alice"), {"client.address": "203.0.113.9"}).result(SOON_S)
    log.close()
    (record,) = records(home, "crawl.request")
    assert record["peer.token"] == "0" * 32
    assert [str(fault["reason"]).split()[0] for fault in records(home, "log.fault")] == ["keys"]
    assert audit(home).verdict is Verdict.SOUND
