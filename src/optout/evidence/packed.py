"""Segments that were compressed to save room: gzip files (RFC 1952) in members of a MiB, so that `zcat` reads them.

Each member tells in an extra field (`OP`, section 2.3.1.1) how long it is and how much it holds. A reader finds its
way by these heads alone, so a record in the middle costs one member and not the whole file.

Rule 1: what is packed is on disk, and was read back, before the plain file goes; while both are there the plain one is
        the segment.
Rule 2: what cannot be unpacked ends the file at that place, as a plain one would that was cut off; nothing raises.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from optout.evidence.files import replace_file, sync_directory

SUFFIX = ".gz"
_MEMBER_BYTES = 1 << 20
_LEVEL = 6
# ID1 ID2 CM FLG(FEXTRA) MTIME(4) XFL OS | XLEN | SI1 SI2 LEN | whole member's size, what it holds
_HEAD = struct.Struct("<4sIBBHHHII")
_MAGIC = b"\x1f\x8b\x08\x04"
_FIELD = int.from_bytes(b"OP", "little")
_TAIL = struct.Struct("<II")
_RAW = -zlib.MAX_WBITS


def _member(data: bytes) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    body = compressor.compress(data) + compressor.flush()
    size = _HEAD.size + len(body) + _TAIL.size
    head = _HEAD.pack(_MAGIC, 0, 0, 255, 12, _FIELD, 8, size, len(data))
    return head + body + _TAIL.pack(zlib.crc32(data), len(data))


def _compressed(file: BinaryIO) -> bytes:
    return b"".join(iter(lambda: b"" if not (data := file.read(_MEMBER_BYTES)) else _member(data), b""))


class PackedFile(io.RawIOBase):
    """A packed segment, as if it lay there plain; read-only. Raises OSError where the file cannot be read."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._starts: list[tuple[int, int, int, int]] = []  # where a member's content begins and ends, its place, size
        self._position = 0
        self._held: tuple[int, bytes] = (-1, b"")
        self._find_members()

    def _find_members(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        place = content = 0
        while place + _HEAD.size <= end:
            self._file.seek(place)
            magic, *_, size, length = fields = _HEAD.unpack(self._file.read(_HEAD.size))
            whole = place + size <= end and size >= _HEAD.size + _TAIL.size and 0 < length <= _MEMBER_BYTES
            if magic != _MAGIC or fields[4:7] != (12, _FIELD, 8) or not whole:
                return
            self._starts.append((content, content + length, place, size))
            place, content = place + size, content + length

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the content."""
        end = self._starts[-1][1] if self._starts else 0
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: end}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        """Read what is left of one member, at most."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        number = self._position // _MEMBER_BYTES  # every member but the last holds the same
        if number >= len(self._starts):
            return 0
        content = self._content(number)
        piece = content[self._position - self._starts[number][0] :][: len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _content(self, number: int) -> bytes:
        if self._held[0] == number:
            return self._held[1]
        first, end, place, size = self._starts[number]
        self._file.seek(place + _HEAD.size)
        packed = self._file.read(size - _HEAD.size)
        content = b""
        if first == number * _MEMBER_BYTES:
            try:
                content = zlib.decompressobj(_RAW).decompress(packed[: -_TAIL.size], _MEMBER_BYTES)
            except zlib.error:
                content = b""
        if _TAIL.pack(zlib.crc32(content), end - first) != packed[-_TAIL.size :] or len(content) != end - first:
            content = b""  # rule 2
        self._held = number, content
        return content

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def open_segment(path: Path, buffering: int = io.DEFAULT_BUFFER_SIZE) -> BinaryIO:
    """A segment's content, packed or not; one that was packed since it was listed, too. Raises OSError."""
    if path.suffix != SUFFIX:
        try:
            return path.open("rb", buffering=buffering)
        except FileNotFoundError:
            path = packed_path(path)
            if not path.exists():
                raise
    return io.BufferedReader(PackedFile(path), buffering)


def packed_path(path: Path) -> Path:
    """What a plain segment is called once it is packed."""
    return path.with_name(path.name + SUFFIX)


def pack(path: Path) -> int:
    """Pack a plain segment that nobody writes any more; how many bytes that saved. Raises OSError."""
    packed = packed_path(path)
    before = path.stat().st_size
    with path.open("rb") as file:
        replace_file(packed, _compressed(file))
    if not _is_same(path, packed):
        packed.unlink()
        raise OSError(5, "what was packed does not read back as it was", str(path))
    path.unlink()
    sync_directory(path.parent)
    return before - packed.stat().st_size


def _is_same(path: Path, packed: Path) -> bool:
    with path.open("rb") as file, PackedFile(packed) as other:
        while True:
            data = file.read(_MEMBER_BYTES)
            if other.read(_MEMBER_BYTES) != data:
                return False
            if not data:
                return True


def overwrite(path: Path, offset: int, data: bytes) -> None:
    """Put other bytes into the content of a packed segment; it is written whole. Raises OSError."""
    with io.BufferedReader(PackedFile(path)) as file:
        content = bytearray(file.read())
    content[offset : offset + len(data)] = data
    replace_file(path, _compressed(io.BytesIO(bytes(content))))
