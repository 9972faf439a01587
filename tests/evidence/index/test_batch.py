"""What some records become on their way into the tables."""

from __future__ import annotations

from pathlib import Path

from optout.evidence.frames import Damage
from optout.evidence.index.batch import Batch
from optout.evidence.index.facts import OUTCOME
from optout.evidence.index.known import Known
from optout.evidence.index.opening import open_index
from optout.evidence.index.tables import BLOCK, DAY_US
from optout.evidence.segments import BEGINNING, Bookmark, Break, read_entries, segment_name
from tests.evidence.index.setting import NOON, make_log, record, record_id

_RECORDS = [
    record(0),
    record(1, OUTCOME, **{"crawl.request.id": record_id(0), "http.response.body.size": 9}),
    b"nothing",
    record(3, "crawl.retract", **{"crawl.request.id": record_id(0)}),
]


def _batch(home: Path) -> Batch:
    with open_index(make_log(home, [])) as index:
        batch = Batch(Known(index.connection, index.layout), BEGINNING)
        batch.take(read_entries(make_log(home / "other", _RECORDS) / "segments"))
    return batch


def test_rows_sums_and_spans(tmp_path: Path) -> None:
    batch = _batch(tmp_path / "log")
    assert sorted(batch.rows) == [0, 1, 3]
    assert batch.rows[0][-3:] == [9, 1, False]  # bytes of its outcome, which is leaf 1
    assert batch.blocks == {0 // BLOCK: (NOON, NOON + 3)}
    assert batch.days[NOON // DAY_US, 1] == [1, 9, NOON, NOON]
    assert batch.retracted == [record_id(0)]
    assert batch.outcomes == []  # it was entered in the row itself


def test_the_bookmark_stands_behind_the_last_frame(tmp_path: Path) -> None:
    batch = _batch(tmp_path / "log")
    assert batch.bookmark == Bookmark(4, 0, sum(8 + len(one) for one in _RECORDS))
    assert batch.has_something


def test_a_break_is_kept_unless_a_writer_may_be_at_work_there(tmp_path: Path) -> None:
    path = tmp_path / segment_name(3)
    with open_index(make_log(tmp_path / "log", [])) as index:
        for is_last in (True, False):
            batch = Batch(Known(index.connection, index.layout), BEGINNING)
            end = Break(index=5, path=path, offset=80, damage=Damage.CHECKSUM, last=is_last)
            batch.take([end])
            assert batch.unfinished == (end if is_last else None)
            assert batch.breaks == ([] if is_last else [(5, 3, 80, "checksum")])
            assert batch.has_something is not is_last
            assert batch.bookmark == BEGINNING
