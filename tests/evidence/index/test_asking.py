"""An index answers as somebody who read the whole log."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.evidence.index import asking, filling, tables
from optout.evidence.index.asking import find_id, find_leaf, find_records, find_rows
from optout.evidence.index.facts import OUTCOME, REQUEST
from optout.evidence.index.figures import KEYS, figures
from optout.evidence.index.opening import open_index
from optout.evidence.index.question import PathPattern, Question
from optout.evidence.segments import Break, Damage
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
        for room in (filling, asking):
            monkeypatch.setattr(room, "BLOCK", 4)
        monkeypatch.setattr(filling, "_MOST_REMEMBERED", 2)
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
