"""How much of an answer left for one recognized request of aiohttp's server, and whether it broke off.

Counted where aiohttp writes, because a handler's return says nothing: the body of a plain response goes out after
every middleware has ended, and a HEAD, a 304 or a client that hung up takes less than was offered. What was handed to
the connection counts as sent: what the kernel still held when a client hung up cannot be told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, web
from aiohttp.abc import AbstractStreamWriter

from optout.record import Ending, Hash
from optout.signals.verdict import signal_fields


class Meter:
    """The count for one request. `told` is called once, when the task that answers the request has ended."""

    def __init__(self, request: web.Request, told: Callable[[Ending], None], served: Hash | None = None) -> None:
        self._served = served
        self._request = request
        self._told: Callable[[Ending], None] | None = told
        self._response: web.StreamResponse | None = None
        self._is_compressed = False
        self._content = 0
        request.writer.on_body_write = self._written
        if served is not None:
            _hash_what_is_written(request.writer, served)

    def watch(self, loop: asyncio.AbstractEventLoop, then: Callable[[Meter], object]) -> None:
        """End with the present task of `loop`, which writes the response after the handlers; `then` is told."""
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101  a coroutine of aiohttp's runs in a task

        def end(_: asyncio.Task[Any]) -> None:
            self.end()
            then(self)

        task.add_done_callback(end)

    def began(self, response: web.StreamResponse) -> None:
        """`response` is about to be sent."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return
        self._response = response
        self._is_compressed = _is_compressed_in_flight(response)
        if isinstance(response, web.FileResponse) and not response.compression:
            # sendfile(2) passes by the writer, and tells nobody how far it came. A coding of "identity" changes no
            # octet and makes aiohttp write the file itself.
            response.enable_compression(web.ContentCoding.identity)

    def end(self) -> None:
        """Tell how it ended, once."""
        told, self._told = self._told, None
        if told is None:
            return
        self._request.writer.on_body_write = None
        response = self._response
        if response is None:
            told(Ending(status=None, body_bytes=0, aborted=True))
            return
        if self._is_compressed and self._content:
            self._content = self._request.writer.output_size - _head_size(self._request, response)
        served = None if self._is_compressed else self._served  # it was fed before that coding
        told(
            Ending(
                status=response.status,
                body_bytes=self._content,
                aborted=not _is_whole(response),
                served=served,
                said=signal_fields(response.headers.items()),
            )
        )

    def _written(self, size: int, _wire: int) -> None:
        """aiohttp's `on_body_write`: `size` octets of content, before compression, were handed to the connection."""
        self._content += size


def _hash_what_is_written(writer: AbstractStreamWriter, served: Hash) -> None:
    """Feed `served` with each piece of content that is handed to this writer; it has no other place to see them."""
    write, write_eof = writer.write, writer.write_eof

    async def hashed(chunk: bytes, *more: Any, **options: Any) -> None:
        served.update(chunk)
        await write(chunk, *more, **options)

    async def hashed_eof(chunk: bytes = b"") -> None:
        served.update(chunk)
        await write_eof(chunk)

    writer.write, writer.write_eof = hashed, hashed_eof  # type: ignore[method-assign,assignment]


def _is_compressed_in_flight(response: web.StreamResponse) -> bool:
    """Whether aiohttp compresses `response` as it writes; then octets on the wire are counted, chunk sizes included.

    A `Response` of bytes is compressed before it is written.
    """
    is_bytes = isinstance(response, web.Response) and isinstance(response.body, bytes | bytearray)
    return response.compression and "Content-Encoding" in response.headers and not is_bytes


def _is_whole(response: web.StreamResponse) -> bool:
    """Whether aiohttp came to the end of `response`."""
    if isinstance(response, web.WebSocketResponse):
        return response.close_code not in (None, WSCloseCode.ABNORMAL_CLOSURE)
    return response.body_length > 0  # set when all is written; it counts the head, too


def _head_size(request: web.Request, response: web.StreamResponse) -> int:
    """The octets of a response's head as aiohttp writes it."""
    version = request.version
    status_line = f"HTTP/{version.major}.{version.minor} {response.status} {response.reason}\r\n"
    fields = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    return len(f"{status_line}{fields}\r\n".encode("utf-8", "surrogateescape"))
