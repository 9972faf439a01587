"""What the report leaves open, and what a stranger's file may try: lines, limits, duplicates, cost."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable

import pytest

from optout.messages import Fields
from optout.signals.tdmrep import (
    DEEPEST,
    LARGEST_FILE,
    LONGEST_URL,
    MOST_ELEMENTS,
    Reserved,
    TdmMatcher,
    is_absolute_url,
    parse_tdm_fields,
    parse_tdmrep,
)
from tests.calls import calls_of

RULE = b'{"location": "/", "tdm-reservation": 1}'


def codes(data: bytes) -> list[str]:
    return [str(fault.code) for fault in parse_tdmrep(data).faults]


def test_a_sound_file_has_no_faults() -> None:
    assert codes(b"[" + RULE + b"]") == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_rules_and_faults_carry_the_line_on_which_the_object_starts(end: bytes) -> None:
    data = end.join([b"[", RULE + b",", b"", b'  {"location": "/b",', b'   "tdm-reservation": "1"}', b"]"])
    rep = parse_tdmrep(data)
    assert [(rule.index, rule.line) for rule in rep.rules] == [(0, 2), (1, 4)]
    assert [(fault.line, fault.code) for fault in rep.faults] == [(4, "bad-reservation")]


def test_an_element_that_is_no_object_is_passed_over_and_keeps_its_place() -> None:
    rep = parse_tdmrep(b'[1, "x", null, true, [], ' + RULE + b"]")
    assert [rule.index for rule in rep.rules] == [5]
    assert [fault.code for fault in rep.faults] == ["not-an-object"] * 5


@pytest.mark.parametrize("data", [b"", b"  ", b"null", b"{}", b"<html>", b"][", b'"[]"'])
def test_what_is_no_array_has_no_rules(data: bytes) -> None:
    assert parse_tdmrep(data).rules == ()
    assert codes(data) == ["not-an-array"]


def test_a_file_in_utf_16_has_no_rules_and_says_so() -> None:
    assert codes("[]".encode("utf-16")) == ["not-utf-8", "not-an-array"]


@pytest.mark.parametrize(
    "rest",
    [b",]", b"", b",", b"]]", b"] x", b", nul]", b", {]", b', {"a" 1}]', b", NaN]", b', {"x": -Infinity}]', b";"],
)
def test_rules_before_an_error_of_syntax_stand(rest: bytes) -> None:
    rep = parse_tdmrep(b"[" + RULE + rest)
    assert [rule.reserved for rule in rep.rules] == [Reserved.RESERVED]
    assert [fault.code for fault in rep.faults] == ["not-json"]


def test_nothing_after_an_error_of_syntax_counts() -> None:
    data = b'[{"location": "/a", "tdm-reservation": 1, }, {"location": "/", "tdm-reservation": 0}]'
    assert parse_tdmrep(data).rules == ()


def test_a_byte_order_mark_is_tolerated_and_reported() -> None:
    rep = parse_tdmrep(b"\xef\xbb\xbf[" + RULE + b"]")
    assert len(rep.rules) == 1
    assert [(fault.line, fault.code) for fault in rep.faults] == [(1, "byte-order-mark")]


def test_octets_that_are_no_utf_8_are_reported_and_compared_as_they_are() -> None:
    rep = parse_tdmrep(b'[{"location": "/caf\xe9", "tdm-reservation": 1}]')
    assert [fault.code for fault in rep.faults] == ["not-utf-8"]
    assert TdmMatcher(rep).match("/caf%E9") is not None


@pytest.mark.parametrize(
    ("values", "stands"),
    [
        ("0, 1", Reserved.RESERVED),
        ("1, 0", Reserved.RESERVED),
        ('"x", 0', Reserved.UNSET),
        ('0, "x"', Reserved.UNSET),
        ("0, 0", Reserved.NOT_RESERVED),
    ],
)
def test_of_a_reservation_given_twice_the_strictest_stands(values: str, stands: Reserved) -> None:
    first, second = values.split(", ")
    data = f'[{{"location": "/", "tdm-reservation": {first}, "tdm-reservation": {second}}}]'.encode()
    rep = parse_tdmrep(data)
    assert rep.rules[0].reserved is stands
    assert rep.faults[0].code == "duplicate-member"


def test_of_a_location_given_twice_the_last_stands() -> None:
    rep = parse_tdmrep(b'[{"location": "/a", "location": "/b", "tdm-reservation": 1}]')
    assert rep.rules[0].location.written == "/b"
    assert [fault.code for fault in rep.faults] == ["duplicate-member"]


@pytest.mark.parametrize("location", ['""', '"a"', '" /a"', '"https://site.example/a"', "1", "null", r'"/\ud800"'])
def test_a_location_that_is_no_path_is_passed_over(location: str) -> None:
    rep = parse_tdmrep(f'[{{"location": {location}, "tdm-reservation": 1}}]'.encode())
    assert rep.rules == ()
    assert [fault.code for fault in rep.faults] == ["bad-location"]


@pytest.mark.parametrize("number", ["1", "1.0", "1e0", "10e-1"])
def test_the_number_one_is_one_however_it_is_written(number: str) -> None:
    rep = parse_tdmrep(f'[{{"location": "/", "tdm-reservation": {number}}}]'.encode())
    assert rep.rules[0].reserved is Reserved.RESERVED
    assert rep.faults == ()


@pytest.mark.parametrize(
    "policy",
    [
        "/policy.json",
        "policy.json",
        "//site.example/p",
        "https://",
        "https:///p",
        "ftp://site.example/p",
        "javascript:alert(1)",
        "https://site.example/p\r\nSet-Cookie: a=b",
        "https://site.example/p q",
        "https://site.example/é",
        "https://site.example/\x00",
        "https://site.example/<p>",
        "https://site.example/" + "a" * LONGEST_URL,
        "",
    ],
)
def test_a_policy_that_is_no_absolute_url_is_not_used(policy: str) -> None:
    rep = parse_tdmrep(json.dumps([{"location": "/", "tdm-reservation": 1, "tdm-policy": policy}]).encode())
    assert (rep.rules[0].reserved, rep.rules[0].policy) == (Reserved.RESERVED, "")
    assert [fault.code for fault in rep.faults] == ["bad-policy"]
    statement, faults = parse_tdm_fields(Fields((("tdm-reservation", "1"), ("tdm-policy", policy))))
    assert statement.policy == ""
    assert [fault.code for fault in faults] == ["bad-policy"]


@pytest.mark.parametrize("url", ["https://a.example", "http://a.example/p?q=1#f", "HTTPS://[::1]:8080/%20"])
def test_an_absolute_url_may_stand_in_a_field(url: str) -> None:
    assert is_absolute_url(url)


@pytest.mark.parametrize(
    ("values", "stands", "faults"),
    [
        (("1", "1"), Reserved.RESERVED, []),
        (("0", "1"), Reserved.RESERVED, ["conflicting-fields"]),
        (("1", "0"), Reserved.RESERVED, ["conflicting-fields"]),
        (("0", "x"), Reserved.UNSET, ["bad-reservation", "conflicting-fields"]),
    ],
)
def test_of_differing_fields_the_strictest_stands(values: tuple[str, ...], stands: Reserved, faults: list[str]) -> None:
    statement, found = parse_tdm_fields(Fields(tuple(("tdm-reservation", value) for value in values)))
    assert statement.reserved is stands
    assert [fault.code for fault in found] == faults


def test_of_differing_policy_fields_the_first_stands() -> None:
    fields = Fields((("tdm-policy", "https://a.example/1"), ("tdm-policy", "https://a.example/2")))
    statement, faults = parse_tdm_fields(fields)
    assert statement.policy == "https://a.example/1"
    assert [fault.code for fault in faults] == ["conflicting-fields"]


def test_faults_quote_nothing_of_the_file() -> None:
    data = b'[{"location": "\x1b]8;;", "tdm-reservation": "\\u001b[31m", "tdm-policy": "\\u202e"}, "\\u001b"]'
    for fault in parse_tdmrep(data.replace(b"\x1b", b"\\u001b")).faults:
        assert fault.text.isascii()
        assert fault.text.isprintable()


def test_a_file_over_the_limit_is_read_up_to_it() -> None:
    filler = b" " * LARGEST_FILE
    rep = parse_tdmrep(b"[" + RULE + b"," + filler + RULE + b"]")
    assert len(rep.rules) == 1
    assert [fault.code for fault in rep.faults] == ["too-large"]


def test_a_file_at_the_limit_is_read_whole() -> None:
    data = b"[" + RULE + b"]"
    assert codes(data + b" " * (LARGEST_FILE - len(data))) == []


@pytest.mark.parametrize("bracket", [b"[", b'{"a":', b'[{"a":'])
def test_half_a_megabyte_of_open_brackets_is_one_fault(bracket: bytes) -> None:
    data = (b"[" + RULE + b",\n" + bracket * LARGEST_FILE)[:LARGEST_FILE]
    rep = parse_tdmrep(data)
    assert len(rep.rules) == 1
    assert [(fault.line, fault.code) for fault in rep.faults] == [(2, "too-deep")]


def test_depth_is_no_matter_of_the_stack_that_is_left() -> None:
    found: list[list[str]] = []

    def descend(levels: int) -> None:
        if levels:
            descend(levels - 1)
        else:
            found.append(codes(b"[" * LARGEST_FILE))

    thread = threading.Thread(target=descend, args=(sys.getrecursionlimit() - 200,))
    thread.start()
    thread.join()
    assert found == [["too-deep"]]


def test_brackets_within_strings_are_not_counted() -> None:
    location = "/" + "[{" * DEEPEST + r"\"" + "[" * DEEPEST
    rep = parse_tdmrep(f'[{{"location": "{location}", "tdm-reservation": 1}}]'.encode())
    assert len(rep.rules) == 1
    assert rep.faults == ()


def test_elements_beyond_the_limit_are_not_read() -> None:
    rep = parse_tdmrep(b"[" + b",\n".join([b"{}"] * MOST_ELEMENTS + [RULE]) + b"]")
    assert rep.rules == ()
    assert rep.faults[-1].code == "too-many"
    assert rep.faults[-1].line == MOST_ELEMENTS


def test_as_many_elements_as_the_limit_are_read() -> None:
    rep = parse_tdmrep(b"[" + b",\n".join([b"{}"] * (MOST_ELEMENTS - 1) + [RULE]) + b"]")
    assert len(rep.rules) == 1
    assert "too-many" not in {fault.code for fault in rep.faults}


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "escaped quotes in a string without end": lambda n: b'["' + b'\\"' * n,
    "quotes": lambda n: b"[" + b'"",' * n,
    "strings without end": lambda n: b'[{"location": "/' + b"a" * n,
    "digits": lambda n: b'[{"tdm-reservation": ' + b"9" * n + b"}]",
    "decimals": lambda n: b'[{"tdm-reservation": 0.' + b"1" * n + b"}]",
    "white space": lambda n: b"[" + b" \r\n" * n,
    "line ends before each element": lambda n: b"[" + b"\n\n1," * n,
    "members": lambda n: b"[{" + b'"tdm-reservation": 2,' * n + b'"a": 1}]',
    "rules": lambda n: b"[" + b",".join([RULE] * n) + b"]",
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_file(shape: str) -> None:
    small, large = (HOSTILE[shape](n) for n in (400, 1600))
    assert calls_of(lambda: parse_tdmrep(large)) <= 4 * calls_of(lambda: parse_tdmrep(small)) + 100


@pytest.mark.parametrize("shape", HOSTILE)
def test_the_largest_file_of_every_hostile_shape_is_read_to_an_end(shape: str) -> None:
    data = HOSTILE[shape](LARGEST_FILE)[:LARGEST_FILE]  # were any of them quadratic, this would take minutes
    assert parse_tdmrep(data).faults


def test_a_match_costs_the_same_among_ten_rules_and_among_ten_thousand() -> None:
    def matcher(count: int) -> TdmMatcher:
        rules = [{"location": f"/{n:05}/", "tdm-reservation": 1} for n in range(count)]
        return TdmMatcher(parse_tdmrep(json.dumps(rules, separators=(",", ":")).encode()))

    few, many = matcher(10), matcher(9_000)
    assert calls_of(lambda: many.match("/00005/x")) == calls_of(lambda: few.match("/00005/x"))


def test_a_location_repeated_ten_thousand_times_is_weighed_once() -> None:
    matcher = TdmMatcher(parse_tdmrep(b"[" + b",".join([b'{"location":"/*a*b*c","tdm-reservation":1}'] * 9_000) + b"]"))
    assert calls_of(lambda: matcher.match("/xyz")) < 50
