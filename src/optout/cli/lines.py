"""Lines of standard input as they arrive, so that another program can ask, and wait for the answer."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader

_CHUNK = 65536  # what a pipe holds on Linux


def arriving(stream: BufferedReader) -> Iterator[list[bytes]]:
    """Whole lines without their line feeds, in lists as large as has arrived; a last line may lack the line feed."""
    held: list[bytes] = []
    while chunk := stream.read1(_CHUNK):
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield b"".join([*held, head]).split(b"\n")
            held = []
        if tail:
            held.append(tail)
    if held:
        yield [b"".join(held)]
