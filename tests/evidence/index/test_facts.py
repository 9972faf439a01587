"""What the index takes from a record, whatever its bytes are."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.index.facts import OUTCOME, REQUEST, Facts, id_key, parse_facts
from optout.evidence.index.tables import FACETS
from optout.evidence.schema import MAX_INTEGER, parse_envelope
from tests.evidence.index.setting import record, record_id

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
_NAMES = sorted(
    {*FACETS.values(), "url.path", "crawl.request.id", "http.response.status_code", "http.response.body.size"}
)


def test_the_fields_are_taken_as_they_stand() -> None:
    facts = parse_facts(
        record(3, **{"url.path": "/x", "http.response.status_code": 403, **{name: name for name in FACETS.values()}})
    )
    assert facts is not None
    assert facts.profile == tuple(FACETS.values())
    assert (facts.path, facts.status, facts.size) == ("/x", 403, None)


@given(st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_a_field_of_another_type_is_as_if_it_were_not_there(fields: dict[str, object]) -> None:
    data = record(1, **{"type": "odd", **fields})
    facts = parse_facts(data)
    assert (facts is None) == (parse_envelope(data) is None)
    if facts is not None:
        assert all(isinstance(text, str) for text in facts.profile)
        assert facts.status is None or abs(facts.status) <= MAX_INTEGER
        msgspec.convert(msgspec.to_builtins(facts), Facts)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda noise: record(1)[:-1] + noise))
def test_any_bytes_are_a_record_for_both_or_for_neither(data: bytes) -> None:
    assert (parse_facts(data) is None) == (parse_envelope(data) is None)


def test_a_number_past_what_json_carries_is_held_at_its_limit() -> None:
    facts = parse_facts(record(1, time_us=10**30, **{"http.response.body.size": 10**30}))
    assert facts is not None
    assert (facts.time_us, facts.size) == (MAX_INTEGER, None)


@pytest.mark.parametrize("kind", [REQUEST, OUTCOME])
def test_only_a_retraction_takes_back(kind: str) -> None:
    about = {"crawl.request.id": record_id(4)}
    taken, kept = parse_facts(record(1, "crawl.retract", **about)), parse_facts(record(1, kind, **about))
    assert taken is not None
    assert kept is not None
    assert (taken.retracts, kept.retracts) == (record_id(4), "")


@given(st.text())
def test_any_id_has_a_number_that_sqlite_can_hold(text: str) -> None:
    assert 0 <= id_key(text) < 2**63


def test_ids_made_one_after_the_other_have_numbers_that_rise() -> None:
    keys = [id_key(record_id(number)) for number in range(1000)]
    assert keys == sorted(set(keys))


def test_parsing_looks_at_a_long_record_no_oftener_than_at_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []
    monkeypatch.setattr("optout.evidence.index.facts.parse_record", calls.append)
    for size in (10, 10_000):
        parse_facts(record(1, **{"url.path": ["x"] * size}))
    assert len(calls) == 2
