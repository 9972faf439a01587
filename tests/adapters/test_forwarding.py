"""Which fields a gateway passes on and which it writes: in both directions, for strangers and for trusted proxies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.forwarding import Visit, to_origin, to_visitor, tokens
from optout.messages import UNKNOWN_CLIENT, AddressSource, ClientAddress


def _visit(*, is_proxy: bool = False, peer: str | None = "192.0.2.7", client: str | None = None) -> Visit:
    known = UNKNOWN_CLIENT if client is None else ClientAddress(address=client, source=AddressSource.FORWARDED)
    return Visit(peer=peer, is_proxy=is_proxy, client=known, scheme="https", host="site.example")


WRITTEN = [(b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Host", b"site.example")]
FROM_PEER = [*WRITTEN, (b"X-Forwarded-For", b"192.0.2.7"), (b"X-Real-IP", b"192.0.2.7")]


def test_case_order_and_duplicates_are_kept() -> None:
    fields = [(b"Host", b"site.example"), (b"COOKIE", b"a=1"), (b"x-Odd", b"1"), (b"cookie", b"b=2"), (b"X-ODD", b"2")]
    assert to_origin(fields, _visit()) == fields + FROM_PEER
    cookies = [(b"Set-Cookie", b"a=1"), (b"ETag", b'"x"'), (b"set-cookie", b"b=2")]
    assert to_visitor(cookies) == cookies


@pytest.mark.parametrize(
    "name",
    [
        b"Connection",
        b"Keep-Alive",
        b"Proxy-Connection",
        b"Proxy-Authenticate",
        b"Proxy-Authorization",
        b"TE",
        b"Trailer",
        b"Transfer-Encoding",
        b"Upgrade",
        b"HTTP2-Settings",
    ],
)
def test_what_is_meant_for_the_next_hop_stays_here(name: bytes) -> None:
    assert to_origin([(name, b"x"), (name.upper(), b"y")], _visit()) == FROM_PEER
    assert to_visitor([(name, b"x")]) == []


def test_what_connection_names_stays_here() -> None:
    fields = [
        (b"Connection", b"close, X-One"),
        (b"connection", b" x-two ,,"),
        (b"X-One", b"1"),
        (b"X-TWO", b"2"),
        (b"X-3", b"3"),
    ]
    assert to_visitor(fields) == [(b"X-3", b"3")]


def test_connection_cannot_take_away_what_a_message_needs() -> None:
    fields = [
        (b"Connection", b"host, content-length, content-type"),
        (b"Host", b"site.example"),
        (b"Content-Length", b"3"),
    ]
    assert to_origin(fields, _visit()) == fields[1:] + FROM_PEER


def test_connection_cannot_take_away_what_this_gateway_writes() -> None:
    assert to_origin([(b"Connection", b"x-forwarded-for, x-real-ip")], _visit()) == FROM_PEER


def test_a_length_beside_a_transfer_coding_is_dropped() -> None:
    assert to_visitor([(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3"), (b"ETag", b"x")]) == [
        (b"ETag", b"x")
    ]


FORGED = [
    (b"X-Forwarded-For", b"203.0.113.1"),
    (b"x-forwarded-proto", b"gopher"),
    (b"X-Forwarded-Host", b"admin.example"),
    (b"X-Forwarded-Port", b"1"),
    (b"X-Forwarded-Prefix", b"/admin"),
    (b"Forwarded", b"for=203.0.113.1"),
    (b"X-Real-IP", b"203.0.113.1"),
    (b"CF-Connecting-IP", b"203.0.113.1"),
    (b"True-Client-IP", b"203.0.113.1"),
    (b"X-Original-URL", b"/admin"),
    (b"X-Rewrite-URL", b"/admin"),
]


def test_what_a_stranger_says_as_if_it_were_a_proxy_is_dropped() -> None:
    assert to_origin(FORGED, _visit()) == FROM_PEER


def test_a_trusted_proxy_s_word_is_kept_and_continued() -> None:
    fields = [
        (b"X-Forwarded-For", b"6.6.6.6"),
        (b"X-Forwarded-For", b"8.8.8.8"),
        (b"X-Forwarded-Host", b"www.site.example"),
        (b"Forwarded", b"for=8.8.8.8;proto=https"),
        (b"X-Forwarded-Port", b"443"),
        (b"CF-Connecting-IP", b"8.8.8.8"),
    ]
    assert to_origin(fields, _visit(is_proxy=True, client="8.8.8.8")) == [
        (b"X-Forwarded-Port", b"443"),
        (b"CF-Connecting-IP", b"8.8.8.8"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"www.site.example"),
        (b"X-Forwarded-For", b"6.6.6.6, 8.8.8.8, 192.0.2.7"),
        (b"Forwarded", b"for=8.8.8.8;proto=https, for=192.0.2.7"),
        (b"X-Real-IP", b"8.8.8.8"),
    ]


def test_an_ipv6_peer_is_written_as_each_field_wants_it() -> None:
    found = dict(to_origin([(b"Forwarded", b"for=unknown")], _visit(is_proxy=True, peer="2001:db8::7")))
    assert found[b"X-Forwarded-For"] == b"2001:db8::7"
    assert found[b"Forwarded"] == b'for=unknown, for="[2001:db8::7]"'


def test_a_peer_on_a_unix_socket_has_no_address_to_write() -> None:
    assert to_origin([], _visit(peer=None)) == WRITTEN


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"X-Forwarded-For", b"x-real-ip", b"FORWARDED", b"X-Forwarded-X", b"Connection", b"Cookie"]
            ),
            st.binary(max_size=40),
        )
    )
)
def test_a_stranger_s_fields_never_change_what_is_said_about_the_stranger(fields: list[tuple[bytes, bytes]]) -> None:
    found = to_origin(fields, _visit())
    said = [
        (name, value) for name, value in found if name.lower().startswith((b"x-forwarded", b"x-real", b"forwarded"))
    ]
    assert said == FROM_PEER


def test_the_members_of_a_list_field_are_read_across_lines() -> None:
    assert tokens([(b"Connection", b" Upgrade ,,x"), (b"Y", b"y"), (b"connection", b"Z")], b"connection") == [
        b"upgrade",
        b"x",
        b"z",
    ]
