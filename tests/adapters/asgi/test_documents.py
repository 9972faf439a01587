"""An ASGI application is asked for its own documents, in process."""

from __future__ import annotations

import asyncio

import pytest

from optout.adapters.asgi.documents import AppSource
from optout.adapters.asgi.meter import Receive, Scope, Send
from optout.adapters.fetcher import USER_AGENT
from optout.signals.declaration import DOCUMENT_LIMIT, DocumentState


def answering(status: int = 200, content: bytes = b"User-agent: *\n", *headers: tuple[bytes, bytes]):  # type: ignore[no-untyped-def]
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for octet in (content[:1], content[1:]):
            await send({"type": "http.response.body", "body": octet, "more_body": True})
        await send({"type": "http.response.body"})
        assert (await receive())["type"] == "http.disconnect"

    return app, seen


async def test_both_documents_are_asked_of_the_site_as_anybody_would() -> None:
    app, seen = answering()
    robots, tdmrep = await AppSource(app).fetch("shop.example:8443")
    assert robots.data == b"User-agent: *\n"
    assert tdmrep.data == b"User-agent: *\n"
    assert [scope["path"] for scope in seen] == ["/robots.txt", "/.well-known/tdmrep.json"]
    assert dict(seen[0]["headers"]) == {
        b"host": b"shop.example:8443",
        b"user-agent": USER_AGENT.encode(),
        b"accept-encoding": b"identity",
    }
    assert seen[0]["server"] == ("shop.example", 8443)
    assert seen[0]["scheme"] == "https"


async def test_a_license_document_is_asked_of_the_site_too() -> None:
    app, seen = answering(content=b"<rsl/>")
    document = await AppSource(app).fetch_license("shop.example", "/license.xml")
    assert (document.name, document.data) == ("RSL /license.xml", b"<rsl/>")
    assert seen[0]["path"] == "/license.xml"


async def test_what_the_lifespan_left_is_there() -> None:
    app, seen = answering()
    source = AppSource(app)
    source.state = {"pool": 1}
    await source.fetch("site.example")
    assert seen[0]["state"] == {"pool": 1}
    assert seen[0]["state"] is not source.state
    assert seen[0]["server"] == ("site.example", 443)


async def test_a_part_of_a_framework_s_application_finds_the_whole_in_its_scope() -> None:
    app, seen = answering()
    source = AppSource(app)
    await source.fetch("site.example")
    source.outer = whole = object()
    await source.fetch("site.example")
    assert "app" not in seen[0]
    assert seen[2]["app"] is whole


@pytest.mark.parametrize(
    ("status", "state"),
    [(404, DocumentState.ABSENT), (500, DocumentState.UNKNOWN), (302, DocumentState.UNKNOWN)],
)
async def test_another_status_says_what_it_says_of_any_origin(status: int, state: DocumentState) -> None:
    app, _ = answering(status)
    assert (await AppSource(app).fetch("site.example"))[0].state is state


async def test_a_document_that_is_compressed_all_the_same_is_not_known() -> None:
    app, _ = answering(200, b"\x1f\x8b", (b"Content-Encoding", b"gzip"))
    assert (await AppSource(app).fetch("site.example"))[0].state is DocumentState.UNKNOWN


async def test_a_document_without_end_is_cut() -> None:
    app, _ = answering(200, b"#" * (DOCUMENT_LIMIT + 1000))
    assert len((await AppSource(app).fetch("site.example"))[0].data) == DOCUMENT_LIMIT


async def test_who_listens_for_a_client_that_hangs_up_hears_of_none_before_the_end() -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        listening = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert not listening.done()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})
        assert (await listening)["type"] == "http.disconnect"

    assert (await AppSource(app).fetch("site.example"))[0].data == b"x"
