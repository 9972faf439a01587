"""The head of a request as the origin gets it: one request, one framing, one host, and the truth about the visitor."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.client_address import NO_PROXIES, TrustedProxies, load_trusted_proxies
from optout.adapters.forwarding import Items
from optout.adapters.gateway.heads import Asked, sort_fields
from optout.adapters.gateway.onward import Peer, head_for_origin
from optout.messages import AddressSource

HOST = (b"Host", b"Site.Example")
PROXIES = load_trusted_proxies(["10.0.0.0/8"])


def peer(address: str | None = "192.0.2.7", *, scheme: str = "http", trusted: TrustedProxies = NO_PROXIES) -> Peer:
    """Who connected."""
    return Peer(address, scheme=scheme, trusted=trusted, mark="secret")


def sent(
    *fields: tuple[bytes, bytes],
    of: Peer | None = None,
    target: bytes = b"/a",
    method: bytes = b"GET",
    is_websocket: bool = False,
) -> bytes:
    """The head for the origin."""
    asked = Asked(method, target, list(fields), "1.1", keeps_open=True)
    head = sort_fields(asked.fields)
    return head_for_origin(asked, head, of or peer(), own_host=b"127.0.0.1:8000", is_websocket=is_websocket)


ABOUT = (
    b"X-Forwarded-Proto: http\r\nX-Forwarded-Host: Site.Example\r\nX-Forwarded-For: 192.0.2.7\r\n"
    b"X-Real-IP: 192.0.2.7\r\nOptout-Loop: secret\r\n"
)


def test_a_stranger_s_request_goes_on_with_the_truth_about_the_stranger() -> None:
    fields = (HOST, (b"X-Forwarded-For", b"6.6.6.6"), (b"Accept", b"*/*"), (b"Connection", b"close"))
    assert sent(*fields) == b"GET /a HTTP/1.1\r\nHost: Site.Example\r\nAccept: */*\r\n" + ABOUT + b"\r\n"


def test_what_follows_from_who_connected_is_made_once_for_a_host() -> None:
    visitor = peer()
    assert visitor.lines(b"Site.Example") is visitor.lines(b"Site.Example")
    assert b"X-Forwarded-Host: other.example\r\n" in visitor.lines(b"other.example")
    assert b"X-Forwarded-Host: Site.Example\r\n" in visitor.lines(b"Site.Example")


def test_the_same_fields_are_sorted_once_and_idle_connections_keep_few() -> None:
    visitor = peer()
    assert visitor.head_of([HOST]) is visitor.head_of([HOST])
    assert visitor.head_of([HOST, HOST]) is not visitor.head_of([HOST])
    long = [HOST, (b"X", b"y" * 5000)]
    assert visitor.head_of(long) is not visitor.head_of(long)


def test_a_trusted_proxy_s_chain_is_continued() -> None:
    fields = (HOST, (b"X-Forwarded-For", b"8.8.8.8"), (b"X-Forwarded-Proto", b"https"))
    proxy = peer("10.0.0.1", trusted=PROXIES)
    found = sent(*fields, of=proxy)
    assert b"\r\nX-Forwarded-For: 8.8.8.8, 10.0.0.1\r\n" in found
    assert b"\r\nX-Forwarded-Proto: https\r\n" in found
    assert b"\r\nX-Real-IP: 8.8.8.8\r\n" in found
    head = proxy.head_of(list(fields))
    assert proxy.scheme_of(head) == "https"
    assert (proxy.client_of(head).address, proxy.client_of(head).source) == ("8.8.8.8", AddressSource.FORWARDED)


def test_a_stranger_is_the_client_whatever_the_stranger_says() -> None:
    visitor = peer("8.8.4.4")
    head = visitor.head_of([HOST, (b"X-Forwarded-For", b"8.8.8.8"), (b"X-Forwarded-Proto", b"https")])
    assert visitor.client_of(head).address == "8.8.4.4"
    assert visitor.scheme_of(head) == "http"


def test_a_peer_on_a_unix_socket_has_no_address() -> None:
    assert b"X-Forwarded-For" not in sent(HOST, of=peer(None))


@pytest.mark.parametrize(
    ("target", "fields", "line", "host"),
    [
        (b"http://site.example/a?b#c", (HOST,), b"GET /a?b HTTP/1.1", b"Site.Example"),
        (b"http://site.example", (HOST,), b"GET / HTTP/1.1", b"Site.Example"),
        (b"http://named.example/a", (), b"GET /a HTTP/1.1", b"named.example"),
        (b"/a?#b", (), b"GET /a? HTTP/1.1", b"127.0.0.1:8000"),
        (b"//a/../b;c", (HOST,), b"GET //a/../b;c HTTP/1.1", b"Site.Example"),
    ],
)
def test_one_host_is_named_and_the_target_is_in_origin_form(
    target: bytes, fields: tuple[tuple[bytes, bytes], ...], line: bytes, host: bytes
) -> None:
    first, *rest = sent(*fields, target=target).split(b"\r\n")
    assert first == line
    assert [each for each in rest if each.lower().startswith(b"host:")] == [b"Host: " + host]


def test_one_framing_is_said_and_one_upgrade() -> None:
    chunked = sent(HOST, (b"transfer-encoding", b"CHUNKED"))
    assert chunked.lower().count(b"transfer-encoding: chunked\r\n") == 1
    length = sent(HOST, (b"Content-Length", b"5"))
    assert length.count(b"Content-Length: 5\r\n") == 1
    assert b"ransfer-" not in length
    upgrade = sent(HOST, (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), is_websocket=True)
    assert upgrade.endswith(b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert upgrade.lower().count(b"upgrade:") == 1
    assert b"pgrade" not in sent(HOST, (b"Connection", b"Upgrade"), (b"Upgrade", b"h2c"))


# What llhttp lets into a field's value and a target.
VALUES = st.binary(max_size=30).map(lambda value: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", value).strip(b" \t"))
NAMES = st.sampled_from([b"X", b"Connection", b"X-Forwarded-For", b"X-Forwarded-Host", b"Forwarded", b"TE", b"Expect"])


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), VALUES, st.booleans())
def test_whatever_is_in_the_fields_one_request_goes_on(fields: Items, host: bytes, is_proxy: bool) -> None:
    visitor = peer("10.0.0.1", trusted=PROXIES) if is_proxy else peer()
    found = sent((b"Host", host), *fields, of=visitor)
    head, end, rest = found.partition(b"\r\n\r\n")
    assert (end, rest) == (b"\r\n\r\n", b"")
    lines = head.split(b"\r\n")
    assert lines[0] == b"GET /a HTTP/1.1"
    assert all(re.match(rb"[A-Za-z-]+: [^\r\n\0]*\Z", line) for line in lines[1:])
    assert sum(line.startswith(b"Host:") for line in lines) == 1
    if not is_proxy:
        assert [line for line in lines if line.startswith(b"X-Forwarded-For")] == [b"X-Forwarded-For: 192.0.2.7"]
