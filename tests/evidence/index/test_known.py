"""What the index knows of texts and requests already."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.evidence.index import known as room
from optout.evidence.index.known import Known, fetch
from optout.evidence.index.opening import Index, open_index
from tests.evidence.index.setting import make_log, parsed, record, record_id


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_log(tmp_path / "log", [record(0), record(1), record(0, time_us=5)])


def _known(index: Index) -> Known:
    return Known(index.connection, index.layout)


def test_a_text_keeps_its_number_whoever_asks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 3)
    with open_index(home) as index:
        known = _known(index)
        first = {text: known.path(text) for text in ("/a", "/b", "/c", "/d", "/a\x00", "/A")}
        assert len(set(first.values())) == 6
        for asked in (known, _known(index)):
            assert {text: asked.path(text) for text in first} == first
        profiles = {name: known.profile(parsed(record(3, **{"crawl.product": name}))) for name in ("x", "X", "y")}
        assert len(set(profiles.values())) == 3
        assert _known(index).profile(parsed(record(9, **{"crawl.product": "X"}))) == profiles["X"]


def test_the_newest_request_of_an_id_is_meant(home: Path) -> None:
    with open_index(home) as index:
        known = _known(index)
        assert [leaf for leaf, _, _ in known.requests(record_id(0))] == [2, 0]
        assert known.request(record_id(0)) == (2, 0, 1)
        known.remember(record_id(0), (7, 8, 9))
        assert known.request(record_id(0)) == (7, 8, 9)
        known.forget()
        assert known.request(record_id(0)) == (2, 0, 1)
        assert known.request(record_id(5)) is None


def test_only_more_than_the_limit_is_forgotten(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 2)
    with open_index(home) as index:
        known = _known(index)
        for number in range(3):
            known.remember(f"new {number}", (number, 0, 0))
            known.trim()
            assert (known.request(f"new {number}") is None) == (number == 2)


def test_a_record_is_fetched_by_its_place(home: Path) -> None:
    with open_index(home) as index:
        assert fetch(index.connection, index.layout, 1) == record(1)
        assert fetch(index.connection, index.layout, 3) is None
