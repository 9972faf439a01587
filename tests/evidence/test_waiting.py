"""How much lies in spools, by the numbers in the log itself."""

from __future__ import annotations

from pathlib import Path

from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.segments import list_segments
from optout.evidence.waiting import count_waiting, none_taken, note_taken, read_taken
from tests.evidence.setting import SOON_S, crawl, entries, fill, open_log, open_spool, settle, spools


def test_what_waits_is_counted_and_what_was_taken_is_not(home: Path) -> None:
    log = open_log(home)
    writer, other = open_spool(home), open_spool(home)
    writer.append(crawl(0)).result(SOON_S)
    settle(log)
    log.close()
    for number in range(1, 4):
        writer.append(crawl(number)).result(SOON_S)
    other.append(crawl(4)).result(SOON_S)
    writer.close()
    other.close()
    layout = Layout(home)
    taken = read_taken(layout)
    assert taken[writer._spool.path.name] == 2
    assert count_waiting(layout, taken) == 3 + 1
    report = audit(home)
    assert (report.verdict, report.waiting) == (Verdict.SOUND, 4)
    assert "4 records in the spools of other writers: not yet in the tree" in report.not_proved


def test_without_a_spool_nothing_waits_and_nothing_is_read(home: Path) -> None:
    fill(home, 3)
    assert read_taken(Layout(home)) == none_taken(Layout(home)) == {}
    assert count_waiting(Layout(home), {}) == 0


def test_damage_in_a_spool_does_not_end_the_counting(home: Path) -> None:
    open_log(home).close()
    writer = open_spool(home)
    writer._spool._segments._segment_bytes = 1
    for number in range(4):
        writer.append(crawl(number)).result(SOON_S)
    writer.close()
    list_segments(spools(home)[0])[2].path.unlink()
    assert count_waiting(Layout(home), {}) == 4


def test_only_the_writers_own_field_names_its_start(home: Path) -> None:
    log = open_log(home)
    boot = "00000000-0000-4000-8000-000000000000"
    log.append(crawl(**{"user_agent.original": f'"writer.boot":"{boot}"'})).result(SOON_S)
    log.close()
    taken = {boot: 0}
    for entry in entries(home):
        note_taken(taken, entry.record)
    assert taken == {boot: 0}
    note_taken(taken, b'{"writer.boot":"' + boot.encode() + b'", and no record')
    assert taken == {boot: 0}
