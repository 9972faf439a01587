"""What the gateway reads in a request's head, what of it goes on, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.forwarding import Items, Visit, to_origin
from optout.adapters.gateway.heads import (
    Asked,
    Head,
    asks_for_websocket,
    expects_continue,
    fault_of,
    lines_of,
    sort_fields,
)
from optout.messages import UNKNOWN_CLIENT

HOST = (b"Host", b"site.example")
UPGRADE = [(b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"WebSocket")]


def asked(
    *fields: tuple[bytes, bytes], method: bytes = b"GET", target: bytes = b"/a", version: str = "1.1"
) -> tuple[Asked, Head]:
    """A request with these fields."""
    request = Asked(method, target, list(fields), version, keeps_open=True)
    return request, sort_fields(request.fields)


def status(*fields: tuple[bytes, bytes], **more: object) -> int | None:
    """The status by which it is refused."""
    fault = fault_of(*asked(*fields, **more))  # type: ignore[arg-type]
    return fault.status if fault else None


@pytest.mark.parametrize(
    ("fields", "more", "expected"),
    [
        ([HOST], {}, None),
        ([HOST], {"target": b"http://site.example/a"}, None),
        ([HOST], {"version": "1.0"}, None),
        ([], {"version": "1.0"}, None),
        ([], {}, 400),
        ([HOST, HOST], {}, 400),
        ([HOST, HOST], {"version": "1.0"}, 400),
        ([HOST, (b"USER-agent", b"a"), (b"User-Agent", b"b")], {}, 400),
        ([HOST], {"version": "2.0"}, 505),
        ([HOST], {"version": "0.9"}, 505),
        ([HOST], {"target": b"*", "method": b"OPTIONS"}, 404),
        ([HOST], {"method": b"SETUP", "version": "1.0"}, 400),
        ([HOST, (b"Transfer-Encoding", b"Chunked")], {}, None),
        ([HOST, (b"transfer-ENCODING", b"gzip, chunked")], {}, 501),
        ([HOST, (b"Transfer-Encoding", b"chunked")], {"version": "1.0"}, 400),
    ],
)
def test_what_two_servers_could_read_in_two_ways_is_refused(
    fields: list[tuple[bytes, bytes]], more: dict[str, object], expected: int | None
) -> None:
    assert status(*fields, **more) == expected


def test_all_user_agents_are_read_as_one() -> None:
    _, head = asked(HOST, (b"signature-agent", b'"a"'), (b"Signature-Agent", b'"b"'), (b"user-agent", b"x\xff"))
    assert head.user_agent == "x\udcff"
    assert head.signature_agent == '"a", "b"'
    assert head.hosts == ("site.example",)
    assert asked(HOST)[1].signature_agent is None


def test_a_websocket_is_asked_for_without_a_body() -> None:
    assert asks_for_websocket(*asked(HOST, *UPGRADE))
    for request in (
        asked(HOST, UPGRADE[1]),
        asked(HOST, UPGRADE[0]),
        asked(HOST, *UPGRADE, method=b"POST"),
        asked(HOST, *UPGRADE, version="1.0"),
        asked(HOST, *UPGRADE, (b"Content-Length", b"0")),
        asked(HOST, *UPGRADE, (b"Transfer-Encoding", b"chunked")),
        asked(HOST, *UPGRADE, (b"Upgrade", b"h2c")),
    ):
        assert not asks_for_websocket(*request)


def test_only_the_one_expectation_of_http_1_1_is_met() -> None:
    assert expects_continue(*asked(HOST, (b"expect", b"100-Continue")))
    assert not expects_continue(*asked(HOST, (b"Expect", b"100-continue"), version="1.0"))
    assert not expects_continue(*asked(HOST, (b"Expect", b"tea")))
    assert not expects_continue(*asked(HOST))


@pytest.mark.parametrize(
    ("field", "framing"),
    [((b"content-LENGTH", b"5"), (b"content-LENGTH", b"5")), ((b"TE", b"x"), None)],
)
def test_the_field_that_frames_a_body_is_found(field: tuple[bytes, bytes], framing: tuple[bytes, bytes] | None) -> None:
    request, head = asked(HOST, field)
    assert request.framing == framing
    assert head.has_body is (framing is not None)


NAMES = st.sampled_from(
    [
        b"Host",
        b"COOKIE",
        b"cookie",
        b"Connection",
        b"connection",
        b"X-One",
        b"x-one",
        b"X-Forwarded-For",
        b"X_Forwarded_For",
        b"Forwarded",
        b"X-Real-IP",
        b"Upgrade",
        b"TE",
        b"Keep-Alive",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Expect",
        b"Proxy-Authorization",
        b"Optout-Loop",
    ]
)
VALUES = st.sampled_from([b"1", b"close", b"keep-alive", b"x-one, cookie", b"Upgrade", b"host", b""]) | st.binary(
    max_size=9
)
STRANGER = Visit(peer=None, is_proxy=False, client=UNKNOWN_CLIENT, scheme="http", host="")


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_what_goes_on_of_a_stranger_s_fields_is_what_the_rules_of_forwarding_say(fields: Items) -> None:
    said = {b"X-Forwarded-Proto"}
    expected = [item for item in to_origin(fields, STRANGER) if item[0] not in said]
    onward = sort_fields(fields).onward
    is_framed = any(name.lower() == b"transfer-encoding" for name, _ in fields)
    if is_framed:  # llhttp lets no length by beside it
        onward = [item for item in onward if item[0].lower() != b"content-length"]
    assert onward == expected


def test_the_lines_and_the_text_of_a_head_are_made_once() -> None:
    _, head = asked(HOST, (b"X", b"\xff"), (b"Connection", b"close"))
    assert head.lines == b"Host: site.example\r\nX: \xff\r\n" == lines_of(head.onward)
    assert head.lines is head.lines
    assert head.text is head.text
    assert head.text.all("x") == ("\udcff",)
    assert head.text.all("connection") == ("close",)
