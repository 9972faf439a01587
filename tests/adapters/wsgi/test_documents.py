"""A WSGI application is asked for its own documents, in process."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.validate import validator

import pytest

from optout.adapters.fetcher import USER_AGENT
from optout.adapters.wsgi.documents import AppSource
from optout.signals.declaration import DOCUMENT_LIMIT, DocumentState


class Site:
    """Answers everything alike, chunk by chunk; notes what it was asked, and whether it was closed."""

    def __init__(self, status: str = "200 OK", content: bytes = b"User-agent: *\n", **headers: str) -> None:
        self.status, self.content = status, content
        self.headers = [("Content-Type", "text/plain"), *headers.items()]
        self.seen: list[WSGIEnvironment] = []
        self.closed = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.seen.append(environ)
        start_response(self.status, self.headers)
        return self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        try:
            yield self.content[:1]
            yield self.content[1:]
        finally:
            self.closed += 1


async def test_a_license_document_is_asked_of_the_site_too() -> None:
    site = Site(content=b"<rsl/>")
    document = await AppSource(site).fetch_license("shop.example", "/license.xml")
    assert (document.name, document.data) == ("RSL /license.xml", b"<rsl/>")
    assert site.seen[0]["PATH_INFO"] == "/license.xml"


async def test_both_documents_are_asked_of_the_site_as_anybody_would() -> None:
    site = Site()
    robots, tdmrep = await AppSource(site).fetch("shop.example:8443")
    assert robots.data == tdmrep.data == b"User-agent: *\n"
    assert [environ["PATH_INFO"] for environ in site.seen] == ["/robots.txt", "/.well-known/tdmrep.json"]
    assert {name: value for name, value in site.seen[0].items() if name.startswith("HTTP_")} == {
        "HTTP_HOST": "shop.example:8443",
        "HTTP_USER_AGENT": USER_AGENT,
        "HTTP_ACCEPT_ENCODING": "identity",
    }
    assert (site.seen[0]["SERVER_NAME"], site.seen[0]["SERVER_PORT"]) == ("shop.example", "8443")
    assert site.seen[0]["wsgi.url_scheme"] == "https"
    assert site.closed == 2


@pytest.mark.parametrize(
    ("authority", "name", "port"), [("site.example", "site.example", "443"), ("[::1]:8443", "[::1]", "8443")]
)
async def test_the_server_is_the_authority(authority: str, name: str, port: str) -> None:
    site = Site()
    await AppSource(site).fetch(authority)
    assert (site.seen[0]["SERVER_NAME"], site.seen[0]["SERVER_PORT"]) == (name, port)


async def test_the_environment_is_what_pep_3333_asks_for() -> None:
    assert (await AppSource(validator(Site())).fetch("site.example"))[0].data == b"User-agent: *\n"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("404 Not Found", DocumentState.ABSENT),
        ("500 Oops", DocumentState.UNKNOWN),
        ("302 Found", DocumentState.UNKNOWN),
    ],
)
async def test_another_status_says_what_it_says_of_any_origin(status: str, state: DocumentState) -> None:
    assert (await AppSource(Site(status)).fetch("site.example"))[0].state is state


async def test_a_document_that_is_compressed_all_the_same_is_not_known() -> None:
    site = Site("200 OK", b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    assert (await AppSource(site).fetch("site.example"))[0].state is DocumentState.UNKNOWN


async def test_a_document_without_end_is_cut_and_closed() -> None:
    closed: list[bool] = []

    def endless(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            yield from itertools.repeat(b"#" * 1000)
        finally:
            closed.append(True)

    assert len((await AppSource(endless).fetch("site.example"))[0].data) == DOCUMENT_LIMIT
    assert closed == [True, True]


async def test_what_is_written_is_the_document() -> None:
    def writes(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"User-agent: *\n")
        return [b"Allow: /\n"]

    assert (await AppSource(writes).fetch("site.example"))[0].data == b"User-agent: *\nAllow: /\n"


def _raises(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    raise SystemExit


def _nonsense(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("fine", [])
    return [b""]


def _silent(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return []


@pytest.mark.parametrize("app", [_raises, _nonsense, _silent])
async def test_an_application_that_fails_tells_nothing(app: WSGIApplication) -> None:
    from optout.adapters.documents import PublishedCache

    cache = PublishedCache(AppSource(app))
    published = await cache.ask("site.example", within=20)
    assert published.robots_document.state is DocumentState.UNKNOWN
    await cache.close()


async def test_it_is_asked_in_another_thread_than_the_loop_s() -> None:
    threads: list[threading.Thread] = []

    def looks(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        threads.append(threading.current_thread())
        start_response("404 Not Found", [])
        return []

    await AppSource(looks).fetch("site.example")
    assert threads[0] is threads[1]
    assert threads[0] is not threading.current_thread()
