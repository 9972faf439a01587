"""Operators' address lists: the forms that are in use, what is none, and what a stranger may put in their place."""

from __future__ import annotations

import json
import sys
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.address_lists import (
    LIST_LIMIT,
    MOST_FAULTS,
    MOST_PREFIXES,
    AddressList,
    parse_address_list,
    parse_prefix,
)

# AS112 and AMT: reachable from everywhere, and no crawler's.
V4, V6 = "192.31.196.0/24", "2620:4f:8000::/48"
BOTH = (ip_network(V4), ip_network(V6))
USUAL = {"creationTime": "2026-11-20T08:00:00.000000", "prefixes": [{"ipv4Prefix": V4}, {"ipv6Prefix": V6}]}


def codes(found: AddressList) -> list[str]:
    return [fault.code for fault in found.faults]


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(USUAL),
        "\ufeff" + json.dumps(USUAL),
        json.dumps({**USUAL, "etag": "x", "prefixes": [{**each, "service": "s"} for each in USUAL["prefixes"]]}),
        json.dumps({"prefixes": [{"ip_prefix": V4, "region": "r"}], "ipv6_prefixes": [{"ipv6_prefix": V6}]}),
        json.dumps({"prefixes": [V4, V6, V4]}),
        json.dumps([V4, V6]),
        json.dumps([{"ip_prefix": V4}, {"ipv6Prefix": V6}]),
        f"# our crawler\n{V4}\n\n  {V6}  # and that\r\n",
        f"{V4},US,US-CA,Menlo Park,\n{V6},IE,,Dublin,\n",
        "<!doctype html><html><body><p>See:</p><pre class=x><code>"
        + json.dumps(USUAL).replace('"', "&quot;")
        + "</code></pre></body></html>",
    ],
    ids="usual bom keys aws strings list objects lines geofeed page".split(),
)
def test_every_form_in_use(data: str) -> None:
    found = parse_address_list(data.encode())
    assert (found.prefixes, found.faults) == (BOTH, ())


def test_the_operators_own_date_is_kept_as_written() -> None:
    assert parse_address_list(json.dumps(USUAL).encode()).created == USUAL["creationTime"]
    assert parse_address_list(b'{"creationTime": 7, "prefixes": ["192.31.196.1"]}').created == ""


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ["empty"]),
        (b"{}", ["empty"]),
        (b"[]", ["empty"]),
        (b'{"prefixes": []}', ["empty"]),
        (b'{"error": "rate limited"}', ["empty"]),
        (json.dumps(USUAL).encode()[:-9], ["form"]),
        (b"[" * 100_000, ["form"]),
        (b"<html><body>Sign in</body></html>", ["form"]),
        (b"<html><pre>Forbidden</pre></html>", ["form"]),
        (b"<html><pre>[", ["form"]),
        (b'{"prefixes": [{"ipv4Prefix": "000/0"}]}', ["entry"]),
        (b'{"prefixes": [{"prefix": "192.31.196.0/24"}, 7, null]}', ["entry"] * 3),
        (b'{"prefixes": "192.31.196.0/33"}', ["entry"]),
        (b"Not found", ["entry"]),
        (b"x\n" * 1000, ["entry"] * MOST_FAULTS),
        (b" " * (LIST_LIMIT + 1), ["too-long"]),
    ],
)
def test_what_is_no_list_gives_faults(data: bytes, expected: list[str]) -> None:
    found = parse_address_list(data)
    assert (codes(found), found.prefixes) == (expected, ())


def test_one_bad_entry_hides_no_good_one() -> None:
    found = parse_address_list(f"{V4}\nnonsense\n{V6}".encode())
    assert (found.prefixes, codes(found)) == (BOTH, ["entry"])


def test_a_list_has_a_bounded_number_of_networks() -> None:
    data = "\n".join(f"{0x0B000000 + place:#x}" for place in range(3)).encode()
    assert codes(parse_address_list(data)) == ["entry"] * 3  # numbers are no addresses
    lines = (f"11.{place >> 16}.{place >> 8 & 255}.{place & 255}" for place in range(MOST_PREFIXES + 1))
    assert codes(parse_address_list("\n".join(lines).encode())) == ["too-long"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.31.196.7", "192.31.196.7/32"),
        ("192.31.196.7/24", V4),
        ("2620:4f:8000::1", "2620:4f:8000::1/128"),
        ("::ffff:192.31.196.0/120", V4),
        ("::ffff:192.31.196.7", "192.31.196.7/32"),
        ("192.31.196.0/24 x", None),
        ("192.031.196.0/24", None),
        ("fe80::1%eth0", None),
        ("1" * 1_000_000, None),
        ("", None),
    ],
)
def test_a_prefix(text: str, expected: str | None) -> None:
    found = parse_prefix(text)
    assert (None if found is None else str(found)) == expected


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([V4, V6, "::/0"]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["prefixes", "ipv6_prefixes", "ipv4Prefix", "ip_prefix", "x"]), inner)
    ),
)


@given(
    st.binary()
    | ANY_JSON.map(lambda form: json.dumps(form).encode())
    | st.text(alphabet='<>/pre&quot; []{}"').map(str.encode)
)
def test_nothing_raises(data: bytes) -> None:
    found = parse_address_list(data)
    assert found.prefixes or found.faults


def _calls(data: bytes) -> int:
    """How many Python functions are called: the same on every machine."""
    count = 0

    def counting(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        parse_address_list(data)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("piece", [b"192.31.196.%d\n", b"<pre", b"<pre>&quot;<", b"x,,,,#\n", b"[", b'{"prefixes":'])
def test_the_work_is_linear(piece: bytes) -> None:
    def data(times: int) -> bytes:
        return b"".join(piece % (place % 256) if b"%d" in piece else piece for place in range(times))

    assert _calls(data(4000)) <= 4.5 * _calls(data(1000)) + 100
