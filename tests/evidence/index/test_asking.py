"""An index answers as somebody who read the whole log."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.evidence.frames import Damage
from optout.evidence.index import asking, batch, filling, known, tables
from optout.evidence.index.asking import find_id, find_leaf, find_records, find_rows
from optout.evidence.index.facts import OUTCOME, REQUEST
from optout.evidence.index.figures import KEYS, figures
from optout.evidence.index.opening import open_index
from optout.evidence.index.question import PathPattern, Question
from optout.evidence.segments import Break
from tests.evidence.index.setting import NOON, Scan, add, make_log, record, record_id

_PRODUCTS = ("GPTBot", "gptbot", "CCBot", "")
_ACTIONS = ("deny", "allow", "")
_PATHS = ("/", "/a", "/ab", "/a/b.jpg", "/ä", "/\U0001f577", "/[x]", "/a\x00b", None)
_DAY = tables.DAY_US
_TIMES = st.one_of(
    st.integers(NOON - 3 * _DAY, NOON + 3 * _DAY),
    st.integers(-2 * _DAY, 2 * _DAY),
    st.sampled_from([2**53 - 1, -(2**53 - 1), 0, _DAY, -_DAY, NOON // _DAY * _DAY]),
)


@st.composite
def _records(draw: st.DrawFn) -> list[bytes]:
    found = []
    for number in range(draw(st.integers(0, 40))):
        kind = draw(st.sampled_from([REQUEST, REQUEST, REQUEST, OUTCOME, "crawl.retract", "log.gap", "?"]))
        time_us = draw(_TIMES)
        if kind == "?":
            found.append(draw(st.sampled_from([b"{}", b"[]", b"\xff", record(number, v="x"), record(number)[:-1]])))
            continue
        fields: dict[str, object] = {"time_us": time_us, "tenant": draw(st.sampled_from(["one", "two"]))}
        if kind == REQUEST:
            path = draw(st.sampled_from(_PATHS))
            fields |= {
                "crawl.product": draw(st.sampled_from(_PRODUCTS)),
                "decision.action": draw(st.sampled_from(_ACTIONS)),
                "server.address": draw(st.sampled_from(["example.org", 7])),
                **({} if path is None else {"url.path": path}),
            }
        elif kind != "log.gap":
            fields["crawl.request.id"] = record_id(draw(st.integers(0, 45)))
            fields["http.response.body.size"] = draw(st.sampled_from([0, 7, 1000, 2**60, True]))
        found.append(record(number, kind, **fields))
    return found


_QUESTIONS = st.builds(
    Question,
    since_us=st.none() | _TIMES,
    until_us=st.none() | _TIMES,
    facets=st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from([REQUEST, OUTCOME, "none"]),
            "product": st.sampled_from(_PRODUCTS),
            "action": st.sampled_from(_ACTIONS),
            "tenant": st.sampled_from(["one", "ONE", "three"]),
            "host": st.sampled_from(["example.org", ""]),
        },
    ),
    path=st.none()
    | st.sampled_from(["/a", "/", "*", "/?", "/a*b", "/[[]x]", "/ä", "*.jpg", "/nothing"]).map(PathPattern),
)


@pytest.fixture(params=["small", "large"])
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches, blocks and thresholds so small that a few records pass through all ways, and as they are."""
    if request.param == "small":
        monkeypatch.setattr(filling, "BATCH", 3)
        for room in (batch, asking):
            monkeypatch.setattr(room, "BLOCK", 4)
        monkeypatch.setattr(known, "MOST", 2)
        monkeypatch.setattr(asking, "_MOST_MERGED", 1)
        monkeypatch.setattr(asking, "_FEW", 0.6)


@pytest.mark.usefixtures("_sizes")
@settings(max_examples=80, deadline=None)
@given(
    records=_records(),
    questions=st.lists(_QUESTIONS, min_size=1, max_size=4),
    by=st.lists(st.sampled_from(KEYS), max_size=3, unique=True).map(tuple),
    cut=st.integers(0, 40),
    data=st.data(),
)
def test_an_index_agrees_with_a_scan(
    records: list[bytes], questions: list[Question], by: tuple[str, ...], cut: int, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = make_log(Path(name) / "log", records[:cut], segment_bytes=900)
        with open_index(home) as index:
            add(home, records[cut:], segment_bytes=900)
            index.catch_up()
            scan = Scan(home)
            assert index.size == len(scan.facts)
            for question in questions:
                expected = scan.leaves(question)
                assert [row.leaf for row in find_rows(index, question)] == expected
                assert [row.leaf for row in find_rows(index, question, newest_first=True)] == expected[::-1]
                after = data.draw(st.integers(0, 45))
                assert [r.leaf for r in find_rows(index, question, after=after)] == [n for n in expected if n > after]
                older = find_rows(index, question, after=after, newest_first=True)
                assert [row.leaf for row in older] == [n for n in expected[::-1] if n < after]
                assert figures([index], question, by) == scan.figures(question, by)
            rows = {row.leaf: row for row in find_rows(index, Question())}
            assert {leaf for leaf, row in rows.items() if row.retracted} == scan.retracted
            assert {leaf: row.size or 0 for leaf, row in rows.items()} == scan.bytes
        with open_index(home) as index:
            assert index.replaced == ""
            assert len(list(find_rows(index, Question()))) == len(scan.facts)


def test_a_record_is_found_by_its_id_even_where_the_numbers_of_two_ids_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in (batch, known, asking):
        monkeypatch.setattr(room, "id_key", lambda _: 7)
    answers = [
        record(10 + n, OUTCOME, **{"crawl.request.id": record_id(n), "http.response.body.size": n}) for n in range(3)
    ]
    home = make_log(tmp_path / "log", [*(record(n) for n in range(3)), *answers])
    with open_index(home) as index:
        assert [entry.leaf_index for entry in find_id(index, record_id(1))] == [1]
        assert find_id(index, record_id(9)) == []
    with open_index(home) as index:  # and where the request stands in the tables alone
        add(home, [record(20, OUTCOME, **{"crawl.request.id": record_id(2), "http.response.body.size": 40})])
        index.catch_up()
        assert [row.size for row in find_rows(index, Question())][:3] == [0, 1, 42]


def test_a_record_is_found_by_its_place_without_an_index(tmp_path: Path) -> None:
    records = [record(0), b"{}", *(record(n) for n in range(2, 9))]
    home = make_log(tmp_path / "log", records, segment_bytes=500)
    with open_index(home) as index:
        found = [find_leaf(index.layout, leaf) for leaf in range(-1, 10)]
    assert [entry and entry.record for entry in found] == [None, *records, None]


def test_a_record_that_is_damaged_since_it_was_read_is_a_break(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [record(n) for n in range(5)])
    path = next((home / "segments").iterdir())
    with open_index(home) as index:
        data = bytearray(path.read_bytes())
        offset = [row.offset for row in find_rows(index, Question())][2]
        data[offset + 30] ^= 1
        path.write_bytes(data)
        found = list(find_records(index, Question()))
        assert [item.index for item in found if isinstance(item, Break)] == [2]
        assert [item.damage for item in found if isinstance(item, Break)] == [Damage.CHECKSUM]
        path.write_bytes(data[:offset])
        assert sum(isinstance(item, Break) for item in find_records(index, Question())) == 3


def test_each_way_uses_the_index_it_was_made_for(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [record(n, **{"url.path": f"/{n}"}) for n in range(9)])
    with open_index(home) as index:
        seen: list[str] = []
        index.connection.trace_v2(1, lambda event: seen.append(event["sql"]))  # SQLITE_TRACE_STMT
        list(find_rows(index, Question(path=PathPattern("/1"))))
        list(find_rows(index, Question(facets={"product": "nobody"})))
        list(find_rows(index, Question()))
    assert any("by_path" in statement for statement in seen)
    assert any("NOT INDEXED" in statement for statement in seen)
