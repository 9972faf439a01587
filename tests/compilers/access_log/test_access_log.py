"""The members of a front end's log line are documented and none is private; any bytes are read without a fault."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.compilers.access_log import LONGEST_LINE, MEMBERS, Line, LineFault, parse_line
from optout.policy.model import Action
from tests.front_end_lines import SHA, line, members, number


def _line(**other: str) -> Line:
    found = parse_line(line(**other))
    assert isinstance(found, Line)
    return found


def test_no_member_is_private() -> None:
    assert MEMBERS.keys().isdisjoint({"address", "peer", "client", "referer", "cookie", "authorization", "target"})


def test_each_member_says_what_it_holds() -> None:
    assert all(MEMBERS.values())


def test_the_tests_write_every_member_in_its_order() -> None:
    assert list(members()) == list(MEMBERS)


def test_a_line_is_read_back() -> None:
    found = _line(query="1", robots=SHA)
    assert (found.front, found.id, found.path, found.has_query) == ("nginx", number(1), "/gallery/1.jpg", True)
    assert (found.action, found.enforced, found.status, found.body_bytes) == (Action.DENY, True, 403, 1234)
    assert (found.policy, found.robots, found.tdm) == (SHA, SHA, "")


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1795000001", 1_795_000_001_000_000),
        ("1795000001.25", 1_795_000_001_250_000),
        ("1795000001.123456", 1_795_000_001_123_456),
        ("1795000001.1234567899", 1_795_000_001_123_456),
    ],
)
def test_a_time_keeps_its_microseconds(text: str, microseconds: int) -> None:
    assert _line(time=text).time_us == microseconds


@pytest.mark.parametrize(
    ("text", "version"), [("HTTP/1.0", "1.0"), ("HTTP/1.1", "1.1"), ("HTTP/2.0", "2"), ("HTTP/3.0", "3")]
)
def test_a_protocol_is_named_as_the_doors_name_it(text: str, version: str) -> None:
    assert _line(protocol=text).protocol == version


@pytest.mark.parametrize(("text", "status"), [("200", 200), ("499", None), ("0", None), ("-1", None), ("-", None)])
def test_a_status_that_was_never_sent_is_none(text: str, status: int | None) -> None:
    assert _line(status=text).status == status


def test_a_number_without_dashes_or_in_capitals_is_the_same_number() -> None:
    assert _line(id=number(7).replace("-", "").upper()).id == number(7)


def test_a_user_agent_that_is_not_utf_8_is_kept_octet_by_octet() -> None:
    found = parse_line(line(user_agent="@@").replace(b"@@", b"GPTBot \xff\xfe"))
    assert isinstance(found, Line)
    assert found.user_agent.encode("utf-8", "surrogateescape") == b"GPTBot \xff\xfe"


@pytest.mark.parametrize("name", MEMBERS)
def test_a_line_without_one_member_is_none(name: str) -> None:
    said = {key: value for key, value in members().items() if key != name}
    assert parse_line(json.dumps(said).encode()) is LineFault.MEMBER


@pytest.mark.parametrize("name", [name for name in MEMBERS if name != "optout"])
@pytest.mark.parametrize("value", [1, None, ["x"], {"x": "y"}, True])
def test_a_member_that_is_no_text_makes_no_line(name: str, value: object) -> None:
    assert parse_line(json.dumps({**members(), name: value}).encode()) is LineFault.MEMBER


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time", "yesterday"),
        ("time", "-1"),
        ("time", "1e9"),
        ("id", "42"),
        ("id", "00000000-0000-0000-0000-000000000000"),
        ("query", "yes"),
        ("enforced", ""),
        ("action", "throttle"),
        ("action", "DENY"),
        ("protocol", "FTP"),
        ("bytes", "-"),
        ("bytes", "9" * 40),
        ("policy", ""),
        ("robots", "abc"),
        ("scheme", "gopher"),
        ("front", ""),
        ("front", "nginx\n"),
        ("crawler", ""),
        ("clause", "a b"),
    ],
)
def test_a_member_that_holds_what_no_front_end_writes_makes_no_line(name: str, value: str) -> None:
    assert parse_line(line(**{name: value})) is LineFault.MEMBER


def test_a_member_that_is_there_twice_makes_no_line() -> None:
    assert parse_line(line()[:-1] + b', "crawler": "Googlebot"}') is LineFault.MEMBER


@pytest.mark.parametrize("version", ["0", "2", "", 1, None])
def test_another_form_is_told_apart(version: object) -> None:
    assert parse_line(json.dumps({**members(), "optout": version}).encode()) is LineFault.VERSION


def test_members_that_nobody_asked_for_are_not_read() -> None:
    assert parse_line(line(address="203.0.113.7", target="/x?secret")) == parse_line(line())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"optout"',
        b"1" * 10_000,
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'127.0.0.1 - - "GET / HTTP/1.1" 200 5',
        b"\x00\x00" + line(),
    ],
)
def test_what_is_no_object_of_json_is_told_apart(data: bytes) -> None:
    assert parse_line(data) is LineFault.NOT_JSON


def test_a_line_that_is_too_long_is_not_even_parsed() -> None:
    assert parse_line(b" " * (LONGEST_LINE + 1)) is LineFault.TOO_LONG
    assert isinstance(parse_line(line(user_agent="x" * 100_000)), Line)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_line_or_a_fault(data: bytes) -> None:
    assert isinstance(parse_line(data), Line | LineFault)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(MEMBERS)), st.one_of(st.text(max_size=20), st.integers(), st.none())))
def test_any_members_are_a_line_or_a_fault(other: dict[str, object]) -> None:
    assert isinstance(parse_line(json.dumps({**members(), **other}).encode()), Line | LineFault)


def _calls(data: bytes) -> int:
    calls = 0

    def count(_frame: object, _event: str, _arg: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        parse_line(data)
    finally:
        sys.setprofile(None)
    return calls


def test_the_work_for_a_line_grows_in_step_with_its_length_at_most() -> None:
    def crowded(count: int) -> bytes:
        return json.dumps({**members(), **{f"member{place}": [{}] for place in range(count)}}).encode()

    assert _calls(crowded(4000)) <= 2.2 * _calls(crowded(2000))
