"""The HTTP client against origins and license servers that fail, lie, flood or never answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from optout.adapters.fetcher import (
    ANSWER_LIMIT,
    LOOP_FIELD,
    MOST_REDIRECTS,
    USER_AGENT,
    Fetcher,
    FetchResult,
    is_own_request,
)
from optout.messages import Fields
from optout.signals.declaration import DOCUMENT_LIMIT
from tests.adapters.origin import Asked, Origin, answer, never

ROBOTS = b"User-agent: *\nDisallow: /private/\n"
HOST = "site.example"
TOKEN = "secret-token-abc"


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher() as client:
        yield client


async def get(fetcher: Fetcher, origin: Origin, scheme: str = "https") -> FetchResult:
    return await fetcher.get_document(origin.base, HOST, "/robots.txt", scheme=scheme)


async def test_a_document_comes_whole(fetcher: Fetcher, origin: Origin) -> None:
    origin.pages["/robots.txt"] = answer(ROBOTS)
    assert await get(fetcher, origin) == FetchResult(status=200, media_type="text/plain", body=ROBOTS)


async def test_the_upstream_is_asked_as_the_site_itself(fetcher: Fetcher, origin: Origin) -> None:
    await get(fetcher, origin, scheme="http")
    fields = origin.asked[0].fields
    assert fields["host"] == HOST
    assert fields["user-agent"] == USER_AGENT
    assert fields["x-forwarded-proto"] == "http"
    assert fields["accept-encoding"] == "identity"
    assert "cookie" not in fields


async def test_the_fetcher_s_own_requests_are_known_by_a_secret_mark(fetcher: Fetcher, origin: Origin) -> None:
    await get(fetcher, origin)
    mark = origin.asked[0].fields[LOOP_FIELD.lower()]
    assert is_own_request(Fields(((LOOP_FIELD, mark),)))
    for forged in ("1", "", mark[:-1], mark + "x", "é", "\ud800"):
        assert not is_own_request(Fields(((LOOP_FIELD, forged),)))
    assert not is_own_request(Fields())


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "401 Unauthorized", "403 Forbidden", "500 Broken"])
async def test_a_status_is_told_and_its_body_is_not_read(fetcher: Fetcher, origin: Origin, status: str) -> None:
    origin.pages["/robots.txt"] = answer(b"User-agent: *\nAllow: /\n", status=status)
    found = await get(fetcher, origin)
    assert (found.status, found.body, found.fault) == (int(status[:3]), b"", "")


async def test_cookies_are_never_kept(fetcher: Fetcher, origin: Origin) -> None:
    origin.pages["/robots.txt"] = answer(ROBOTS, set_cookie="a=b")
    for _ in range(2):  # by name: aiohttp's own jar takes no cookie from an address
        await fetcher.get_document(origin.base.replace("127.0.0.1", "localhost"), HOST, "/robots.txt")
    assert "cookie" not in origin.asked[1].fields


@pytest.mark.parametrize("length", ["", "10485760"])
async def test_ten_megabytes_are_cut_at_the_limit(fetcher: Fetcher, origin: Origin, length: str) -> None:
    async def flood(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(content_length=length))
        for _ in range(160):
            writer.write(b"#" * 65_536)
            await writer.drain()

    origin.pages["/robots.txt"] = flood
    found = await get(fetcher, origin)
    assert found.body == b"#" * DOCUMENT_LIMIT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip", "GZIP"])
async def test_a_document_that_is_compressed_unasked_is_read(fetcher: Fetcher, origin: Origin, coding: str) -> None:
    body = zlib.compress(ROBOTS) if coding == "deflate" else gzip.compress(ROBOTS)
    origin.pages["/robots.txt"] = answer(body, content_encoding=coding)
    assert (await get(fetcher, origin)).body == ROBOTS


async def test_a_gzip_bomb_is_inflated_to_the_limit_and_no_further(
    fetcher: Fetcher, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=1)
    made = 0
    real = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._real = real(wbits=wbits)

        @property
        def eof(self) -> bool:
            return self._real.eof

        def decompress(self, data: bytes, limit: int) -> bytes:
            nonlocal made
            out = self._real.decompress(data, limit)
            made += len(out)
            return out

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    origin.pages["/robots.txt"] = answer(bomb, content_encoding="gzip")
    found = await get(fetcher, origin)
    assert len(found.body) == DOCUMENT_LIMIT
    assert made == DOCUMENT_LIMIT


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"not gzip", "gzip"),
        (gzip.compress(ROBOTS, mtime=0)[:-9], "gzip"),
        (b"x", "br"),
        (b"x", "gzip, gzip"),
        (b"x", "zstd"),
    ],
)
async def test_a_coding_that_is_broken_or_unknown_is_a_fault(
    fetcher: Fetcher, origin: Origin, body: bytes, coding: str
) -> None:
    origin.pages["/robots.txt"] = answer(body, content_encoding=coding)
    found = await get(fetcher, origin)
    assert found.fault
    assert found.body == b""


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\xff\xfe",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nUser-agent: *\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nUser-agent: *\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nUs",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nUser-\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nUser-\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
    ],
    ids=[
        "nothing",
        "noise",
        "truncated",
        "negative",
        "two lengths",
        "cut chunk",
        "bad chunk",
        "long",
        "many",
        "status",
    ],
)
async def test_an_answer_that_is_no_http_or_is_cut_short_is_a_fault(
    fetcher: Fetcher, origin: Origin, said: bytes
) -> None:
    origin.pages["/robots.txt"] = said
    found = await get(fetcher, origin)
    assert found.fault
    assert found.body == b""


async def test_nobody_at_the_upstream_is_a_fault(fetcher: Fetcher, origin: Origin) -> None:
    await origin.__aexit__()
    assert (await get(fetcher, origin)).fault


@pytest.mark.parametrize("base", ["http://", "nonsense", "http://[::1", "http://a\x00b/", ""])
async def test_an_upstream_that_is_no_url_is_a_fault(fetcher: Fetcher, base: str) -> None:
    assert (await fetcher.get_document(base, HOST, "/robots.txt")).fault


@pytest.mark.parametrize("host", ["a\r\nX-Injected: 1", "a\nb", "a\x00b"])
async def test_a_host_cannot_add_a_field(fetcher: Fetcher, origin: Origin, host: str) -> None:
    assert (await fetcher.get_document(origin.base, host, "/robots.txt")).fault
    assert origin.asked == []


async def test_an_origin_that_never_answers_is_left(origin: Origin) -> None:
    origin.pages["/robots.txt"] = never
    async with Fetcher(document_within=0.05) as fetcher:
        assert "within 0.05 s" in (await get(fetcher, origin)).fault


async def test_an_origin_that_drips_is_left(origin: Origin) -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(content_length="1000"))
        await writer.drain()
        writer.write(b"User-agent: *\n")
        await never(asked, writer)

    origin.pages["/robots.txt"] = drip
    async with Fetcher(document_within=0.1) as fetcher:
        found = await get(fetcher, origin)
    assert found.fault
    assert found.body == b""


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        "location",
        [
            "/real.txt",
            "real.txt",
            "https://site.example/real.txt",
            "http://SITE.example:80/real.txt",
            "//site.example/real.txt",
        ],
    )
    async def test_one_within_the_site_is_followed_at_the_upstream(
        self, fetcher: Fetcher, origin: Origin, status: int, location: str
    ) -> None:
        origin.pages["/robots.txt"] = answer(status=f"{status} Moved", location=location)
        origin.pages["/real.txt"] = answer(ROBOTS)
        assert (await get(fetcher, origin)).body == ROBOTS
        assert [asked.fields["host"] for asked in origin.asked] == [HOST, HOST]

    async def test_one_to_the_upstream_s_own_name_is_followed(self, fetcher: Fetcher, origin: Origin) -> None:
        origin.pages["/robots.txt"] = answer(status="302 Found", location=f"{origin.base}/real.txt?a=b#c")
        origin.pages["/real.txt?a=b"] = answer(ROBOTS)
        assert (await get(fetcher, origin, scheme="http")).body == ROBOTS

    async def test_a_change_of_scheme_is_told_to_the_upstream(self, fetcher: Fetcher, origin: Origin) -> None:
        async def force_tls(asked: Asked, writer: asyncio.StreamWriter) -> None:
            is_tls = asked.fields["x-forwarded-proto"] == "https"
            moved = answer(status="301 Moved", location="https://site.example/robots.txt")
            writer.write(answer(ROBOTS) if is_tls else moved)

        origin.pages["/robots.txt"] = force_tls
        assert (await get(fetcher, origin, scheme="http")).body == ROBOTS

    @pytest.mark.parametrize(
        "location",
        [
            "https://other.example/robots.txt",
            "https://www.site.example/robots.txt",
            "https://site.example:8443/robots.txt",
            "https://user@site.example/robots.txt",
            "https://site.example@other.example/robots.txt",
            "//other.example/robots.txt",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "file:///etc/passwd",
            "ftp://site.example/robots.txt",
            "http://[",
        ],
    )
    async def test_one_off_the_site_is_never_followed(self, fetcher: Fetcher, origin: Origin, location: str) -> None:
        origin.pages["/robots.txt"] = answer(status="302 Found", location=location)
        assert (await get(fetcher, origin)).fault
        assert origin.paths == ["/robots.txt"]

    async def test_one_to_another_port_of_the_upstream_s_host_is_never_followed(
        self, fetcher: Fetcher, origin: Origin
    ) -> None:
        async with Origin() as neighbor:
            origin.pages["/robots.txt"] = answer(status="302 Found", location=f"{neighbor.base}/robots.txt")
            neighbor.pages["/robots.txt"] = answer(ROBOTS)
            assert (await get(fetcher, origin, scheme="http")).fault
            assert neighbor.asked == []

    async def test_a_loop_ends_after_five(self, fetcher: Fetcher, origin: Origin) -> None:
        origin.pages["/robots.txt"] = answer(status="302 Found", location="/robots.txt")
        assert (await get(fetcher, origin)).fault
        assert len(origin.asked) == MOST_REDIRECTS + 1

    async def test_the_fifth_is_still_followed(self, fetcher: Fetcher, origin: Origin) -> None:
        origin.pages["/robots.txt"] = answer(status="302 Found", location="/1")
        for hop in range(1, MOST_REDIRECTS):
            origin.pages[f"/{hop}"] = answer(status="302 Found", location=f"/{hop + 1}")
        origin.pages[f"/{MOST_REDIRECTS}"] = answer(ROBOTS)
        assert (await get(fetcher, origin)).body == ROBOTS

    async def test_one_without_a_location_asks_the_same_again_and_ends(self, fetcher: Fetcher, origin: Origin) -> None:
        origin.pages["/robots.txt"] = answer(status="302 Found")
        assert (await get(fetcher, origin)).fault


async def ask(fetcher: Fetcher, origin: Origin, prefix: str = "") -> dict[str, object] | None:
    return await fetcher.introspect(origin.base + prefix, TOKEN, "https://site.example/a?b")


class TestIntrospection:
    GOOD = json.dumps({"active": True, "permitted": True}).encode()

    @pytest.mark.parametrize("prefix", ["", "/", "/olp", "/olp/"])
    async def test_the_token_is_posted_as_a_form(self, fetcher: Fetcher, origin: Origin, prefix: str) -> None:
        origin.pages[f"{prefix.rstrip('/')}/introspect"] = answer(self.GOOD, content_type="application/json")
        assert await ask(fetcher, origin, prefix) == {"active": True, "permitted": True}
        asked = origin.asked[0]
        assert asked.method == "POST"
        assert asked.fields["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qs(asked.body.decode()) == {"token": [TOKEN], "resource": ["https://site.example/a?b"]}

    @pytest.mark.parametrize(
        "said",
        [
            answer(GOOD, status="401 Unauthorized"),
            answer(GOOD, status="500 Broken"),
            answer(GOOD, status="302 Found", location="/elsewhere"),
            answer(b""),
            answer(b"<html>"),
            answer(b"[]"),
            answer(b'"active"'),
            answer(b'{"active": true'),
            answer(b"\xff"),
            answer(b'{"a": ' + b"[" * 30_000),
            answer(b'{"a": ' + b"9" * 10_000 + b"}"),
            answer(GOOD + b" " * ANSWER_LIMIT),
            answer(gzip.compress(GOOD + b" " * 50_000_000), content_encoding="gzip"),
            answer(GOOD, content_encoding="br"),
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + GOOD,
            b"",
        ],
        ids=[
            *("401", "500", "redirect", "empty", "html", "array", "string", "cut", "noise", "deep", "long number"),
            *("too long", "bomb", "unknown coding", "truncated", "nothing"),
        ],
    )
    async def test_an_answer_that_is_no_object_is_none(self, fetcher: Fetcher, origin: Origin, said: bytes) -> None:
        origin.pages["/introspect"] = said
        origin.pages["/elsewhere"] = answer(self.GOOD)
        assert await ask(fetcher, origin) is None
        assert len(origin.asked) == 1

    async def test_a_server_that_never_answers_is_left(self, origin: Origin) -> None:
        origin.pages["/introspect"] = never
        async with Fetcher(introspection_within=0.05) as fetcher:
            assert await ask(fetcher, origin) is None

    @pytest.mark.parametrize(
        "server",
        [
            "http://license.example",
            "ftp://127.0.0.1",
            "http://127.0.0.1.license.example",
            "//a",
            "",
            "https://",
            "http://[",
        ],
    )
    async def test_a_token_never_goes_over_plain_http_or_nowhere(
        self, fetcher: Fetcher, server: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_session(_: Fetcher) -> None:
            raise AssertionError("a token would have been sent")

        monkeypatch.setattr(Fetcher, "_session", no_session)
        assert await fetcher.introspect(server, TOKEN, "https://site.example/") is None

    async def test_a_token_never_reaches_a_log_or_a_repr(
        self, origin: Origin, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        asyncio.get_running_loop().set_debug(True)
        async with Fetcher(introspection_within=0.1) as fetcher:
            for said in (answer(self.GOOD), answer(b"<html>"), b"noise", never):
                origin.pages["/introspect"] = said
                task = asyncio.create_task(ask(fetcher, origin))
                await asyncio.sleep(0)
                assert TOKEN not in repr(task)
                await task
            assert TOKEN not in repr(vars(fetcher))
        assert len(origin.asked) == 4
        assert TOKEN not in caplog.text


class TestVisit:
    async def test_an_owner_s_question_goes_where_he_says_with_the_site_s_name(
        self, origin: Origin, fetcher: Fetcher
    ) -> None:
        origin.pages["/page?q"] = answer(b"page", status="403 Forbidden", via="1.1 a", x_cache="HIT")
        connect = origin.base.partition("://")[2]
        seen = await fetcher.visit(f"http://{HOST}/page?q", {"User-Agent": "GPTBot"}, connect=connect)
        assert (seen.status, seen.body) == (403, b"page")
        assert (seen.fields.first("via"), seen.fields.first("x-cache")) == ("1.1 a", "HIT")
        (asked,) = origin.asked
        assert (asked.fields["host"], asked.fields["user-agent"]) == (HOST, "GPTBot")

    async def test_a_server_that_says_nothing_or_nonsense_is_no_fault_of_the_program_s(
        self, origin: Origin, fetcher: Fetcher
    ) -> None:
        origin.pages["/page"] = b"nonsense"
        connect = origin.base.partition("://")[2]
        for url, where in ((f"http://{HOST}/page", connect), (f"http://{HOST}/", "127.0.0.1:1"), ("http://a b/", "")):
            seen = await fetcher.visit(url, {}, connect=where)
            assert seen.status == 0
            assert seen.fault


async def test_with_a_unix_socket_everything_is_asked_there(tmp_path: Path) -> None:
    async with Origin(str(tmp_path / "s")) as origin, Fetcher(unix_socket=str(tmp_path / "s")) as fetcher:
        origin.pages["/robots.txt"] = answer(ROBOTS)
        assert (await fetcher.get_document("http://localhost", HOST, "/robots.txt")).body == ROBOTS


async def test_a_fetcher_that_asked_nothing_closes(fetcher: Fetcher) -> None:
    await fetcher.close()
    await fetcher.close()
