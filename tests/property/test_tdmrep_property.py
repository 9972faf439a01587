"""tdmrep.json and its fields under any bytes: never a crash, and on sound files never another answer than json's."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from optout.messages import Fields
from optout.robots.model import normalize_path
from optout.signals.tdmrep import Reserved, TdmMatcher, TdmStatement, parse_tdm_fields, parse_tdmrep, resolve

FRAGMENTS = [
    *("[", "]", "{", "}", ",", ":", '"', "\\", "\n", "\r", " ", "0", "1", "1.0", "-", "e", "true", "null", "NaN"),
    *('"location"', '"tdm-reservation"', '"tdm-policy"', '"/"', '"/a*"', '"*$"', '"https://a.example/"', "\ufeff", "é"),
    *('{"location": "/", "tdm-reservation": 1}', '{"location": "/b", "tdm-reservation": 0}'),
]
nearly_json = st.lists(st.sampled_from(FRAGMENTS)).map(lambda parts: "".join(parts).encode())
paths = st.text(alphabet="/ab*$%2A.é", max_size=8).map(lambda text: f"/{text}")
values = st.sampled_from([0, 1, 0.0, 1.0, 2, "1", "0", True, False, None, []])
rules = st.lists(st.tuples(paths, values), max_size=8)


@given(st.binary() | nearly_json | nearly_json.map(lambda data: b"[" + data), st.text())
def test_any_bytes_are_a_value_with_lines_inside_the_file(data: bytes, target: str) -> None:
    rep = parse_tdmrep(data)
    lines = 1 + data.count(b"\n") + data.count(b"\r")
    assert all(1 <= rule.line <= lines for rule in rep.rules)
    assert all(0 <= fault.line <= lines for fault in rep.faults)
    found = TdmMatcher(rep).match(target)
    assert found is None or found in rep.rules


@given(rules, st.booleans())
def test_a_sound_file_is_read_as_json_reads_it(pairs: list[tuple[str, object]], indented: bool) -> None:
    objects = [{"location": path, "tdm-reservation": value} for path, value in pairs]
    rep = parse_tdmrep(json.dumps(objects, indent=2 if indented else None).encode())
    assert [rule.location.written for rule in rep.rules] == [path for path, _ in pairs]
    for rule, (_, value) in zip(rep.rules, pairs, strict=True):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        expected = {1: Reserved.RESERVED, 0: Reserved.NOT_RESERVED}.get(value) if is_number else None  # type: ignore[call-overload]
        assert rule.reserved is (expected or Reserved.UNSET)
        assert rule.line == (2 + 4 * rule.index if indented else 1)


@given(rules, paths)
def test_the_match_is_the_first_rule_whose_pattern_fits(pairs: list[tuple[str, object]], target: str) -> None:
    rep = parse_tdmrep(json.dumps([{"location": path, "tdm-reservation": value} for path, value in pairs]).encode())
    path = normalize_path(target)
    first = next((rule for rule in rep.rules if rule.location.matches(path)), None)
    assert TdmMatcher(rep).match(target) == first


FIELD = st.tuples(
    st.sampled_from(["tdm-reservation", "TDM-Policy", "x"]), st.text(max_size=4) | st.sampled_from(["0", "1", " 1 "])
)


@given(st.lists(FIELD), rules)
def test_any_fields_are_a_statement_and_unset_never_replaces(
    items: list[tuple[str, str]], pairs: list[tuple[str, object]]
) -> None:
    header, _ = parse_tdm_fields(Fields(tuple(items)))
    rep = parse_tdmrep(json.dumps([{"location": path, "tdm-reservation": value} for path, value in pairs]).encode())
    for rule in (*rep.rules, None):
        statement = resolve(rule, header)
        assert isinstance(statement, TdmStatement)
        if header.reserved is not Reserved.UNSET:
            assert statement.reserved is header.reserved
        else:
            assert statement.reserved is (rule.reserved if rule else Reserved.UNSET)
