"""Bodies on their way: framed as their head said, once each, and counted."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.gateway.answers import Manner, sort_answer
from optout.adapters.gateway.heads import Asked
from optout.adapters.gateway.relay import Download, Upload
from optout.engine import NO_FIELDS

PARTS = st.lists(st.binary(min_size=1, max_size=20), max_size=6)
HTTP_1_1 = Manner(is_head=False, is_old=False, closes=False)


def unchunked(octets: bytes) -> bytes:
    """The content of a whole body in chunks."""
    content = b""
    while True:
        size, _, octets = octets.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            assert octets == b"\r\n"
            return content
        content += octets[:length]
        assert octets[length : length + 2] == b"\r\n"
        octets = octets[length + 2 :]


@given(PARTS, st.booleans())
def test_an_upload_arrives_as_it_came_in_the_framing_it_came_in(parts: list[bytes], is_chunked: bool) -> None:
    asked = Asked(b"POST", b"/", [], "1.1", keeps_open=True)
    upload, sent = Upload(asked, is_chunked=is_chunked), b""
    assert not upload.has_begun
    for part in parts:
        asked.body.append(part)
        assert upload.is_waiting
        sent += upload.take()
        assert not upload.is_waiting
        assert not upload.is_done
    asked.is_whole = True
    sent += upload.take()
    assert upload.is_done
    assert upload.has_begun
    assert (unchunked(sent) if is_chunked else sent) == b"".join(parts)


def begun(*fields: tuple[bytes, bytes], status: int = 200, manner: Manner = HTTP_1_1) -> Download:
    """A download of which the head has come."""
    download = Download()
    download.begin(sort_answer(status, b"", list(fields)), manner, ours=NO_FIELDS, declared=NO_FIELDS)
    return download


@given(PARTS)
def test_a_download_is_framed_anew_and_counted(parts: list[bytes]) -> None:
    download, octets = begun(), b""
    assert download.status is None
    octets += download.take(is_whole=False)
    assert download.status == 200
    for part in parts:
        download.add(part)
        octets += download.take(is_whole=False)
    octets += download.take(is_whole=True)
    assert unchunked(octets.partition(b"\r\n\r\n")[2]) == b"".join(parts)
    assert download.sent == sum(map(len, parts))
    assert not download.ends_with_connection


def test_nothing_is_sent_before_the_head() -> None:
    download = Download()
    assert download.take(is_whole=False) == b""
    assert download.status is None


@pytest.mark.parametrize("status", [204, 304])
def test_where_there_is_no_body_none_is_sent(status: int) -> None:
    download = begun(status=status)
    assert download.take(is_whole=True).endswith(b"\r\n\r\n")


def test_to_an_old_client_the_end_of_the_connection_is_the_end() -> None:
    download = Download()
    old = Manner(is_head=False, is_old=True, closes=False)
    assert download.begin(sort_answer(200, b"", []), old, ours=NO_FIELDS, declared=NO_FIELDS).closes
    download.add(b"abc")
    assert download.take(is_whole=True).endswith(b"\r\n\r\nabc")
    assert download.ends_with_connection


def test_an_event_stream_may_be_silent() -> None:
    assert begun((b"Content-Type", b"Text/Event-Stream; charset=utf-8")).is_patient
    assert not begun((b"Content-Type", b"text/html")).is_patient


def test_another_answer_takes_the_place_of_one_that_has_not_gone_out() -> None:
    download = begun()
    download.add(b"abc")
    download.served = hashlib.sha256()
    download.replace(502, b"instead")
    assert (download.status, download.sent, download.served) == (502, 7, None)
    assert download.take(is_whole=False) == b""


def test_an_answer_of_ours_alone_is_hashed_as_it_went_out() -> None:
    download = Download()
    download.served = hashlib.sha256()
    download.replace(200, b"ours")
    ending = download.ending(0, aborted=False)
    assert ending.served is not None
    assert (ending.body_bytes, ending.served.hexdigest()) == (4, hashlib.sha256(b"ours").hexdigest())


def test_what_was_not_taken_does_not_count_as_sent() -> None:
    download = begun()
    download.add(b"abc")
    download.take(is_whole=False)
    download.add(b"hello")
    assert download.sent == 3
