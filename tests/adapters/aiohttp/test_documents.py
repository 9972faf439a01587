"""Where an aiohttp application's documents are read: of itself, of a directory, of a function."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from optout.adapters.aiohttp import setup
from optout.adapters.aiohttp.documents import AppSource, source_of
from optout.adapters.documents import Documents, OriginSource
from optout.adapters.fetcher import USER_AGENT
from optout.signals.declaration import DOCUMENT_LIMIT, DocumentState
from tests.served import ask, served

ROBOTS = b"User-agent: *\nDisallow: /drafts/\n"


async def _asked(app: web.Application, authority: str = "site.example") -> Documents:
    async with served(app):
        return await AppSource(app).fetch(authority)


def _states(documents: Documents) -> list[DocumentState]:
    return [document.state for document in documents]


async def _parts() -> AsyncIterator[bytes]:
    yield ROBOTS[:10]
    yield ROBOTS[10:]


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(ROBOTS[:10])
    await response.write(ROBOTS[10:])
    await response.write_eof()
    return response


async def _compressed(_request: web.Request) -> web.StreamResponse:
    response = web.Response(body=ROBOTS)
    response.enable_compression()
    return response


async def _plain(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=ROBOTS)


async def _iterated(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=_parts())


@pytest.mark.parametrize("handler", [_plain, _stream, _iterated, _compressed])
async def test_an_application_is_asked_whatever_way_it_answers(handler: object) -> None:
    app = web.Application()
    app.router.add_get("/robots.txt", handler)  # type: ignore[arg-type]
    robots, tdmrep = await _asked(app)
    assert (robots.state, robots.data) == (DocumentState.KNOWN, ROBOTS)
    assert tdmrep.state is DocumentState.ABSENT  # the router's own 404


async def test_a_file_that_the_application_serves_is_read(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_bytes(ROBOTS)
    (tmp_path / ".well-known").mkdir()
    (tmp_path / ".well-known" / "tdmrep.json").write_bytes(b"[]")
    app = web.Application()
    app.router.add_static("/", tmp_path)
    documents = await _asked(app)
    assert [document.data for document in documents] == [ROBOTS, b"[]"]


async def test_handlers_and_middlewares_see_the_site_s_host_and_who_asks() -> None:
    seen: list[tuple[str, str, str | None]] = []

    @web.middleware
    async def note(request: web.Request, handler: object) -> web.StreamResponse:
        seen.append((request.host, request.headers["User-Agent"], request.remote))
        return await handler(request)  # type: ignore[operator, no-any-return]

    app = web.Application(middlewares=[note])
    app.router.add_get("/robots.txt", _plain)
    await _asked(app, "shop.example:8443")
    assert seen == [("shop.example:8443", USER_AGENT, None)] * 2


async def test_an_application_with_parts_is_asked_through_them() -> None:
    app, part = web.Application(), web.Application()
    part.router.add_get("/tdmrep.json", _plain)
    app.add_subapp("/.well-known", part)
    _, tdmrep = await _asked(app)
    assert tdmrep.data == ROBOTS


@pytest.mark.parametrize(
    ("raised", "state"),
    [
        (web.HTTPNotFound, DocumentState.ABSENT),
        (web.HTTPGone, DocumentState.ABSENT),
        (web.HTTPForbidden, DocumentState.UNKNOWN),
        (web.HTTPInternalServerError, DocumentState.UNKNOWN),
    ],
)
async def test_an_error_says_what_it_says_over_the_network(
    raised: type[web.HTTPException], state: DocumentState
) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        raise raised

    app = web.Application()
    app.router.add_get("/robots.txt", answer)
    assert _states(await _asked(app))[0] is state


async def test_a_document_that_is_compressed_all_the_same_says_nothing() -> None:
    async def compress(_request: web.Request) -> web.StreamResponse:
        response = web.Response(body=ROBOTS)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    app = web.Application()
    app.router.add_get("/robots.txt", compress)
    robots, _ = await _asked(app)
    assert (robots.state, robots.why) == (DocumentState.UNKNOWN, "compressed although it was not to be")


async def test_a_handler_that_fails_refuses_nobody(tmp_path: Path) -> None:
    async def fail(_request: web.Request) -> web.StreamResponse:
        raise RuntimeError("a fault of the site's")

    app = web.Application()
    app.router.add_get("/robots.txt", fail)
    app.router.add_get("/page", _plain)
    setup(app, policy="observe", evidence=None, state=tmp_path)
    async with served(app) as port:
        assert (await ask(port, "/page", "GPTBot/1.4")).status == 200


async def test_a_document_without_an_end_is_cut() -> None:
    async def much(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"#" * 65536)
        return response

    app = web.Application()
    app.router.add_get("/robots.txt", much)
    robots, _ = await _asked(app)
    assert len(robots.data) == DOCUMENT_LIMIT


async def test_a_license_document_is_asked_of_the_site_too() -> None:
    async def license_xml(_request: web.Request) -> web.Response:
        return web.Response(body=b"<rsl/>", content_type="application/rsl+xml")

    app = web.Application()
    app.router.add_get("/license.xml", license_xml)
    async with served(app):
        document = await AppSource(app).fetch_license("site.example", "/license.xml")
    assert (document.name, document.data) == ("RSL /license.xml", b"<rsl/>")


async def test_a_directory_is_laid_out_like_the_site_s_root(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_bytes(ROBOTS)
    source = source_of(web.Application(), tmp_path)
    assert _states(await source.fetch("site.example")) == [DocumentState.KNOWN, DocumentState.ABSENT]
    (tmp_path / ".well-known").mkdir()
    (tmp_path / ".well-known" / "tdmrep.json").write_bytes(b"[]")
    assert _states(await source.fetch("site.example")) == [DocumentState.KNOWN, DocumentState.KNOWN]


async def test_a_function_is_asked_for_each_site() -> None:
    async def read(authority: str, path: str) -> bytes | None:
        return f"# {authority}\n".encode() if path == "/robots.txt" else None

    robots, tdmrep = await source_of(web.Application(), read).fetch("shop.example")
    assert (robots.data, tdmrep.state) == (b"# shop.example\n", DocumentState.ABSENT)


def test_a_source_is_taken_as_it_is() -> None:
    source = OriginSource(None, "http://127.0.0.1:1")  # type: ignore[arg-type]
    assert source_of(web.Application(), source) is source
