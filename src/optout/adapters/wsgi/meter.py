"""How one recognized crawler's exchange went, seen between a WSGI application and its server (PEP 3333).

Counted is what the server took out of the iterable, and what went through `write`. A server that stops before the end
has lost its client; it says so by calling `close`, as PEP 3333 obliges it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any
from wsgiref.types import StartResponse

from optout.messages import as_text
from optout.record import Ending, Hash
from optout.signals.verdict import NO_SIGNALS, signal_fields

_WITHOUT_CONTENT = frozenset({204, 304})


class Meter:
    """The count for one exchange. `told` is called once, at the end."""

    def __init__(
        self,
        method: str,
        start_response: StartResponse,
        told: Callable[[Ending], None],
        served: Hash | None = None,
    ) -> None:
        self._served = served
        self._is_head = method == "HEAD"
        self._start_response = start_response
        self._told: Callable[[Ending], None] | None = told
        self._status: int | None = None
        self._said = NO_SIGNALS
        self._content = 0

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """PEP 3333's `start_response`; a second call with `exc_info` replaces the first, if the server lets it."""
        write = self._start_response(status, headers, exc_info) if exc_info else self._start_response(status, headers)
        self._status = int(status.partition(" ")[0])
        self._said = signal_fields((name, as_text(value.encode("latin-1"))) for name, value in headers)

        def written(chunk: bytes) -> object:
            done = write(chunk)
            self.add(chunk)
            return done

        return written

    def add(self, chunk: bytes) -> None:
        """Content that goes to the server."""
        self._content += len(chunk)
        if self._served is not None:
            self._served.update(chunk)

    def end(self, *, is_whole: bool) -> None:
        """Tell how it went, once."""
        told, self._told = self._told, None
        if told is not None:
            has_content = not self._is_head and self._status not in _WITHOUT_CONTENT
            # Without content there is nothing to take, and some servers do not even ask.
            is_whole = is_whole or (self._status is not None and not has_content)
            size = self._content if has_content else 0
            told(
                Ending(status=self._status, body_bytes=size, aborted=not is_whole, served=self._served, said=self._said)
            )


def counted(content: Iterable[bytes], meter: Meter) -> Counted:
    """`content` on its way to the server."""
    # Servers compute a Content-Length from an iterable of one, and some ask for its length if it has the method.
    return SizedCounted(content, len(content), meter) if isinstance(content, Sized) else Counted(content, meter)


class Counted:
    """An application's iterable, chunk by chunk as the server takes it."""

    def __init__(self, content: Iterable[bytes], meter: Meter) -> None:
        self._content = content
        self._chunks: Iterator[bytes] | None = None
        self._meter = meter
        self._is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._chunks is None:
            self._chunks = iter(self._content)
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self._is_whole = True
            raise
        self._meter.add(chunk)
        return chunk

    def close(self) -> None:
        """PEP 3333: the server calls it at the end, whatever the end was."""
        try:
            close = getattr(self._content, "close", None)
            if close is not None:
                close()
        finally:
            self._meter.end(is_whole=self._is_whole)


class SizedCounted(Counted):
    """A `Counted` that knows how many chunks it has, as the application's list does."""

    def __init__(self, content: Iterable[bytes], size: int, meter: Meter) -> None:
        super().__init__(content, meter)
        self._size = size

    def __len__(self) -> int:
        return self._size
