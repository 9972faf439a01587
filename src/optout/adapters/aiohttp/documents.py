"""Where an aiohttp application's documents are read; by default of the application itself (design part 5.6).

It is asked in process and without a socket. It answers a request that no client sent, through its router, middlewares
and handlers, with the site's Host and Optout's own user agent, as it would answer anybody.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from optout.adapters import document_setting
from optout.adapters.documents import Documents, DocumentSource, Read
from optout.adapters.fetcher import USER_AGENT
from optout.signals.declaration import (
    DOCUMENT_LIMIT,
    ROBOTS_NAME,
    ROBOTS_PATH,
    TDMREP_NAME,
    TDMREP_PATH,
    Document,
    license_name,
    parse_answer,
    unknown,
)


def source_of(app: web.Application, documents: DocumentSource | Read | Path | str | None) -> DocumentSource:
    """The source that the `documents` of `optout.adapters.aiohttp.setup` mean."""
    return AppSource(app) if documents is None else document_setting.source_of(documents)


class AppSource:
    """Documents as `app` itself answers for them. May raise whatever a handler raises; the cache bears that."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        robots = await self._get(authority, ROBOTS_NAME, ROBOTS_PATH)
        return robots, await self._get(authority, TDMREP_NAME, TDMREP_PATH)

    async def fetch_license(self, authority: str, path: str) -> Document:
        """The license document at `path` of the site as it is now."""
        return await self._get(authority, license_name(path), path)

    async def _get(self, authority: str, name: str, path: str) -> Document:
        writer = _Body()
        request = _make_request(self._app, authority, path, writer)
        try:
            response = await self._app._handle(request)
        except web.HTTPException as answer:
            response = answer
        if isinstance(response, web.FileResponse):  # sendfile(2) needs a connection; "identity" makes aiohttp write it
            response.enable_compression(web.ContentCoding.identity)
        await response.prepare(request)
        await response.write_eof()
        if response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
            return unknown(name, "compressed although it was not to be")
        return parse_answer(name, response.status, bytes(writer.data))


class _Body(AbstractStreamWriter):
    """Keeps the start of a body that aiohttp writes. What lies beyond the limit is let go: a document has no end."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, chunk: bytes | bytearray | memoryview, **_: Any) -> None:
        self.data += bytes(chunk[: DOCUMENT_LIMIT - len(self.data)])

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """Nobody reads the head."""

    def send_headers(self) -> None:
        """Nobody reads the head."""

    async def drain(self) -> None:
        """There is no connection to wait for."""

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """The request accepts no coding; an application that compresses all the same is read as it meant."""

    def enable_chunking(self) -> None:
        """There is no framing."""


def _make_request(app: web.Application, authority: str, path: str, writer: _Body) -> web.Request:
    fields = CIMultiDictProxy(
        CIMultiDict({hdrs.HOST: authority, hdrs.USER_AGENT: USER_AGENT, hdrs.ACCEPT_ENCODING: "identity"})
    )
    message = RawRequestMessage(
        hdrs.METH_GET,
        path,
        HttpVersion11,
        fields,
        tuple((name.encode(), value.encode()) for name, value in fields.items()),
        False,  # should_close
        None,  # compression
        False,  # upgrade
        False,  # chunked
        URL(path, encoded=True),
    )
    task = cast("asyncio.Task[None]", asyncio.current_task())
    return app._make_request(message, EMPTY_PAYLOAD, cast(Any, _NO_CONNECTION), writer, task)


# What aiohttp asks of a connection when it makes a request, and while a handler answers it.
_NO_CONNECTION = SimpleNamespace(
    ssl_context=None, peername=None, sockname=None, transport=None, writing_paused=False, _timeout_ceil_threshold=5
)
