"""What two servers read in two ways goes no further than the mitmproxy door (peers.md part 7, request smuggling).

The three tables are the list in docs/doors/mitmproxy.md: who refuses what, on 11.0.2 and 12.2.3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.doors.http2_client import Http2
from tests.doors.mitmdump import GPTBOT, ROOT, Mitmdump, head_and_body, read_all, read_until, records, status
from tests.doors.raw_origin import RawOrigin


@pytest.fixture
def origin(raw_origin: RawOrigin) -> RawOrigin:
    raw_origin.heads.clear()
    return raw_origin


@pytest.fixture
def door(mitmdump: Mitmdump, origin: RawOrigin) -> Mitmdump:
    return mitmdump


HEAD = b"GET /a HTTP/1.1\r\n"
HOST = b"Host: a.example\r\n"
END = b"\r\n"
NOTHING = b"0\r\n\r\n"  # the end of a chunked body


def get(fields: bytes, line: bytes = b"GET /a HTTP/1.1") -> bytes:
    return line + b"\r\n" + HOST + fields + END


def post(fields: bytes, body: bytes, line: bytes = b"POST /a HTTP/1.1") -> bytes:
    return get(fields, line) + body


REFUSED_BY_THE_DOOR = {
    "two Hosts": get(b"Host: b.example\r\n"),
    "the same Host twice": get(HOST),
    "no Host": HEAD + b"Accept: */*\r\n" + END,
    "an empty Host": HEAD + b"Host:\r\n" + END,
    "a Host with a path": HEAD + b"Host: a.example/b\r\n" + END,
    "a Host with a user": HEAD + b"Host: u@a.example\r\n" + END,
    "an absolute-form for another host": get(b"", b"GET http://b.example/a HTTP/1.1"),
    "an absolute-form without Host": b"GET http://a.example/a HTTP/1.1\r\nAccept: */*\r\n" + END,
    "obs-fold": get(b"X: b\r\n c\r\n"),
    "a bare CR in a field": get(b"X: b\rY: c\r\n"),
    "NUL in a field": get(b"X: b\0c\r\n"),
    "a transfer coding besides chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", NOTHING),
    "HTTP/2.0 in the request line": get(b"", b"GET /a HTTP/2.0"),
    "HTTP/1.2": get(b"", b"GET /a HTTP/1.2"),
}
REFUSED_BY_MITMPROXY = {
    "Content-Length and Transfer-Encoding": post(
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", NOTHING + get(b"", b"GET /b HTTP/1.1")
    ),
    "two Content-Lengths": post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
    "the same Content-Length twice": post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
    "a list of Content-Lengths": post(b"Content-Length: 5, 5\r\n", b"hello"),
    "Content-Length: +5": post(b"Content-Length: +5\r\n", b"hello"),
    "an unknown transfer coding": post(b"Transfer-Encoding: xchunked\r\n", NOTHING),
    "two Transfer-Encodings": post(b"Transfer-Encoding: chunked\r\n" * 2, NOTHING),
    "a folded Transfer-Encoding": post(b"Transfer-Encoding:\r\n chunked\r\n", NOTHING),
    "Transfer-Encoding in HTTP/1.0": post(b"Transfer-Encoding: chunked\r\n", NOTHING, b"POST /a HTTP/1.0"),
    "a blank before the colon": get(b"X : y\r\n"),
    "a blank in a field's name": get(b"X Y: z\r\n"),
    "a field without a name": get(b": z\r\n"),
    "a field without a colon": get(b"xyz\r\n"),
    "a name that is not ASCII": get("Xé: z\r\n".encode()),
    "a fold before the first field": HEAD + b" X: y\r\n" + HOST + END,
    "a blank in the target": get(b"", b"GET /a b HTTP/1.1"),
    "a relative target": get(b"", b"GET a HTTP/1.1"),
    "a target of another scheme": get(b"", b"GET ftp://a.example/ HTTP/1.1"),
    "CONNECT": get(b"", b"CONNECT b.example:443 HTTP/1.1"),
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "a version that is none": get(b"", b"GET /a HTTP/1.x"),
    "another protocol": b"SSH-2.0-OpenSSH\r\n\r\n",
    "no protocol": b"\x00\x01\x02\r\n\r\n",
}
CUT_OFF_BY_MITMPROXY = {
    "the preface of HTTP/2 without TLS": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a chunk size that is none": post(b"Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n" + NOTHING),
    "a chunk size in C": post(b"Transfer-Encoding: chunked\r\n", b"0x3\r\nabc\r\n" + NOTHING),
}


class TestSmuggling:
    """Peers.md part 7: what two servers read in two ways goes no further, and the engine never sees it."""

    @pytest.mark.parametrize("name", REFUSED_BY_THE_DOOR)
    @pytest.mark.parametrize("agent", [b"Mozilla/5.0", b"GPTBot/1.0", b"Googlebot/2.1"])
    def test_the_door_answers_400_to_everybody(
        self, door: Mitmdump, origin: RawOrigin, name: str, agent: bytes
    ) -> None:
        before = len(records(door, "crawl.request"))
        line, _, rest = REFUSED_BY_THE_DOOR[name].partition(b"\r\n")
        head, body = head_and_body(door.send(line + b"\r\nUser-Agent: " + agent + b"\r\nConnection: close\r\n" + rest))
        assert head.startswith(b"http/1.1 400 ")
        assert b"cache-control: no-store" in head
        assert body == b"The request names no host, or more than one.\n"
        assert origin.heads == []
        assert len(records(door, "crawl.request")) == before

    @pytest.mark.parametrize("name", REFUSED_BY_MITMPROXY)
    def test_mitmproxy_s_parser_answers_400_itself(self, door: Mitmdump, origin: RawOrigin, name: str) -> None:
        before = len(records(door, "crawl.request"))
        data = REFUSED_BY_MITMPROXY[name].replace(b"Host: a.example", b"Host: a.example\r\nUser-Agent: GPTBot/1.0")
        answer = door.send(data)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\nServer: mitmproxy")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert origin.heads == []
        assert len(records(door, "crawl.request")) == before

    @pytest.mark.parametrize("name", CUT_OFF_BY_MITMPROXY)
    def test_mitmproxy_cuts_off_what_it_cannot_frame(self, door: Mitmdump, name: str) -> None:
        assert door.send(CUT_OFF_BY_MITMPROXY[name]) == b""

    def test_a_refused_body_is_not_the_next_request(self, door: Mitmdump, origin: RawOrigin) -> None:
        inner = get(b"", b"GET /smuggled HTTP/1.1")
        head = f"POST /a HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {GPTBOT}\r\nContent-Length: {len(inner)}\r\n\r\n"
        with door.connect() as connection:
            connection.sendall(head.encode())
            answer = read_until(connection, b"\r\n\r\n")
            connection.sendall(inner)
            rest = read_all(connection)
        assert status(answer) == 403
        assert b"HTTP/1.1 " not in rest
        assert origin.heads == []

    def test_bare_line_feeds_reach_the_origin_as_line_ends(self, door: Mitmdump, origin: RawOrigin) -> None:
        assert status(door.send(b"GET /a HTTP/1.1\nHost: site.example\nConnection: close\n\n")) == 200
        (seen,) = origin.heads
        assert seen.all(b"host") == [b"site.example"]

    def test_a_request_behind_an_upgrade_is_judged_like_any_other(self, door: Mitmdump, origin: RawOrigin) -> None:
        fields = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"
        upgrade = get(fields)
        second = f"GET /b HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {GPTBOT}\r\nConnection: close\r\n\r\n"
        answers = door.send(upgrade + second.encode())
        assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"403"]
        assert [seen.path for seen in origin.heads] == [b"/a"]


@pytest.mark.parametrize(
    ("agent", "path"),
    [
        ("A" * 65536, "/page"),
        ("\udcff\x1b]8;;http://x\x07\u202e", "/p\udcff\udcfe"),
        ("GPTBot" + "\udcff" * 9000, "/page"),
    ],
)
def test_odd_octets_are_answered(door: Mitmdump, agent: str, path: str) -> None:
    assert status(door.ask(path, agent)) in (200, 403)


def test_the_documentation_lists_who_refuses_what() -> None:
    text = (ROOT / "docs" / "doors" / "mitmproxy.md").read_text()
    for name in (*REFUSED_BY_THE_DOOR, *REFUSED_BY_MITMPROXY, *CUT_OFF_BY_MITMPROXY):
        assert f"- {name}\n" in text


@pytest.fixture
def http2(door: Mitmdump) -> Iterator[Http2]:
    client = Http2(door)
    yield client
    client.socket.close()


class TestHttp2:
    def test_people_and_crawlers_get_what_they_get_in_http_1(self, http2: Http2, origin: RawOrigin) -> None:
        assert http2.ask() == (200, b"content of /page\n")
        code, body = http2.ask((b"user-agent", GPTBOT.encode()))
        assert code == 403
        assert json.loads(body)["agent"]["name"] == "GPTBot"
        assert http2.ask((b"user-agent", GPTBOT.encode()), method=b"HEAD") == (403, b"")
        (seen,) = origin.heads
        assert seen.line == b"GET /page HTTP/1.1"
        assert seen.all(b"host") == [b"site.example"]
        assert seen.all(b"x-forwarded-proto") == [b"https"]
        assert seen.all(b"transfer-encoding") == []

    @pytest.mark.parametrize("method", [b"POST", b"GET"])
    def test_a_body_without_a_length_is_one_body_to_the_origin(
        self, http2: Http2, origin: RawOrigin, method: bytes
    ) -> None:
        """Unframed, its octets would be the next request: one that nobody judged."""
        inner = get(b"", b"GET /smuggled HTTP/1.1")
        assert http2.ask(method=method, body=inner)[0] == 200
        assert [(seen.path, seen.body) for seen in origin.heads] == [(b"/page", inner)]

    def test_a_body_with_a_length_passes_with_it(self, http2: Http2, origin: RawOrigin) -> None:
        assert http2.ask((b"content-length", b"5"), method=b"POST", body=b"hello")[0] == 200
        (seen,) = origin.heads
        assert (seen.body, seen.all(b"content-length")) == (b"hello", [b"5"])

    def test_a_body_longer_than_it_says_goes_nowhere(self, http2: Http2, origin: RawOrigin) -> None:
        assert http2.ask((b"content-length", b"5"), method=b"POST", body=b"helloGET /smuggled HTTP/1.1\r\n\r\n")[0] == 0
        assert origin.heads == []

    def test_a_refused_upload_leaves_the_connection_to_others(self, http2: Http2, origin: RawOrigin) -> None:
        assert http2.ask((b"user-agent", GPTBOT.encode()), method=b"POST", body=b"x" * 10_000)[0] == 403
        assert http2.ask()[0] == 200
        assert [seen.path for seen in origin.heads] == [b"/page"]

    @pytest.mark.parametrize(
        ("fields", "head"),
        [
            (((b"x", b"a\r\nY: b"),), {}),
            (((b"x: a\r\ny", b"b"),), {}),
            (((b"x\n", b"b"),), {}),
            (((b"host", b"other.example"),), {}),
            (((b"transfer-encoding", b"chunked"),), {"method": b"POST", "body": b"0\r\n\r\n"}),
            (((b"connection", b"close"),), {}),
            ((), {"path": b"/ HTTP/1.1\r\nHost: x\r\n\r\nGET /smuggled"}),
            ((), {"path": b"/a b"}),
            ((), {"path": b"http://other.example/"}),
            ((), {"path": b"relative"}),
            ((), {"method": b"GET /smuggled HTTP/1.1\r\nX:"}),
            ((), {"host": b"site.example\r\nX: y"}),
            ((), {"host": b"site.example/x"}),
        ],
    )
    def test_what_http_1_cannot_carry_goes_no_further(
        self, http2: Http2, origin: RawOrigin, fields: tuple[tuple[bytes, bytes], ...], head: dict[str, bytes]
    ) -> None:
        """GHSA-847f-9342-265h and its kin; the newer library refuses some of them before the door does."""
        assert http2.ask(*fields, **head)[0] in (0, 400)
        assert origin.heads == []
