"""Private parts in an audit: what does not fit is found, and what was erased is no fault."""

from __future__ import annotations

import shutil
from pathlib import Path

from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.erasure import Why, erase_months
from optout.evidence.frames import HEAD_BYTES
from optout.evidence.keys import KeyStore
from tests.evidence.setting import SOON_S, crawl, entries, open_log


def _fill(home: Path) -> Layout:
    log = open_log(home)
    for number in range(5):
        log.append(crawl(number, tenant="alice"), {"url.query": f"q{number}"}).result(SOON_S)
    log.close()
    return Layout(home)


def test_parts_that_fit_are_told(home: Path) -> None:
    _fill(home)
    report = audit(home)
    assert report.verdict is Verdict.SOUND
    assert "5 private parts as committed to when logged" in report.proved


def test_a_changed_part_is_found_whichever_octet_it_is(home: Path) -> None:
    _fill(home)
    entry = entries(home)[2]
    whole = entry.path.read_bytes()
    begin = entry.offset + HEAD_BYTES
    for place in range(begin, begin + len(entry.private)):
        entry.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        report = audit(home)
        assert [problem.index for problem in report.problems] == [entry.leaf_index], place
    for place in range(entry.offset, begin):
        entry.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert audit(home).verdict is Verdict.NOT_SOUND


def test_a_part_of_another_record_is_found(home: Path) -> None:
    _fill(home)
    one, two = entries(home)[2:4]
    whole = bytearray(one.path.read_bytes())
    whole[one.offset + HEAD_BYTES : one.offset + HEAD_BYTES + len(one.private)] = two.private
    one.path.write_bytes(whole)
    assert audit(home).verdict is Verdict.NOT_SOUND


def test_what_cannot_be_read_any_more_is_no_fault(home: Path) -> None:
    layout = _fill(home)
    log = open_log(home)
    erase_months(log, layout, KeyStore(layout.keys), KeyStore(layout.keys).list(), Why(by="c", reason="r"))
    log.append(crawl(9, tenant="alice"), {"url.query": "later, under a new key"}).result(SOON_S)
    log.close()
    report = audit(home)
    assert report.verdict is Verdict.SOUND
    assert "1 private part as committed to when logged" in report.proved
    assert any(line.startswith("what 5 private parts held") for line in report.not_proved)
    shutil.rmtree(layout.keys)
    assert audit(home).verdict is Verdict.SOUND
