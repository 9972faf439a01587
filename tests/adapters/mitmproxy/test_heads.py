"""Heads between mitmproxy, the origin and us: what is answered 400, what goes on, what comes back."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.test.tutils import treq

from optout.adapters.forwarding import Visit
from optout.adapters.mitmproxy.heads import answer_of, destination_of, fields_of, http_version, lacking, onward
from optout.messages import UNKNOWN_CLIENT, Destination, Fields, Response

HOST = (b"Host", b"site.example")
Pairs = tuple[tuple[bytes, bytes], ...]


def request(
    *items: tuple[bytes, bytes],
    path: bytes = b"/page",
    authority: bytes = b"",
    method: bytes = b"GET",
    version: bytes = b"HTTP/1.1",
) -> http.Request:
    return treq(headers=http.Headers(items), path=path, authority=authority, method=method, http_version=version)


def destination(asked: http.Request, *, is_http2: bool = False) -> Destination | None:
    return destination_of(asked, fields_of(asked.headers.fields), "http", is_http2=is_http2)


def goes_on(*items: tuple[bytes, bytes], is_proxy: bool = False, authority: bytes = b"") -> Pairs:
    asked = request(*items, authority=authority)
    visit = Visit(peer="203.0.113.9", is_proxy=is_proxy, client=UNKNOWN_CLIENT, scheme="http", host="site.example")
    return onward(asked, fields_of(asked.headers.fields), visit)


def values(items: Pairs, name: bytes) -> list[bytes]:
    return [value for key, value in items if key.lower() == name]


def test_an_ordinary_request_goes_where_host_says() -> None:
    assert destination(request((b"Host", b"Site.Example:80"), path=b"/a?b")) == Destination(
        authority="site.example", target="/a?b"
    )


@pytest.mark.parametrize(
    "items",
    [
        (HOST, HOST),
        (HOST, (b"host", b"other.example")),
        ((b"Host", b""),),
        ((b"Host", b"site.example/path"),),
        ((b"Host", b"user@site.example"),),
        (),
    ],
)
def test_a_request_that_names_no_host_or_two_is_answered_400(items: Pairs) -> None:
    assert destination(request(*items)) is None


def test_http_1_0_needs_no_host() -> None:
    assert destination(request(version=b"HTTP/1.0")) == Destination(authority="", target="/page")


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/3", b"HTTP/1.2", b"HTTP/0.9"])
def test_a_version_that_the_connection_does_not_speak_is_answered_400(version: bytes) -> None:
    assert destination(request(HOST, version=version)) is None


def test_an_absolute_form_must_name_the_same_host() -> None:
    assert destination(request(HOST, authority=b"site.example:80")) == Destination(
        authority="site.example", target="/page"
    )
    assert destination(request(HOST, authority=b"other.example")) is None
    assert destination(request(authority=b"site.example")) is None, "RFC 9112 section 3.2: Host is a must"


def test_http_2_names_its_host_in_authority() -> None:
    def asked(*items: tuple[bytes, bytes], authority: bytes) -> Destination | None:
        return destination(request(*items, authority=authority, version=b"HTTP/2.0"), is_http2=True)

    assert asked(authority=b"site.example") == Destination(authority="site.example", target="/page")
    assert asked(HOST, authority=b"") == Destination(authority="site.example", target="/page")
    assert asked(HOST, authority=b"other.example") is None
    assert asked(authority=b"site.example/x") is None
    assert asked(authority=b"") is None


@pytest.mark.parametrize(
    ("items", "path", "method"),
    [
        ((HOST, (b"X", b"a\r\nY: b")), b"/", b"GET"),
        ((HOST, (b"X", b"a\r\n folded")), b"/", b"GET"),
        ((HOST, (b"X", b"a\rb")), b"/", b"GET"),
        ((HOST, (b"X", b"a\nb")), b"/", b"GET"),
        ((HOST, (b"X", b"a\0b")), b"/", b"GET"),
        ((HOST, (b"X\n", b"a")), b"/", b"GET"),
        ((HOST, (b"X: a\r\nY", b"b")), b"/", b"GET"),
        ((HOST,), b"/ HTTP/1.1\r\nHost: x\r\n\r\nGET /", b"GET"),
        ((HOST,), b"/a b", b"GET"),
        ((HOST,), b"http://site.example/", b"GET"),
        ((HOST,), b"relative", b"GET"),
        ((HOST,), b"", b"GET"),
        ((HOST,), b"/", b"GET /smuggled HTTP/1.1\r\nX:"),
        ((HOST, (b"Transfer-Encoding", b"gzip, chunked")), b"/", b"POST"),
        ((HOST, (b"Transfer-Encoding", b"identity")), b"/", b"POST"),
    ],
)
def test_what_http_1_cannot_carry_is_answered_400(items: Pairs, path: bytes, method: bytes) -> None:
    """Smuggling, peers.md part 7: each of these would be two messages to an origin, or to half of them."""
    assert destination(request(*items, path=path, method=method)) is None


# Letters that are harmless, and those that end a word, a line or a field.
OCTETS = st.text("abcdefghijklm-_:;/%, \t\r\n\0", max_size=5).map(str.encode)
NAMES = st.sampled_from((b"X", b"Connection", b"Upgrade", b"X_Forwarded_For", b"Transfer-Encoding", b"TE")) | OCTETS


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(st.tuples(NAMES, OCTETS), max_size=3), OCTETS, st.just(b"GET") | OCTETS, st.booleans())
def test_whatever_a_stranger_sends_is_answered_400_or_goes_on_as_one_request(
    items: list[tuple[bytes, bytes]], path: bytes, method: bytes, is_http2: bool
) -> None:
    version = b"HTTP/2.0" if is_http2 else b"HTTP/1.1"
    asked = request(HOST, *items, path=b"/" + path, method=method, version=version)
    assume(destination(asked, is_http2=is_http2) is not None)
    visit = Visit(peer="203.0.113.9", is_proxy=False, client=UNKNOWN_CLIENT, scheme="http", host="h")
    sent = onward(asked, fields_of(asked.headers.fields), visit)
    assert not any(set(b"\r\n\0") & set(name + value) or set(b" \t") & set(name) for name, value in sent)
    assert values(sent, b"host") == [b"site.example"]
    assert values(sent, b"transfer-encoding") in ([], [b"chunked"])
    assert values(sent, b"x-forwarded-for") == [b"203.0.113.9"]
    assert not set(b" \r\n\t\0") & set(path + method)


def test_fields_keep_their_order_their_case_and_their_octets() -> None:
    sent = goes_on(HOST, (b"ACCEPT", b"*/*"), (b"Cookie", b"a=\xff\xfe"), (b"X-B", b"1"), (b"X-B", b"2"))
    assert sent[:5] == (HOST, (b"ACCEPT", b"*/*"), (b"Cookie", b"a=\xff\xfe"), (b"X-B", b"1"), (b"X-B", b"2"))


def test_a_stranger_cannot_say_where_he_comes_from() -> None:
    forged = (
        (b"X-Forwarded-For", b"6.6.6.6"),
        (b"X_Forwarded_For", b"6.6.6.6"),
        (b"Forwarded", b"for=6.6.6.6"),
        (b"X-Real-IP", b"6.6.6.6"),
        (b"x_real_ip", b"6.6.6.6"),
        (b"CF-Connecting-IP", b"6.6.6.6"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"evil.example"),
    )
    sent = goes_on(HOST, *forged)
    assert not any(b"6.6.6.6" in value or value in (b"https", b"evil.example") for _, value in sent)
    assert values(sent, b"x-forwarded-for") == [b"203.0.113.9"]
    assert values(sent, b"x-forwarded-proto") == [b"http"]
    assert values(sent, b"x-forwarded-host") == [b"site.example"]


def test_a_trusted_proxy_is_believed_and_appended() -> None:
    sent = goes_on(HOST, (b"X-Forwarded-For", b"198.51.100.7"), is_proxy=True)
    assert values(sent, b"x-forwarded-for") == [b"198.51.100.7, 203.0.113.9"]


def test_connection_takes_away_what_it_names_and_nothing_that_frames_the_message() -> None:
    sent = goes_on(
        HOST, (b"Content-Length", b"3"), (b"X-Secret", b"1"), (b"Connection", b"close, x-secret, host, content-length")
    )
    assert values(sent, b"x-secret") == []
    assert values(sent, b"host") == [b"site.example"]
    assert values(sent, b"content-length") == [b"3"]
    assert values(sent, b"connection") == [b"close"]


@pytest.mark.parametrize("upgrade", [b"h2c", b"H2C", b"TLS/1.0", b"h2c, foo"])
def test_only_websocket_is_an_upgrade(upgrade: bytes) -> None:
    sent = goes_on(HOST, (b"Upgrade", upgrade), (b"HTTP2-Settings", b"AA"), (b"Connection", b"Upgrade, HTTP2-Settings"))
    assert values(sent, b"upgrade") == values(sent, b"http2-settings") == values(sent, b"connection") == []
    sent = goes_on(HOST, (b"Upgrade", b"WebSocket"), (b"Connection", b"keep-alive, Upgrade"))
    assert values(sent, b"upgrade") == [b"websocket"]
    assert values(sent, b"connection") == [b"Upgrade"]


def test_what_mitmproxy_goes_by_stays() -> None:
    sent = goes_on(HOST, (b"Expect", b"100-continue"), (b"Transfer-Encoding", b"chunked"), (b"TE", b"trailers"))
    assert values(sent, b"expect") == [b"100-continue"]
    assert values(sent, b"transfer-encoding") == [b"chunked"]
    assert values(sent, b"te") == [], "mitmproxy cannot read the trailers that it asks for"


def test_a_host_named_only_in_the_target_becomes_a_field() -> None:
    assert goes_on(authority=b"site.example")[0] == HOST


def test_an_answer_keeps_status_fields_and_body() -> None:
    fields = Fields((("Content-Type", "text/plain"), ("Content-Length", "4"), ("Link", "<a>"), ("Link", "<b>")))
    answer = answer_of(Response(status=402, fields=fields, body=b"body"), is_head=False)
    assert (answer.status_code, answer.reason, answer.raw_content) == (402, "Payment Required", b"body")
    assert fields_of(answer.headers.fields) == fields
    head = answer_of(Response(status=402, fields=fields, body=b"body"), is_head=True)
    assert (head.raw_content, head.headers["content-length"]) == (b"", "4")
    assert answer_of(Response(status=599, fields=fields, body=b""), is_head=False).reason == ""


def test_the_origins_own_declaration_counts_and_links_add_up() -> None:
    declared = Fields((("tdm-reservation", "1"), ("tdm-policy", "/p"), ("Link", "<l>"), ("Link", "<m>")))
    headers = http.Headers([(b"TDM-Reservation", b"0"), (b"Link", b"<other>"), (b"Link", b"<m>")])
    assert lacking(declared, headers) == ((b"tdm-policy", b"/p"), (b"Link", b"<l>"))


@pytest.mark.parametrize(("said", "recorded"), [(b"HTTP/1.1", "1.1"), (b"HTTP/1.0", "1.0"), (b"HTTP/2.0", "2")])
def test_versions_are_recorded_as_opentelemetry_names_them(said: bytes, recorded: str) -> None:
    assert http_version(request(version=said)) == recorded
