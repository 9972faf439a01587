"""Several logs asked as one, page by page."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.errors import EvidenceError
from optout.evidence.index import catalog as room
from optout.evidence.index.catalog import Catalog, Cursor, Hit, logs_of, open_catalog, parse_cursor
from optout.evidence.index.opening import NAME
from optout.evidence.index.question import Question
from tests.evidence.index.setting import add, make_log, record, record_id


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A log of the numbers 6 to 9 with two before it, of 0 to 2 and 3 to 5, and a folder that is none."""
    home = make_log(tmp_path / "log", [record(n) for n in range(6, 10)])
    make_log(home / "past" / "2026q2", [record(n) for n in range(3)])
    make_log(home / "past" / "2026q3", [record(n) for n in range(3, 6)])
    (home / "past" / "notes").mkdir()
    return home


def _numbers(
    catalog: Catalog, cursor: Cursor | None = None, *, newest_first: bool = False, limit: int = 99
) -> list[Hit]:
    found = catalog.records(Question(), cursor=cursor, newest_first=newest_first)
    return [hit for hit, _ in zip(found, range(limit), strict=False) if isinstance(hit, Hit)]


def _seq(hits: list[Hit]) -> list[int]:
    return [int(hit.found.entry.record.rpartition(b":")[2][:-1]) for hit in hits]


def test_the_logs_stand_in_the_order_of_their_time(home: Path) -> None:
    assert [path.name for path in logs_of(home)] == ["2026q2", "2026q3", "log"]
    with open_catalog(home) as catalog:
        assert _seq(_numbers(catalog)) == list(range(10))
        assert _seq(_numbers(catalog, newest_first=True)) == list(range(9, -1, -1))
        assert catalog.figures(Question())[0].count == 10
        assert [log.name for log, _ in catalog.find(record_id(4))] == ["2026q3"]
        assert catalog.breaks == ()


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_pages_cover_everything_once_while_the_log_grows(home: Path, size: int, newest_first: bool) -> None:
    seen: list[int] = []
    cursor, grown = None, 10
    while True:
        with open_catalog(home) as catalog:
            page = _numbers(catalog, cursor, newest_first=newest_first, limit=size)
        if not page:
            break
        seen += _seq(page)
        cursor = parse_cursor(str(page[-1].cursor))
        if grown < 14:
            add(home, [record(grown)])
            grown += 1
    newest_then = grown if not newest_first else 10
    assert seen == (list(range(9, -1, -1)) if newest_first else list(range(newest_then)))


def test_a_cursor_of_another_log_is_refused(home: Path) -> None:
    with open_catalog(home) as catalog, pytest.raises(EvidenceError):
        list(catalog.records(Question(), cursor=Cursor("00000000", 3)))


@given(st.text() | st.from_regex(r"[0-9a-f]{7,9}\.[0-9]{1,18}", fullmatch=True))
def test_any_text_is_a_cursor_or_none(text: str) -> None:
    cursor = parse_cursor(text)
    assert cursor is None or str(cursor).startswith(cursor.log)


def test_an_index_damaged_while_it_is_asked_is_made_anew_without_a_record_twice(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, broken = room.find_records, []

    def breaks_off(*args: object, **named: object) -> object:
        for number, hit in enumerate(find(*args, **named)):  # type: ignore[arg-type]
            if number == 2 and not broken:
                broken.append(1)
                raise apsw.CorruptError("database disk image is malformed")
            yield hit

    monkeypatch.setattr(room, "find_records", breaks_off)
    with open_catalog(home) as catalog:
        assert _seq(_numbers(catalog)) == list(range(10))
    assert (home / "past" / "2026q2" / "index.damaged.sqlite").exists()
    assert (home / "past" / "2026q2" / NAME).exists()


def test_figures_and_ids_are_asked_again_after_damage(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = room.figures, []

    def fails_once(*args: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise apsw.CorruptError("database disk image is malformed")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(room, "figures", fails_once)
    with open_catalog(home) as catalog:
        assert catalog.figures(Question())[0].count == 10


def test_what_is_found_out_in_a_later_quarter_is_taken_back_in_the_earlier_one(home: Path) -> None:
    with open_catalog(home) as catalog:
        assert catalog.figures(Question(facets={"type": "crawl.request"}))[0].count == 10
    add(home, [record(10, "crawl.retract", **{"crawl.request.id": record_id(1)})])
    for _ in range(2):
        with open_catalog(home) as catalog:
            assert catalog.figures(Question(facets={"type": "crawl.request"}))[0].count == 9
            assert [hit.found.row.leaf for hit in _numbers(catalog) if hit.found.row.retracted] == [1]
    (home / "past" / "2026q2" / NAME).write_bytes(b"damaged")
    with open_catalog(home) as catalog:
        assert catalog.figures(Question(facets={"type": "crawl.request"}))[0].count == 9


def test_an_index_that_cannot_be_used_even_anew_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **named: object) -> object:
        raise apsw.CorruptError("database disk image is malformed")

    monkeypatch.setattr(room, "figures", fails)
    monkeypatch.setattr(room, "find_records", fails)
    with open_catalog(home) as catalog:
        with pytest.raises(EvidenceError, match="malformed"):
            catalog.figures(Question())
        with pytest.raises(EvidenceError, match="malformed"):
            list(catalog.records(Question()))


def test_segments_that_vanish_are_an_error_with_a_name(home: Path) -> None:
    with open_catalog(home) as catalog:
        shutil.rmtree(home / "segments")
        with pytest.raises(EvidenceError, match="segments"):
            list(catalog.records(Question()))
