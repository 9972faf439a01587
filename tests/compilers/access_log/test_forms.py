"""Caddy's and Apache's lines become the common form; any other octets come back as they came."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.compilers.access_log import MEMBERS, Line, parse_line
from optout.compilers.access_log.forms import CADDY_MEMBERS, in_common_form

VALUES = {
    "optout": "1",
    "front": "apache",
    "time": "1795647548.109807",
    "id": "22d4ab49-069a-86da-83b2-7d0a7b8c878d",
    "method": "GET",
    "scheme": "http",
    "host": "site.example",
    "path": "/a",
    "query": "0",
    "protocol": "HTTP/1.1",
    "user_agent": "GPTBot/1.0",
    "signature_agent": "",
    "crawler": "GPTBot",
    "action": "deny",
    "enforced": "1",
    "code": "clause",
    "clause": "no",
    "status": "403",
    "bytes": "526",
    "policy": "a" * 64,
    "robots": "",
    "tdm": "",
    "registry": "b" * 64,
}


def apache(user_agent: str) -> bytes:
    """Apache's line, with a user agent as Apache escapes it."""
    members = [f'"{name}":"{user_agent if name == "user_agent" else value}"' for name, value in VALUES.items()]
    return ("{" + ",".join(members) + "}").encode()


def caddy(**changed: object) -> bytes:
    """Caddy's line."""
    told = "\n".join(["optout 1", *(VALUES[name] for name in CADDY_MEMBERS)])
    whole = {"level": "info", "ts": 1795647548.109807, "msg": "handled request", "optout": told, "size": 526}
    return json.dumps({**whole, "status": 403, **changed}, separators=(",", ":")).encode()


def test_the_two_forms_hold_all_members() -> None:
    assert set(MEMBERS) == {*CADDY_MEMBERS, "optout", "front", "time", "status", "bytes"}


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        (r"GPTBot \xc3\xbc", "GPTBot ü"),
        (r"GPTBot \\x41 \" \t", 'GPTBot \\x41 " \t'),
        (r"GPTBot \xff", "GPTBot \udcff"),
        (r"GPTBot \x22\x5c\x01\v", 'GPTBot "\\\x01\x0b'),
    ],
)
def test_apache_s_escapes_are_read_as_the_octets_that_came(escaped: str, read: str) -> None:
    line = parse_line(in_common_form(apache(escaped)))
    assert isinstance(line, Line)
    assert line.user_agent == read


def test_caddy_s_line_is_read() -> None:
    line = parse_line(in_common_form(caddy()))
    assert isinstance(line, Line)
    assert (line.front, line.time_us, line.status, line.body_bytes) == ("caddy", 1795647548109807, 403, 526)
    assert (line.crawler, line.clause, line.enforced) == ("GPTBot", "no", True)


def test_a_line_of_the_site_s_own_log_is_read_by_its_user_id() -> None:
    told = json.loads(caddy())["optout"]
    own = json.dumps({"level": "info", "ts": 1.5, "request": {}, "user_id": told, "size": 1, "status": 200})
    assert isinstance(parse_line(in_common_form(own.replace('": ', '":').encode())), Line)


@pytest.mark.parametrize("line", [caddy(optout="x"), caddy(optout=None), b'{"level":', b'{"level":[', b"", b"{}"])
def test_what_is_in_neither_form_comes_back_as_it_came(line: bytes) -> None:
    assert in_common_form(line) == line


@given(st.binary(max_size=200), st.sampled_from([b"", b'{"level":', b'{"optout":"1","front":"apache"']))
def test_any_octets_are_taken(octets: bytes, before: bytes) -> None:
    assert isinstance(in_common_form(before + octets), bytes)


def test_a_line_grows_at_most_in_step_with_its_length() -> None:
    lengths = [len(in_common_form(apache(r"\x01" * count))) for count in (1000, 2000, 4000)]
    assert lengths[2] - lengths[1] == 2 * (lengths[1] - lengths[0])


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=50))
def test_a_stranger_s_words_do_not_get_out_of_their_member(words: str) -> None:
    told = "\n".join(["optout 1", *(words if name == "user_agent" else VALUES[name] for name in CADDY_MEMBERS)])
    line = parse_line(in_common_form(caddy(optout=told)))
    assert isinstance(line, Line)
    assert (line.user_agent, line.crawler) == (words, "GPTBot")
