"""One line of each server's log; lines that nobody should write; work that grows in step with a line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.review.importing.lines import Line, find_user_agent, parse_line

COMBINED = (
    b'203.0.113.7 - - [10/Nov/2026:13:55:36 +0100] "GET /a.jpg?x=1 HTTP/1.1" 200 2326 "https://a.example/" "GPTBot/1.2"'
)
TIME_US = 1_794_315_336_000_000
CADDY = {
    "level": "info",
    "ts": 1794315336.5,
    "logger": "http.log.access",
    "request": {
        "remote_ip": "203.0.113.9",
        "client_ip": "203.0.113.7",
        "method": "GET",
        "host": "A.example:443",
        "uri": "/a.jpg?x=1",
        "headers": {"User-Agent": ["GPTBot/1.2"], "Accept": ["*/*"]},
    },
    "size": 2326,
    "status": 200,
}


def _same(line: Line | None, **more: object) -> None:
    assert line is not None
    wanted = {
        "time_us": TIME_US,
        "method": "GET",
        "target": "/a.jpg?x=1",
        "status": 200,
        "size": 2326,
        "user_agent": "GPTBot/1.2",
        "address": "203.0.113.7",
        "host": "",
        **more,
    }
    assert {name: getattr(line, name) for name in wanted} == wanted
    assert line.path == "/a.jpg"


def test_the_combined_form_of_nginx_and_apache() -> None:
    _same(parse_line(COMBINED))
    assert find_user_agent(COMBINED) == b"GPTBot/1.2"


@pytest.mark.parametrize("more", [b' "203.0.113.1"', b" 0.003 -", b' "x" rt=0.1 "y\\"z"'])
def test_further_fields_may_follow(more: bytes) -> None:
    _same(parse_line(COMBINED + more))
    assert find_user_agent(COMBINED + more) == b"GPTBot/1.2"


def test_a_host_may_stand_before() -> None:
    _same(parse_line(b"www.A.example:443 " + COMBINED), host="www.a.example")


def test_a_user_with_blanks_and_brackets_in_a_quoted_field_hide_nothing() -> None:
    _same(parse_line(COMBINED.replace(b"- - [", b"- jane doe [")))
    line = COMBINED.replace(b"https://a.example/", b'https://a.example/\\" 500 9 \\"[x]')
    _same(parse_line(line))
    assert find_user_agent(line) == b"GPTBot/1.2"


def test_the_common_form_has_no_user_agent() -> None:
    common = COMBINED.partition(b' "https')[0]
    _same(parse_line(common), user_agent="")
    assert find_user_agent(common) == b""


@pytest.mark.parametrize("written", [rb"a\x22b\x5C", rb"a\"b\\"])
def test_escapes_of_nginx_and_apache_are_undone(written: bytes) -> None:
    line = parse_line(COMBINED.replace(b"GPTBot/1.2", written))
    assert line is not None
    assert line.user_agent == 'a"b\\'


def test_a_request_line_that_is_none_is_kept_as_it_came() -> None:
    line = parse_line(COMBINED.replace(b"GET /a.jpg?x=1 HTTP/1.1", rb"\x16\x03\x01"))
    assert line is not None
    assert (line.method, line.target) == ("", "\x16\x03\x01")


def test_caddy_s_json() -> None:
    line = json.dumps(CADDY, separators=(",", ":")).encode()
    _same(parse_line(line), host="a.example", time_us=TIME_US + 500_000)
    assert find_user_agent(line) == b"GPTBot/1.2"


@pytest.mark.parametrize("time", ["2026-11-10T13:55:36+01:00", "10/Nov/2026:13:55:36 +0100", "1794315336", 1794315336])
def test_json_by_the_names_customary_with_nginx(time: object) -> None:
    said = {
        "time": time,
        "remote_addr": "203.0.113.7",
        "request": "GET /a.jpg?x=1 HTTP/1.1",
        "status": "200",
        "body_bytes_sent": "2326",
        "http_user_agent": "GPTBot/1.2",
    }
    line = json.dumps(said).encode()
    _same(parse_line(line))
    assert find_user_agent(line) == b"GPTBot/1.2"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"-",
        b"{",
        b"[]",
        b"{}",
        b'{"status": true}',
        b'{"request": {}}',
        b"[" * 100_000,
        b"{" + b'"a":' * 5000,
        b'1.2.3.4 - - [x] "GET / HTTP/1.1" 20 1 "-" "-"',
        b'1.2.3.4 - - [10/Nov/2026] "GET',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_in_no_form_is_none(line: bytes) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize("time", [b"32/Nov/2026:13:55:36 +0100", b"10/Foo/2026:13:55:36 +0100", b"", b"10/Nov/2026"])
def test_a_line_without_a_time_counts_all_the_same(time: bytes) -> None:
    line = parse_line(COMBINED.replace(b"10/Nov/2026:13:55:36 +0100", time))
    assert line is not None
    assert line.time_us is None


@given(st.binary(max_size=400))
def test_nothing_raises(line: bytes) -> None:
    parse_line(line)
    find_user_agent(line)


@given(st.binary(max_size=200), st.sampled_from([COMBINED, json.dumps(CADDY).encode()]), st.integers(0, 120))
def test_a_spoiled_line_raises_nothing(noise: bytes, line: bytes, at: int) -> None:
    spoiled = line[:at] + noise + line[at:]
    parse_line(spoiled)
    find_user_agent(spoiled)


@given(st.text(max_size=60))
def test_the_quick_look_and_the_whole_reading_find_the_same_user_agent(text: str) -> None:
    agent = (
        text.encode("utf-8", "surrogatepass").replace(b"\\", rb"\x5C").replace(b'"', rb"\x22").replace(b"\n", rb"\x0A")
    )
    line = COMBINED.replace(b"GPTBot/1.2", agent)
    found, read = find_user_agent(line), parse_line(line)
    assert found == agent
    assert read is not None


@pytest.mark.parametrize("unit", [b'"', b'\\"', b"[", b"] ", b'" "', b" 200 1 ", b"a b ", b'{"user_agent":"', b"\\"])
def test_a_long_line_costs_in_step_with_its_length(unit: bytes) -> None:
    """A quadratic reading of 8 MB would not end within anybody's patience; the suite's own limit is the guard."""
    line = COMBINED + unit * (2_000_000 // len(unit))
    parse_line(line)
    find_user_agent(line)
    parse_line(unit * (2_000_000 // len(unit)))
    find_user_agent(unit * (2_000_000 // len(unit)))
