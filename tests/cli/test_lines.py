"""Lines arrive whole, whatever the pieces in which they come."""

from __future__ import annotations

from io import BufferedReader, BytesIO, RawIOBase

import pytest

from optout.cli.lines import arriving


class Pieces(RawIOBase):
    """A pipe that gives one piece a read."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece = self.pieces.pop(0) if self.pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(
    ("pieces", "batches"),
    [
        ((), []),
        ((b"a\nb\n",), [[b"a", b"b"]]),
        ((b"a\nb",), [[b"a"], [b"b"]]),
        ((b"a", b"b", b"\nc\n"), [[b"ab", b"c"]]),
        ((b"\n", b"\n\n"), [[b""], [b"", b""]]),
        ((b"a\r\n\xff\x0b\n",), [[b"a\r", b"\xff\x0b"]]),
    ],
)
def test_lines_come_whole_and_as_soon_as_they_can(pieces: tuple[bytes, ...], batches: list[list[bytes]]) -> None:
    assert list(arriving(BufferedReader(Pieces(*pieces)))) == batches  # type: ignore[arg-type]


def test_a_long_line_is_put_together() -> None:
    line = b"x" * 200_000
    assert [one for batch in arriving(BufferedReader(BytesIO(line + b"\ny\n"))) for one in batch] == [line, b"y"]
