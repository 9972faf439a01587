"""The gateway as its owner runs it: what two servers could read in two ways, and what is written about whom.

The table of requests is the list in docs/doors/serve.md: who refuses what.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.raw_origin import RawOrigin
from tests.judge import leaves
from tests.served import CHROME, Answer, ask, connected
from tests.serving import Serving, serving

ROOT = Path(__file__).parent.parent.parent
POLICY = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RawOrigin, Serving]]:
    """An origin and a gateway before it, for the tests that change neither."""
    place = tmp_path_factory.mktemp("gateway")
    (place / "policy.yaml").write_text(POLICY)
    with RawOrigin() as origin:
        upstream = f"http://127.0.0.1:{origin.port}"
        with serving(place, "--upstream", upstream, "--policy", str(place / "policy.yaml")) as served:
            yield origin, served


def get(fields: str = "", line: str = "GET /a HTTP/1.1", host: str = "Host: site.example\r\n") -> bytes:
    """A request without a body."""
    return f"{line}\r\n{host}{fields}\r\n".encode("latin-1")


def post(fields: str, body: bytes, line: str = "POST /a HTTP/1.1") -> bytes:
    """A request with a body, and then another request that must stay one, or be none."""
    return get(fields, line) + body + get(line="GET /smuggled HTTP/1.1")


CHUNKED = "Transfer-Encoding: chunked\r\n"

# What it is, the octets, the status, and whose answer it is. Nothing of it reaches the origin.
REFUSED: dict[str, tuple[bytes, int, str]] = {
    "no Host in HTTP/1.1": (get(host=""), 400, "Optout"),
    "two Host fields": (get("Host: other.example\r\n"), 400, "Optout"),
    "the same Host twice": (get("Host: site.example\r\n"), 400, "Optout"),
    "a Host that is none": (get(host="Host: a b/c\r\n"), 400, "Optout"),
    "a Host with a user": (get(host="Host: user@site.example\r\n"), 400, "Optout"),
    "an absolute-form that names another host": (get(line="GET http://other.example/a HTTP/1.1"), 400, "Optout"),
    "two User-Agent fields": (get("User-Agent: GPTBot\r\nUser-Agent: Chrome\r\n"), 400, "Optout"),
    "a target with octets outside ASCII": (get(line="GET /caf\xe9 HTTP/1.1"), 400, "llhttp"),
    "a target with a control character": (get(line="GET /a\x01b HTTP/1.1"), 400, "llhttp"),
    "a target with a blank": (get(line="GET /a b HTTP/1.1"), 400, "llhttp"),
    "a target without a slash": (get(line="GET a HTTP/1.1"), 400, "llhttp"),
    "CONNECT": (get(line="CONNECT site.example:443 HTTP/1.1"), 404, "Optout"),
    "OPTIONS *": (get(line="OPTIONS * HTTP/1.1"), 404, "Optout"),
    "a method that nobody knows": (get(line="FETCH /a HTTP/1.1"), 400, "llhttp"),
    "a method in lower case": (get(line="get /a HTTP/1.1"), 400, "llhttp"),
    "a head over 65,536 octets": (get(f"User-Agent: {'x' * 65_600}\r\n"), 400, "Optout"),
    "an empty Host": (b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", 400, "Optout"),
    "more than 128 fields": (get("X: y\r\n" * 200), 400, "Optout"),
    "HTTP/2.0 in the request line": (get(line="GET /a HTTP/2.0"), 505, "Optout"),
    "HTTP/1.2": (get(line="GET /a HTTP/1.2"), 400, "llhttp"),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "llhttp"),
    "TLS on the port for HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "llhttp"),
    "lines that end with LF alone": (b"GET /a HTTP/1.1\nHost: site.example\n\n", 400, "llhttp"),
    "a CR within a field": (get("X: a\rY: b\r\n"), 400, "llhttp"),
    "obs-fold": (get("X: a\r\n b\r\n"), 400, "llhttp"),
    "a blank before the colon": (get("X : a\r\n"), 400, "llhttp"),
    "a line without a colon": (get("X\r\n"), 400, "llhttp"),
    "NUL or another control character in a field": (get("X: a\x00b\r\n"), 400, "llhttp"),
    "Content-Length beside Transfer-Encoding": (post(f"Content-Length: 4\r\n{CHUNKED}", b"0\r\n\r\n"), 400, "llhttp"),
    "two Content-Length fields": (post("Content-Length: 4\r\nContent-Length: 4\r\n", b"abcd"), 400, "llhttp"),
    "a Content-Length that is a list": (post("Content-Length: 4, 4\r\n", b"abcd"), 400, "llhttp"),
    "a Content-Length with a sign": (post("Content-Length: +4\r\n", b"abcd"), 400, "llhttp"),
    "Transfer-Encoding twice": (post(f"{CHUNKED}Transfer-Encoding: identity\r\n", b"0\r\n\r\n"), 400, "llhttp"),
    "a Transfer-Encoding that ends with another coding": (
        post("Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
        400,
        "llhttp",
    ),
    "a Transfer-Encoding that looks like chunked": (
        post("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        400,
        "llhttp",
    ),
    "a Transfer-Encoding after a control character": (
        post("Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
        400,
        "llhttp",
    ),
    "a transfer coding before chunked": (post("Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501, "Optout"),
    "Transfer-Encoding in HTTP/1.0": (post(CHUNKED, b"0\r\n\r\n", "POST /a HTTP/1.0"), 400, "Optout"),
    "a chunk size that ends with LF alone": (post(CHUNKED, b"3\nabc\r\n0\r\n\r\n"), 400, "llhttp"),
    "a chunk extension that ends with LF alone": (post(CHUNKED, b"3;x\nabc\r\n0\r\n\r\n"), 400, "llhttp"),
    "a chunk size that is no hexadecimal number": (post(CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n"), 400, "llhttp"),
    "a chunk size with a sign": (post(CHUNKED, b"-3\r\nabc\r\n0\r\n\r\n"), 400, "llhttp"),
    "a chunk size beyond 64 bits": (post(CHUNKED, b"10000000000000003\r\nabc\r\n0\r\n\r\n"), 400, "llhttp"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_two_servers_could_read_in_two_ways_reaches_no_origin(
    shared: tuple[RawOrigin, Serving], name: str
) -> None:
    origin, served = shared
    octets, status, whose = REFUSED[name]
    origin.heads.clear()
    async with connected(served.port) as raw:
        await raw.send(octets)
        answer = await raw.answer()
        assert answer.status == status
        assert (answer.body == b"The request is malformed.\n") is (whose == "llhttp")
    await ask(served.port, "/last")
    assert [seen.path for seen in origin.heads] == [b"/last"]


def test_the_page_lists_what_is_refused_and_by_whom() -> None:
    page = (ROOT / "docs" / "doors" / "serve.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (.+?) \| (\d{3}) \| (\w+) \|$", page, re.MULTILINE)
    assert listed == [(name, str(status), whose) for name, (_, status, whose) in REFUSED.items()]


PASSED: dict[str, tuple[bytes, list[tuple[bytes, bytes]]]] = {
    "a chunked body": (post(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n"), [(b"/a", b"abc"), (b"/smuggled", b"")]),
    "chunk extensions": (post(CHUNKED, b"3;a=b;c\r\nabc\r\n0;d\r\n\r\n"), [(b"/a", b"abc"), (b"/smuggled", b"")]),
    "trailers": (post(CHUNKED, b"3\r\nabc\r\n0\r\nX-T: x\r\n\r\n"), [(b"/a", b"abc"), (b"/smuggled", b"")]),
    "a GET with a body": (
        post("Content-Length: 3\r\n", b"abc", "GET /a HTTP/1.1"),
        [(b"/a", b"abc"), (b"/smuggled", b"")],
    ),
    "an upgrade with a body": (
        post("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n", b"abc"),
        [(b"/a", b"abc"), (b"/smuggled", b"")],
    ),
    "an upgrade with a chunked body": (
        post(f"Connection: Upgrade\r\nUpgrade: websocket\r\n{CHUNKED}", b"3\r\nabc\r\n0\r\n\r\n"),
        [(b"/a", b"abc"), (b"/smuggled", b"")],
    ),
    "an upgrade that the origin declines": (
        get("Connection: Upgrade\r\nUpgrade: websocket\r\n") + get(line="GET /smuggled HTTP/1.1"),
        [(b"/a", b""), (b"/smuggled", b"")],
    ),
    "a body that looks like a request": (
        post("Content-Length: 39\r\n", get(line="GET /smuggled HTTP/1.1")[:39]),
        [(b"/a", b"GET /smuggled HTTP/1.1\r\nHost: site.exam"), (b"/smuggled", b"")],
    ),
}


@pytest.mark.parametrize("name", PASSED)
async def test_two_requests_on_one_connection_are_two_at_the_origin(
    shared: tuple[RawOrigin, Serving], name: str
) -> None:
    origin, served = shared
    octets, expected = PASSED[name]
    origin.heads.clear()
    async with connected(served.port) as raw:
        await raw.send(octets)
        for _ in expected:
            assert (await raw.answer()).status == 200
    assert [(seen.path, seen.body) for seen in origin.heads] == expected
    assert all(seen.all(b"upgrade") in ([], [b"websocket"]) for seen in origin.heads)


async def test_a_refused_request_does_not_take_the_next_one_with_it(shared: tuple[RawOrigin, Serving]) -> None:
    origin, served = shared
    await ask(served.port, "/warm", "GPTBot/1.4")
    origin.heads.clear()
    async with connected(served.port) as raw:
        fields = "User-Agent: GPTBot/1.4\r\nContent-Length: 3\r\n"
        await raw.send(get(fields, "POST /drafts/a HTTP/1.1") + b"abc" + get(line="GET /next HTTP/1.1"))
        assert [(await raw.answer()).status for _ in range(2)] == [403, 200]
    assert [seen.path for seen in origin.heads] == [b"/next"]


# What is written, and about whom


MARKS = ("Zebra-Browser", "zebra-page", "zebra-cookie", "zebra-referer", "203.0.113.77")


async def test_nothing_is_written_about_people_whatever_they_send_and_whatever_fails(tmp_path: Path) -> None:
    with RawOrigin() as origin:
        upstream = f"http://127.0.0.1:{origin.port}"
        with serving(tmp_path, "--upstream", upstream) as served:
            await _be_odd(served.port)
            await _visit(served.port)
            served.end()
            said = served.output()
        with serving(tmp_path, "--upstream", "http://127.0.0.1:9") as without_origin:
            assert (await _visit(without_origin.port)).status == 502
            without_origin.end()
            said += without_origin.output()
    assert [mark for mark in (*MARKS, "zebra-host", "127.0.0.1:") if mark in said] == []
    assert "Traceback" not in said
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert [mark for mark in MARKS if mark.encode() in written] == []  # a Host is a site's name, and documents have one
    records = leaves(tmp_path / "state" / "evidence")
    assert {record["type"] for record in records} <= {"log.start", "log.stop", "policy.snapshot"}, records


async def _visit(port: int) -> Answer:
    more = "Cookie: zebra-cookie=1\r\nX-Forwarded-For: 203.0.113.77\r\nReferer: http://zebra-referer/\r\n"
    return await ask(port, "/zebra-page?zebra-page", f"{CHROME} Zebra-Browser", more=more)


async def _be_odd(port: int) -> None:
    """Every request that is refused, with marks in it, and visitors who hang up at every stage."""
    for octets, _, _ in REFUSED.values():
        async with connected(port) as raw:
            await raw.send(octets.replace(b"site.example", b"zebra-host").replace(b"/a", b"/zebra-page"))
            await raw.answer()
    whole = (
        b"POST /zebra-page HTTP/1.1\r\nHost: zebra-host\r\nUser-Agent: Zebra-Browser\r\nContent-Length: 9\r\n\r\nabc"
    )
    for length in (1, 20, 60, len(whole)):
        async with connected(port) as raw:
            await raw.send(whole[:length])
            raw.writer.transport.abort()


async def test_what_a_crawler_leaves_names_no_address_and_no_query(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    options = ("--policy", str(tmp_path / "policy.yaml"), "--trusted-proxy", "127.0.0.1")
    with RawOrigin() as origin, serving(tmp_path, "--upstream", f"http://127.0.0.1:{origin.port}", *options) as served:
        more = "X-Forwarded-For: 8.8.4.4\r\nCookie: zebra-cookie=1\r\n"
        await ask(served.port, "/page?zebra-query=1", "GPTBot/1.4", more=more)
        await ask(served.port, "/zebra-page", "ChatGPT-User/1.0", more=more)
        await asyncio.to_thread(served.end)
        said = served.output()
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    for mark in ("8.8.4.4", "zebra-query", "zebra-page", "zebra-cookie"):
        assert mark.encode() not in written
        assert mark not in said
    records = [record for record in leaves(tmp_path / "state" / "evidence") if record["type"] == "crawl.request"]
    assert [record["crawl.product"] for record in records] == ["GPTBot", "ChatGPT-User"]


async def test_off_and_on_are_honored_within_a_look(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    policy = ("--policy", str(tmp_path / "policy.yaml"))
    with RawOrigin() as origin, serving(tmp_path, "--upstream", f"http://127.0.0.1:{origin.port}", *policy) as served:
        for command, status in ((None, 403), ("off", 200), ("on", 403)):
            if command:
                await _optout(command, "--state", str(tmp_path / "state"))
            while (await ask(served.port, "/drafts/a", "GPTBot/1.4")).status != status:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(served.end)
    gaps = [record for record in leaves(tmp_path / "state" / "evidence") if record["type"] == "log.gap"]
    assert [gap["reason"] for gap in gaps] == ["bypass"], gaps


async def _optout(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "optout", *words, stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


async def test_two_gateways_on_one_evidence_directory_are_one_too_many(tmp_path: Path) -> None:
    with (
        RawOrigin() as origin,
        serving(tmp_path, "--upstream", f"http://127.0.0.1:{origin.port}"),
        pytest.raises(AssertionError, match="another process"),
        serving(tmp_path, "--upstream", f"http://127.0.0.1:{origin.port}"),
    ):
        pytest.fail("it started")
