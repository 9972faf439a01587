"""What the origin answers reaches the visitor as it came, and what is not whole does not pass for it."""

from __future__ import annotations

import asyncio
import gzip
import re
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.gateway.answers import (
    AnswerHead,
    Body,
    Manner,
    framing_of,
    head_for_visitor,
    own_answer,
    plain,
    sort_answer,
)
from optout.messages import Fields
from tests.doors.raw_origin import RawOrigin, Seen
from tests.gateways import gateway, saying
from tests.judge import leaves
from tests.served import ask, connected

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    """An origin whose answers a test may set."""
    with RawOrigin() as running:
        yield running


@pytest.fixture
async def port(origin: RawOrigin, tmp_path: Path) -> AsyncIterator[int]:
    """A gateway before it."""
    async with gateway(tmp_path, f"http://127.0.0.1:{origin.port}") as port:
        yield port


async def test_a_response_reaches_the_visitor_as_it_came(origin: RawOrigin, port: int) -> None:
    origin.answers[b"/x"] = saying(
        b"HTTP/1.1 299 Odd But True\r\nset-COOKIE: a=1\r\nX-One: 1\r\nSet-Cookie: b=2\r\nServer: Own/1\r\n"
        b"Date: Mon, 01 Jan 2001 00:00:00 GMT\r\nX-Utf8: \xc3\xa9\r\nContent-Length: 2\r\n"
        b"Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\r\nok"
    )
    answer = await ask(port, "/x")
    assert answer.body == b"ok"
    assert answer.head.split(b"\r\n") == [
        b"HTTP/1.1 299 Odd But True",
        b"set-COOKIE: a=1",
        b"X-One: 1",
        b"Set-Cookie: b=2",
        b"Server: Own/1",
        b"Date: Mon, 01 Jan 2001 00:00:00 GMT",
        b"X-Utf8: \xc3\xa9",
        b"Content-Length: 2",
        b"Connection: close",
        b"tdm-reservation: 1",
        b"tdm-policy: https://site.example/tdm.json",
    ]


async def test_nothing_is_guessed_about_a_response(origin: RawOrigin, port: int) -> None:
    origin.answers[b"/x"] = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    answer = await ask(port, "/x")
    assert (answer.first("content-type"), answer.first("server")) == (None, None)
    assert answer.first("date")  # RFC 9110 section 6.6.1: a recipient adds it


async def test_octets_that_are_no_utf8_go_on_as_they_came(origin: RawOrigin, port: int) -> None:
    origin.answers[b"/x"] = saying(b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 0\r\n\r\n")
    async with connected(port) as raw:
        await raw.send(b"GET /x HTTP/1.1\r\nHost: site.example\r\nX-Name: caf\xe9\r\n\r\n")
        assert b"X-Name: caf\xe9\r\n" in (await raw.answer()).head + b"\r\n"
    assert origin.heads[0].all(b"x-name") == [b"caf\xe9"]


@pytest.mark.parametrize(
    ("octets", "then_close"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
            b"4\r\n0123\r\n6;x\r\n456789\r\n0\r\nX-T: 1\r\n\r\n",
            False,
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n0123456789", True),
        (b"HTTP/1.0 200 OK\r\n\r\n0123456789", True),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
            False,
        ),
    ],
)
async def test_a_body_comes_through_whatever_its_framing(
    origin: RawOrigin, port: int, octets: bytes, then_close: bool
) -> None:
    origin.answers[b"/x"] = saying(octets, then_close=then_close)
    answer = await ask(port, "/x")
    assert (answer.status, answer.body, answer.first("x-t"), answer.first("trailer")) == (
        200,
        b"0123456789",
        None,
        None,
    )


async def test_a_compressed_body_is_not_touched(origin: RawOrigin, port: int) -> None:
    packed = gzip.compress(b"words " * 100)
    head = b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: W/"x"\r\nContent-Length: %d\r\n\r\n' % len(packed)
    origin.answers[b"/x"] = saying(head + packed)
    answer = await ask(port, "/x")
    assert (answer.body, answer.first("content-encoding"), answer.first("etag")) == (packed, "gzip", 'W/"x"')


@pytest.mark.parametrize(
    ("method", "octets", "length"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", "1234"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", None),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', None),
    ],
)
async def test_a_response_without_a_body_leaves_the_connection_in_order(
    origin: RawOrigin, port: int, method: str, octets: bytes, length: str | None
) -> None:
    origin.answers[b"/x"] = saying(octets)
    async with connected(port) as raw:
        for _ in range(3):
            await raw.send(f"{method} /x HTTP/1.1\r\nHost: site.example\r\n\r\n".encode())
            answer = await raw.answer(method)
            assert answer.head.split(b"\r\n")[0] == octets.split(b"\r\n")[0]
            assert answer.first("content-length") == length
            assert answer.first("transfer-encoding") is None
    assert origin.connections == 3  # two for the documents, and one that was kept for all three


async def test_ranges_are_the_origin_s_business(origin: RawOrigin, port: int) -> None:
    origin.answers[b"/x"] = saying(
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/9\r\nContent-Length: 2\r\n\r\n23"
    )
    answer = await ask(port, "/x", more='Range: bytes=2-3\r\nIf-Range: "x"\r\n')
    assert (answer.status, answer.body, answer.first("content-range")) == (206, b"23", "bytes 2-3/9")
    assert origin.heads[0].all(b"range") == [b"bytes=2-3"]
    assert origin.heads[0].all(b"if-range") == [b'"x"']


async def test_a_redirect_is_passed_on_and_not_followed(origin: RawOrigin, port: int) -> None:
    origin.answers[b"/x"] = saying(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/y\r\nContent-Length: 0\r\n\r\n")
    answer = await ask(port, "/x")
    assert (answer.status, answer.first("location")) == (302, "http://127.0.0.1:1/y")
    assert len(origin.heads) == 1


async def test_long_fields_of_the_origin_are_no_fault(origin: RawOrigin, port: int) -> None:
    many = b"".join(b"Set-Cookie: c%d=%s\r\n" % (number, b"x" * 200) for number in range(200))
    csp = b"Content-Security-Policy: " + b"y" * 30_000 + b"\r\n"
    origin.answers[b"/x"] = saying(b"HTTP/1.1 200 OK\r\n" + many + csp + b"Content-Length: 0\r\n\r\n")
    answer = await ask(port, "/x")
    assert (answer.status, len(answer.all("set-cookie")), len(answer.first("content-security-policy") or "")) == (
        200,
        200,
        30_000,
    )


async def test_a_client_of_http_1_0_gets_the_body_and_the_end(origin: RawOrigin, port: int) -> None:
    origin.answers[b"/x"] = saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    async with connected(port) as raw:
        await raw.send(b"GET /x HTTP/1.0\r\n\r\n")
        answer = await raw.answer()
    assert (answer.body, answer.first("transfer-encoding")) == (b"ok", None)


async def test_events_arrive_one_by_one_while_the_stream_is_open(origin: RawOrigin, port: int) -> None:
    go_on, ended = asyncio.Event(), asyncio.Event()
    here = asyncio.get_running_loop()

    async def events(_seen: Seen, reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            writer.write(b"8\r\ndata: %d\n\r\n" % number)
            await writer.drain()
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go_on.wait(), here))
            here.call_soon_threadsafe(go_on.clear)
        await reader.read()  # until the gateway closes, because the visitor has gone
        here.call_soon_threadsafe(ended.set)
        raise ConnectionResetError

    origin.answers[b"/events"] = events
    async with connected(port) as raw:
        await raw.send(b"GET /events HTTP/1.1\r\nHost: site.example\r\n\r\n")
        await raw.reader.readuntil(b"\r\n\r\n")
        for number in range(3):
            assert await raw.reader.readuntil(b"\n\r\n") == b"8\r\ndata: %d\n\r\n" % number
            go_on.set()
        raw.writer.close()
        await ended.wait()


@pytest.mark.parametrize(
    ("head", "then"),
    [
        (b"Content-Length: 10\r\n\r\n0123", b"4"),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n", b"zz"),
    ],
)
async def test_an_answer_that_breaks_off_does_not_pass_for_a_whole_one(
    origin: RawOrigin, port: int, tmp_path: Path, head: bytes, then: bytes
) -> None:
    go_on = threading.Event()

    async def answer(_seen: Seen, _reader: Reader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + head)
        await asyncio.to_thread(go_on.wait)
        writer.write(then)
        await writer.drain()
        writer.close()

    origin.answers[b"/x"] = answer
    async with connected(port) as raw:
        await raw.send(b"GET /x HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
        await raw.reader.readuntil(b"0123")
        go_on.set()
        rest = await raw.rest()
    assert not rest.endswith(b"0\r\n\r\n")
    assert len(rest) < 6
    while not (ended := [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.outcome"]):
        await asyncio.sleep(0.01)
    assert [(leaf["http.response.status_code"], leaf["outcome.aborted"]) for leaf in ended] == [(200, True)]


# The head alone


def head(status: int = 200, *fields: tuple[bytes, bytes], reason: bytes = b"OK") -> AnswerHead:
    """A head of the origin's."""
    return sort_answer(status, reason, list(fields))


def told(
    answer: AnswerHead, *, is_head: bool = False, is_old: bool = False, closes: bool = False, **more: Fields
) -> bytes:
    """What the visitor gets of it."""
    manner = Manner(is_head, is_old, closes)
    given = {"ours": Fields(), "declared": Fields(), **more}
    return head_for_visitor(answer, manner, framing_of(answer, manner), **given)


LENGTH = (b"Content-Length", b"5")


@pytest.mark.parametrize(
    ("answer", "manner", "framing"),
    [
        (head(200, LENGTH), Manner(False, False, False), Body.LENGTH),
        (head(200, LENGTH), Manner(False, True, False), Body.LENGTH),
        (head(200, LENGTH), Manner(True, False, False), Body.NONE),
        (head(204), Manner(False, False, False), Body.NONE),
        (head(304, LENGTH), Manner(False, False, False), Body.NONE),
        (head(200), Manner(False, False, False), Body.CHUNKS),
        (head(200, (b"Transfer-Encoding", b"chunked")), Manner(False, False, False), Body.CHUNKS),
        (head(200), Manner(False, True, False), Body.UNTIL_CLOSE),
    ],
)
def test_a_body_has_one_framing(answer: AnswerHead, manner: Manner, framing: Body) -> None:
    assert framing_of(answer, manner) is framing
    found = head_for_visitor(answer, manner, framing, ours=Fields(), declared=Fields()).lower()
    assert found.count(b"transfer-encoding: chunked\r\n") == (framing is Body.CHUNKS)
    assert found.count(b"content-length:") <= (framing is not Body.CHUNKS)


@pytest.mark.parametrize(
    ("coding", "is_readable", "is_framed"),
    [
        (b"chunked", True, True),
        (b"Chunked", True, True),
        (b"identity", True, False),
        (b"gzip, chunked", False, False),
        (b"gzip", False, False),
    ],
)
def test_only_codings_that_are_undone_here_can_be_read(coding: bytes, is_readable: bool, is_framed: bool) -> None:
    answer = head(200, (b"transfer-encoding", coding))
    assert (answer.is_readable, answer.is_framed) == (is_readable, is_framed)


def test_the_connection_is_said_to_end_or_to_an_old_client_to_go_on() -> None:
    assert b"\r\nConnection: close\r\n" in told(head(200, LENGTH), closes=True)
    assert b"\r\nConnection: keep-alive\r\n" in told(head(200, LENGTH), is_old=True)
    assert b"Connection" not in told(head(200, LENGTH, (b"Connection", b"x"), (b"X", b"1"), (b"Keep-Alive", b"5")))


def test_a_date_is_added_where_there_is_none_and_no_second_one() -> None:
    assert told(head(200, LENGTH)).count(b"\r\nDate: ") == 1
    assert told(head(200, LENGTH, (b"date", b"x"))).lower().count(b"\r\ndate: ") == 1


def test_no_content_has_no_length() -> None:
    assert b"Length" not in told(head(204, (b"Content-Length", b"0")))


def test_the_origin_s_own_declaration_counts_and_a_link_is_one_of_many() -> None:
    declared = Fields((("tdm-reservation", "1"), ("Link", "<a>")))
    found = told(head(200, LENGTH, (b"TDM-Reservation", b"0"), (b"link", b"<b>")), declared=declared)
    assert b"\r\nLink: <a>\r\n" in found
    assert b"tdm-reservation: 1" not in found
    assert told(head(200, LENGTH, (b"link", b"<a>")), declared=declared).lower().count(b"link: <a>") == 1
    assert b"\r\ntdm-reservation: 1\r\n" in told(head(200, LENGTH), declared=declared)


def test_ours_replace_the_origin_s() -> None:
    found = told(head(200, LENGTH, (b"cache-control", b"public")), ours=Fields((("Cache-Control", "private"),)))
    assert b"public" not in found
    assert b"\r\nCache-Control: private\r\n" in found


@pytest.mark.parametrize("text", ["a\r\nX: b", "a\nb", "a\rb", "a\0b", "a\x1bb"])
def test_a_document_of_the_origin_s_cannot_put_a_second_answer_into_one(text: str) -> None:
    found = told(head(200, LENGTH), declared=Fields((("tdm-policy", text), ("tdm-reservation", "1"))))
    assert b"tdm-policy" not in found
    assert b"\r\ntdm-reservation: 1\r\n" in found


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    [
        (200, b"Fine", b"HTTP/1.1 200 Fine"),
        (200, b"", b"HTTP/1.1 200 OK"),
        (299, b"", b"HTTP/1.1 299 "),
        (404, b"Not\x1b[31m", b"HTTP/1.1 404 Not Found"),
        (200, b"x" * 5000, b"HTTP/1.1 200 " + b"x" * 200),
    ],
)
def test_the_reason_is_a_line_that_a_terminal_bears(status: int, reason: bytes, line: bytes) -> None:
    assert told(head(status, reason=reason)).split(b"\r\n")[0] == line


# What llhttp lets into a field's value.
VALUES = st.binary(max_size=30).map(lambda value: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", value))
NAMES = st.sampled_from([b"X", b"Connection", b"Content-Length", b"Transfer-Encoding", b"Set-Cookie", b"date"])


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.integers(100, 599), VALUES, st.booleans(), st.booleans())
def test_one_head_goes_out_whatever_the_origin_says(
    fields: list[tuple[bytes, bytes]], status: int, reason: bytes, is_head: bool, is_old: bool
) -> None:
    found = told(head(status, *fields, reason=reason), is_head=is_head, is_old=is_old)
    assert found.endswith(b"\r\n\r\n")
    assert found.count(b"\r\n\r\n") == 1
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n", found)


def test_an_answer_of_our_own_is_whole_and_head_gets_its_head() -> None:
    response = plain(502, "Words.", Fields((("tdm-reservation", "1"),)))
    found = own_answer(response, Manner(False, False, False))
    assert found.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert found.endswith(b"\r\n\r\nWords.\n")
    for line in (b"Content-Length: 7", b"Cache-Control: no-store", b"tdm-reservation: 1"):
        assert b"\r\n%b\r\n" % line in found
    only_head = own_answer(response, Manner(True, False, True))
    assert only_head.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Length: 7\r\n" in only_head
    assert b"\r\nConnection: close\r\n" in only_head
