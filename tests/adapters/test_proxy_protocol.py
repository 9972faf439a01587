"""The PROXY protocol as its specification has it: which headers are read, and that nothing else passes for one."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.proxy_protocol import Header, Malformed, parse_proxy_header

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
IPV4 = socket.inet_pton(socket.AF_INET, "192.0.2.7") + socket.inet_pton(socket.AF_INET, "192.0.2.1") + b"\x10\x00\x00P"
IPV6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + bytes(4)
MAPPED = socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.7") + bytes(20)


def v2(command: int, family: int, body: bytes) -> bytes:
    """A header of version 2."""
    return SIGNATURE + bytes((command, family)) + struct.pack(">H", len(body)) + body


def vector(kind: int, value: bytes) -> bytes:
    """One of its type-length-value vectors."""
    return bytes((kind,)) + struct.pack(">H", len(value)) + value


READ = {
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 80\r\n": ("192.0.2.7", False),
    b"PROXY TCP6 2001:DB8::7 2001:db8::1 40000 80\r\n": ("2001:db8::7", False),
    b"PROXY UNKNOWN\r\n": ("", False),
    b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n": ("", False),
    b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 40000 80\r\n": ("192.0.2.7", False),
    v2(0x21, 0x11, IPV4): ("192.0.2.7", False),
    v2(0x21, 0x21, IPV6): ("2001:db8::7", False),
    v2(0x21, 0x21, MAPPED): ("192.0.2.7", False),
    v2(0x21, 0x11, IPV4 + vector(0x01, b"h2") + vector(0x04, b"")): ("192.0.2.7", False),
    v2(0x21, 0x11, IPV4 + vector(0x20, b"\x01" + bytes(4) + vector(0x21, b"TLSv1.3"))): ("192.0.2.7", True),
    v2(0x21, 0x11, IPV4 + vector(0x20, b"\x00" + bytes(4))): ("192.0.2.7", False),
    v2(0x20, 0x00, b""): (None, False),  # the proxy's own health check
    v2(0x20, 0x11, IPV4): (None, False),
    v2(0x21, 0x00, b"whatever"): ("", False),
    v2(0x21, 0x12, IPV4): ("", False),
    v2(0x21, 0x31, bytes(216)): ("", False),
}


@pytest.mark.parametrize("header", READ)
def test_a_header_is_read_to_its_end_and_no_further(header: bytes) -> None:
    address, is_tls = READ[header]
    assert parse_proxy_header(header) == Header(len(header), address, is_tls)
    assert parse_proxy_header(header + b"GET / HTTP/1.1\r\n\r\n") == Header(len(header), address, is_tls)


@pytest.mark.parametrize("header", READ)
def test_a_header_may_come_octet_by_octet(header: bytes) -> None:
    for length in range(len(header)):
        assert parse_proxy_header(header[:length]) is None


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
        b"proxy TCP4 192.0.2.7 192.0.2.1 40000 80\r\n",
        b" PROXY TCP4 192.0.2.7 192.0.2.1 40000 80\r\n",
        b"PROXY  TCP4 192.0.2.7 192.0.2.1 40000 80\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 80\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 80 \r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 70000\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 80\r\n",
        b"PROXY TCP6 192.0.2.7 192.0.2.1 40000 80\r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.1 40000 80\r\n",
        b"PROXY TCP4 192.0.2.7%eth0 192.0.2.1 40000 80\r\n",
        b"PROXY TCP4 unknown 192.0.2.1 40000 80\r\n",
        b"PROXY UDP4 192.0.2.7 192.0.2.1 40000 80\r\n",
        b"PROXY UNKNOWN \x00\r\n",
        b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
        b"PROXY TCP4 " + b"1" * 200,
        v2(0x11, 0x11, IPV4),
        v2(0x22, 0x11, IPV4),
        v2(0x21, 0x41, IPV4),
        v2(0x21, 0x11, IPV4[:-1]),
        v2(0x21, 0x21, IPV4),
        v2(0x21, 0x11, IPV4 + b"\x01\x00\x05ab"),
        v2(0x21, 0x11, IPV4 + b"\x01\x00"),
        v2(0x21, 0x11, bytes(5000)),
        SIGNATURE[:-1] + b"X",
    ],
)
def test_what_is_almost_a_header_is_none(octets: bytes) -> None:
    assert parse_proxy_header(octets) == Malformed()


@given(
    st.binary(max_size=64)
    | st.binary(max_size=300).map(SIGNATURE.__add__)
    | st.binary(max_size=120).map(b"PROXY ".__add__)
)
def test_no_octets_raise_and_a_header_is_never_longer_than_what_came(octets: bytes) -> None:
    found = parse_proxy_header(octets)
    assert not isinstance(found, Header) or found.size <= len(octets)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_follows_changes_nothing_about_a_header(start: bytes, more: bytes) -> None:
    found = parse_proxy_header(SIGNATURE + start)
    if found is not None:
        assert parse_proxy_header(SIGNATURE + start + more) == found


def test_a_header_that_never_ends_is_given_up_after_its_bound() -> None:
    """Work and memory are bounded by the octets that are kept, and few are."""
    assert parse_proxy_header(b"PROXY UNKNOWN " + b"x" * 90) is None
    assert parse_proxy_header(b"PROXY UNKNOWN " + b"x" * 93) == Malformed()
    assert parse_proxy_header(v2(0x21, 0x11, bytes(4097))[:16]) == Malformed()
