"""The mitmproxy door as it is used by hand: a real mitmdump, real sockets, an origin that keeps every octet.

`mitmdump --mode reverse:http://origin -s addons/optout_addon.py --set optout_policy=...` (design part 5.13).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.doors.http2_client import Http2
from tests.doors.mitmdump import (
    ASSISTANT,
    CHROME,
    GOOGLEBOT,
    GPTBOT,
    Mitmdump,
    head_and_body,
    outcome_of,
    read_answer,
    read_until,
    records,
    status,
)
from tests.doors.raw_origin import RawOrigin


@pytest.fixture
def origin(raw_origin: RawOrigin) -> RawOrigin:
    raw_origin.heads.clear()
    return raw_origin


@pytest.fixture
def door(mitmdump: Mitmdump, origin: RawOrigin) -> Mitmdump:
    return mitmdump


class TestAnswers:
    def test_a_person_gets_the_origins_octets_and_the_site_s_declaration(self, door: Mitmdump) -> None:
        head, body = head_and_body(door.ask("/page?q=1"))
        assert body == b"content of /page?q=1\n"
        assert b"tdm-reservation: 1" in head
        assert b"tdm-policy: https://site.example/tdm.json" in head

    def test_a_refusal_comes_from_the_door_alone(self, door: Mitmdump, origin: RawOrigin) -> None:
        answer = door.ask("/page", GPTBOT)
        head, body = head_and_body(answer)
        assert status(answer) == 403
        assert json.loads(body)["agent"]["name"] == "GPTBot"
        assert b"content-length: %d" % len(body) in head
        assert b"cache-control: no-store" in head
        assert b"vary: user-agent, signature-agent" in head
        assert origin.heads == []

    def test_head_is_told_the_length_and_gets_no_body(self, door: Mitmdump) -> None:
        get, _ = head_and_body(door.ask("/page", GPTBOT))
        head, body = head_and_body(door.ask("/page", GPTBOT, method="HEAD"))
        assert body == b""
        lengths = [re.search(rb"content-length: (\d+)", each) for each in (get, head)]
        assert [found and found[1] for found in lengths] == [lengths[0] and lengths[0][1]] * 2

    def test_the_origins_own_word_counts(self, door: Mitmdump) -> None:
        head, _ = head_and_body(door.ask("/declared"))
        assert re.findall(rb"tdm-reservation: (\d)", head) == [b"0"]

    def test_a_304_declares_too_and_stays_empty(self, door: Mitmdump) -> None:
        head, body = head_and_body(door.ask("/unchanged"))
        assert head.startswith(b"http/1.1 304")
        assert b"tdm-reservation: 1" in head
        assert body == b""

    def test_a_connection_serves_people_and_crawlers_in_turn(self, door: Mitmdump, origin: RawOrigin) -> None:
        one = "GET /{} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {}\r\n{}\r\n"
        parts = (
            one.format("a", CHROME, ""),
            one.format("b", GPTBOT, ""),
            one.format("c", CHROME, "Connection: close\r\n"),
        )
        answers = door.send("".join(parts).encode())
        assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"403", b"200"]
        assert [seen.path for seen in origin.heads] == [b"/a", b"/c"]

    def test_robots_txt_answers_everybody(self, door: Mitmdump) -> None:
        assert status(door.ask("/robots.txt", GPTBOT)) == 200

    def test_an_origin_that_breaks_off_costs_one_answer(self, door: Mitmdump) -> None:
        assert door.ask("/broken").endswith(b"half of it")
        assert status(door.ask("/page")) == 200


class TestRecords:
    def test_a_request_is_on_record_before_its_content_and_its_outcome_after(self, door: Mitmdump) -> None:
        before = len(records(door, "crawl.request"))
        answer = door.ask("/page", ASSISTANT)
        request = records(door, "crawl.request")[before:]
        assert [leaf["crawl.product"] for leaf in request] == ["ChatGPT-User"]
        outcome = outcome_of(door, request[0])
        assert outcome["http.response.status_code"] == 200
        assert outcome["http.response.body.size"] == len(head_and_body(answer)[1])
        assert outcome["outcome.aborted"] is False

    def test_a_refusal_is_told_by_its_request_alone(self, door: Mitmdump) -> None:
        for method in ("GET", "HEAD"):
            door.ask("/page", GPTBOT, method=method)
            request = records(door, "crawl.request")[-1]
            assert (request["decision.action"], request["http.response.status_code"]) == ("deny", 403)
            told = {outcome["crawl.request.id"] for outcome in records(door, "crawl.outcome")}
            assert request["id"] not in told

    def test_a_download_that_a_crawler_breaks_off_counts_what_left(self, door: Mitmdump) -> None:
        with door.connect() as connection:
            connection.sendall(
                f"GET /endless HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {ASSISTANT}\r\n\r\n".encode()
            )
            taken = sum(len(connection.recv(65536)) for _ in range(8))
        outcome = outcome_of(door, records(door, "crawl.request")[-1])
        assert outcome["outcome.aborted"] is True
        assert isinstance(size := outcome["http.response.body.size"], int)
        assert size > taken - 1000, "all but the head was content"

    def test_search_engines_are_left_alone_and_not_recorded(self, door: Mitmdump) -> None:
        before = len(records(door, "crawl.request"))
        assert head_and_body(door.ask("/page", GOOGLEBOT))[1] == b"content of /page\n"
        assert len(records(door, "crawl.request")) == before


class TestWhatTheOriginGets:
    def test_host_is_kept_and_the_way_is_told(self, door: Mitmdump, origin: RawOrigin) -> None:
        forged = (
            "X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"
        )
        door.ask("/page", host="Site.Example", fields=forged)
        (seen,) = origin.heads
        assert seen.all(b"host") == [b"Site.Example"]
        assert seen.all(b"x-forwarded-for") == [b"127.0.0.1"]
        assert seen.all(b"x-forwarded-proto") == [b"http"]
        assert seen.all(b"x-forwarded-host") == [b"Site.Example"]
        assert not any(b"6.6.6.6" in value for _, value in seen.fields)

    def test_the_target_and_the_fields_go_as_they_came(self, door: Mitmdump, origin: RawOrigin) -> None:
        door.ask("/a//b/../%2e;x?y=%41#z", fields="X-Odd: \udcff\udcfe\r\nx-LOWER: 1\r\n")
        (seen,) = origin.heads
        assert seen.path == b"/a//b/../%2e;x?y=%41#z"
        assert (b"X-Odd", b"\xff\xfe") in seen.fields
        assert (b"x-LOWER", b"1") in seen.fields

    def test_the_origin_is_not_even_connected_to_for_a_refusal(self, door: Mitmdump, origin: RawOrigin) -> None:
        door.ask("/page", GPTBOT)
        before = origin.connections
        door.ask("/page", GPTBOT)
        assert origin.connections == before

    def test_mitmproxy_s_own_site_is_nobodys(self, door: Mitmdump) -> None:
        assert head_and_body(door.ask("/", host="mitm.it"))[1] == b"content of /\n"

    def test_a_body_passes_in_both_framings(self, door: Mitmdump, origin: RawOrigin) -> None:
        door.ask("/up", method="POST", fields="Content-Length: 5\r\n", body=b"hello")
        door.ask("/up", method="POST", fields="Transfer-Encoding: Chunked\r\n", body=b"5;x=y\r\nhello\r\n0\r\n\r\n")
        assert [seen.body for seen in origin.heads] == [b"hello", b"hello"]

    def test_an_upgrade_to_anything_but_websocket_is_taken_out(self, door: Mitmdump, origin: RawOrigin) -> None:
        """h2c smuggling: behind an upgraded connection the door would see nothing more."""
        for upgrade in ("h2c", "H2C", "h2c, foo"):
            fields = f"Upgrade: {upgrade}\r\nHTTP2-Settings: AA\r\nConnection: close, Upgrade, HTTP2-Settings\r\n"
            data = f"GET /page HTTP/1.1\r\nHost: site.example\r\n{fields}\r\n"
            assert status(door.send(data.encode())) == 200
        for seen in origin.heads:
            assert seen.all(b"upgrade") == seen.all(b"http2-settings") == []
            assert seen.all(b"connection") == [b"close"]


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


MB = 1 << 20


class TestUploads:
    @pytest.mark.parametrize(
        "framing",
        [f"Content-Length: {300 * MB}", "Transfer-Encoding: chunked", "Content-Length: 5\r\nExpect: 100-continue"],
    )
    def test_a_refused_upload_is_answered_before_it_comes(
        self, door: Mitmdump, origin: RawOrigin, framing: str
    ) -> None:
        head = f"POST /up HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {GPTBOT}\r\n{framing}\r\n\r\n"
        with door.connect() as connection:
            connection.sendall(head.encode())
            answer = read_answer(connection)
        assert status(answer) == 403, "and not 100 Continue"
        assert b"connection: close" in answer.lower()
        assert len(head_and_body(answer)[1]) > 100
        assert origin.heads == []

    def test_a_refused_upload_that_comes_at_once_is_thrown_away(self, door: Mitmdump, origin: RawOrigin) -> None:
        for size in (10, 100_000, 4 * MB):
            body = b"z" * size
            answer = door.ask("/up", GPTBOT, method="POST", fields=f"Content-Length: {size}\r\n", body=body)
            assert status(answer) == 403
        assert origin.heads == []
        assert status(door.ask("/page")) == 200

    def test_who_is_refused_and_sends_nothing_more_is_cut_off(self, door: Mitmdump) -> None:
        assert status(door.ask("/up", GPTBOT, method="POST", fields="Content-Length: 5\r\n")) == 403

    def test_a_person_who_asks_first_is(self, door: Mitmdump, origin: RawOrigin) -> None:
        answer = door.ask("/up", method="POST", fields="Content-Length: 5\r\nExpect: 100-continue\r\n", body=b"hello")
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"100", b"200"]
        assert origin.heads[0].body == b"hello"


class TestStreams:
    def test_an_event_arrives_while_the_stream_is_open(self, door: Mitmdump) -> None:
        for agent in (CHROME, ASSISTANT):
            with door.connect() as connection:
                connection.sendall(
                    f"GET /events HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n\r\n".encode()
                )
                assert read_until(connection, b"data: first\n\n").endswith(b"data: first\n\n")

    def test_websocket_passes(self, door: Mitmdump) -> None:
        with door.connect() as connection:
            connection.sendall(
                b"GET /socket HTTP/1.1\r\nHost: site.example\r\n"
                b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert b" 101 " in read_until(connection, b"\r\n\r\n")
            for word in (b"hello", b"again"):
                connection.sendall(bytes((0x81, 0x80 | len(word))) + b"\0\0\0\0" + word)
                assert read_until(connection, word) == bytes((0x81, len(word))) + word


class TestSilence:
    """Nothing whatever about unrecognized visitors, in no file, stdout, stderr or journal (issue 2, point 10)."""

    def test_no_word_of_a_visitor_is_written_anywhere(self, origin: RawOrigin, tmp_path: Path) -> None:
        secret = "my-illness"
        with Mitmdump(tmp_path, origin.port) as child:
            child.ask(f"/{secret}?{secret}", f"{CHROME} {secret}", fields=f"Cookie: {secret}\r\nReferer: {secret}\r\n")
            child.ask(f"/{secret}", f"Googlebot/2.1 {secret}")
            child.ask(f"/broken/{secret}")
            child.send(f"GET /{secret} {secret} HTTP/1.1\r\nHost: {secret}\r\n\r\n".encode())
            child.send(f"GET /{secret} HTTP/1.1\r\nHost: a\r\n{secret}\r\n\r\n".encode())
            child.send(f"GET /{secret} HTTP/1.1\r\nHost: a\r\nContent-Length: {secret}\r\n\r\n".encode())
            child.send(f"PRI * HTTP/2.0\r\n\r\n{secret}\r\n\r\n".encode())
            with child.connect() as hanging:  # mitmproxy cannot read trailers, and fails
                head = f"POST /{secret} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                hanging.sendall(f"{head}0\r\nX: {secret}\r\n\r\n".encode())
                child.wait_for("mitmproxy reported an error")
            client = Http2(child)
            client.ask((b"x", f"{secret}\r\n".encode()), path=f"/{secret}".encode())
            client.socket.close()
            child.stop()
            said = child.output
        assert secret not in said
        assert "127.0.0.1:" not in said.replace(f"127.0.0.1:{origin.port}", "").replace(f"127.0.0.1:{child.port}", "")
        for path in tmp_path.rglob("*"):
            assert secret not in path.name
            assert path.is_dir() or secret.encode() not in path.read_bytes()

    def test_it_says_that_it_started_and_stopped_and_nothing_else(self, origin: RawOrigin, tmp_path: Path) -> None:
        with Mitmdump(tmp_path, origin.port) as child:
            for _ in range(3):
                child.ask("/page")
            assert child.stop() == 0
            lines = [re.sub(r"^\[[^\]]*\] ", "", line) for line in child.output.splitlines()]
        told = [line for line in lines if not line.startswith("listening on 127.0.0.1 only: mitmproxy")]
        assert [line.split(" ")[0] for line in told] == ["Loading", "reverse", "reverse"]

    def test_the_home_directory_stays_as_it_was(self, door: Mitmdump) -> None:
        assert list(door.home.iterdir()) == []
        assert (door.state / "mitmproxy" / "mitmproxy-ca.pem").exists()
