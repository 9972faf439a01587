"""Records that are alike: the same bytes as any other way, whatever a stranger put into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.errors import EvidenceError
from optout.evidence.form import Filled, Form, Surroundings, size_of
from optout.evidence.schema import MAX_BODY, MAX_INTEGER, Value, conform, conform_sized, encode

WRITER: dict[str, Value] = {"v": 1, "writer.boot": "b", "writer.id": "site.example"}
CLOCK: dict[str, Value] = {"clock.src": "system", "clock.sync": True, "clock.err_us": 5}
SHARED: dict[str, Value] = {"v": 1, "type": "crawl.request", "crawl.named": ["GPTBot"], "policy.clause": "100 % {no}"}
OWN: dict[str, Value] = {"id": "n", "time_us": 1, "mono_us": 2, "url.path": "/50%b", "url.query.present": False}

TEXT = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(("x" * 5000, "é%" * 700))
VALUES = st.one_of(TEXT, st.booleans(), st.integers(-MAX_INTEGER, MAX_INTEGER), st.lists(TEXT, max_size=4))
VISIT = st.sampled_from(("url.path", "user_agent.original", "http.request.header.accept"))
NAMES = VISIT | st.sampled_from(
    "type url.path.sha256 crawl.product clock.src boot v version writer.seq id decision.us count.b64 count".split()
)


def whole(shared: dict[str, Value], own: dict[str, Value], seq: int) -> bytes:
    """The record as the general way makes it."""
    fields = conform({**shared, **own})
    clock = {} if "clock.src" in fields else CLOCK
    return encode({**clock, **fields, **WRITER, "writer.seq": seq})


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES), st.integers(0, 2**40))
def test_the_bytes_are_those_of_the_general_way(shared: dict[str, Value], own: dict[str, Value], seq: int) -> None:
    own = {**OWN, **own}
    body = Form(shared).body(own)
    if body is not None:
        assert Surroundings(CLOCK, WRITER).around(body, seq) == whole(shared, own, seq)


@given(st.dictionaries(VISIT, VALUES))
def test_a_visit_has_a_body_and_its_size_whatever_a_stranger_sends(own: dict[str, Value]) -> None:
    form = Form(SHARED)
    for each in (OWN, {**OWN, **own}, OWN):
        body = form.body(each)
        fields, size = conform_sized({**SHARED, **each})
        assert body is not None
        assert size_of(body) == size == len(encode(fields))
        assert Surroundings({}, WRITER).around(body, 7) == encode({**fields, **WRITER, "writer.seq": 7})


@pytest.mark.parametrize(
    ("shared", "own"),
    [
        (SHARED, {**OWN, "type": "other"}),
        (SHARED, {**OWN, "type": None}),
        ({**SHARED, "url.path.sha256": "x"}, {**OWN, "url.path": "/" * 5000}),
        ({**SHARED, "clock.src": "front-end"}, OWN),
        ({**SHARED, "boot": "before the clock"}, OWN),
        ({**SHARED, "writer.note": "among the writer's"}, OWN),
        (SHARED, {**OWN, "v": 2}),
        (SHARED, {"id": "n"}),
        (SHARED, {**OWN, **{f"field.n{number}": "x" * 1000 for number in range(17)}}),
    ],
)
def test_what_is_not_sure_goes_the_general_way(shared: dict[str, Value], own: dict[str, Value]) -> None:
    form = Form(shared)
    assert form.body(own) is form.body(own) is None
    assert Filled(form, own).body() is None


def test_a_record_as_long_as_allowed_has_a_body_and_one_octet_more_has_none() -> None:
    own = {**OWN, **{f"field.n{number}": "x" * 1000 for number in range(15)}}
    room = MAX_BODY - len(encode({**SHARED, **own, "field.last": ""}))
    bodies = [Form(SHARED).body({**own, "field.last": "x" * length}) for length in (room, room + 1)]
    assert [body and size_of(body) for body in bodies] == [MAX_BODY, None]


@pytest.mark.parametrize("wrong", [{"url.path": 1.5}, {"Upper": "x"}, {"count": MAX_INTEGER + 1}])
def test_our_own_mistakes_are_told_as_ever(wrong: dict[str, Value]) -> None:
    with pytest.raises(EvidenceError):
        Form(SHARED).body({**OWN, **wrong})
    with pytest.raises(EvidenceError):
        Form({**SHARED, **wrong}).body({"id": "n", "time_us": 1, "mono_us": 2})


def test_a_stranger_who_varies_the_shape_fills_no_memory() -> None:
    form = Form(SHARED)
    for number in range(300):
        form.body({**OWN, f"field.n{number}": "x"})
    assert len(form._patterns) <= 64


def test_a_record_of_a_form_is_a_mapping_like_any_other() -> None:
    record = Filled(Form(SHARED), OWN)
    assert record == {**SHARED, **OWN}
    assert list(record) == [*SHARED, *OWN]
    assert (len(record), record["type"], record["id"], record.get("decision.action")) == (9, "crawl.request", "n", None)
