"""One record in a file: `u32 length | u32 CRC-32 | record`, big-endian (evidence.md part 5.5).

A record that has a private part follows a frame with that, sealed (`private`): the top bit of its length is set, and
its checksum covers the length alone, so that the part can be erased in place without touching anything else.

Rule 1: a frame is whole or it is not there. Nothing ever parses half a record.
Rule 2: no frame is empty, because eight zero bytes, which a power cut can leave behind, would be an empty frame.
Rule 3: a private part and its record are one. What is damaged in the part is no damage to the record.
"""

from __future__ import annotations

import io
import struct
import zlib
from enum import StrEnum
from typing import BinaryIO, NamedTuple

_HEAD = struct.Struct(">II")
HEAD_BYTES = _HEAD.size
MAX_FRAME = 65_535  # bytes of a record: what a C2SP tile entry can hold
_PRIVATE = 1 << 31


class Damage(StrEnum):
    """How a segment ends where a frame should be."""

    INCOMPLETE = "incomplete"  # the file ends within a frame: a write that was cut off
    LENGTH = "length"  # no frame has such a length
    CHECKSUM = "checksum"
    MISSING = "missing"  # whole frames are gone: fewer than the next segment's name says
    FOREIGN = "foreign"  # in a spool: a whole frame, and not the record that is due there


class Framed(NamedTuple):
    """A record and its sealed private part; b"" if it has none."""

    record: bytes
    private: bytes

    @property
    def size(self) -> int:
        """How many bytes both take in a file."""
        return framed_size(self.record, self.private)


def frame(record: bytes, private: bytes = b"") -> bytes:
    """A record with its length and checksum before it, behind its private part if it has one."""
    whole = _HEAD.pack(len(record), zlib.crc32(record)) + record
    return _private_head(len(private)) + private + whole if private else whole


def _private_head(length: int) -> bytes:
    word = (_PRIVATE | length).to_bytes(4, "big")
    return word + zlib.crc32(word).to_bytes(4, "big")


def read_framed(file: BinaryIO) -> Framed | Damage | None:
    """The next record with its private part; None at the end of the file."""
    head = file.read(HEAD_BYTES)
    if not head:
        return None
    private = b""
    if len(head) == HEAD_BYTES and head[0] & 0x80:
        length = _private_length(head)
        if length is None:
            return Damage.LENGTH
        private = file.read(length)
        head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return Damage.INCOMPLETE
    length, checksum = _HEAD.unpack(head)
    if not 0 < length <= MAX_FRAME:
        return Damage.LENGTH
    record = file.read(length)
    if len(record) < length:
        return Damage.INCOMPLETE
    return Framed(record, private) if zlib.crc32(record) == checksum else Damage.CHECKSUM


def _private_length(head: bytes) -> int | None:
    """The length that the head of a private part tells; None if no such part has it."""
    word, checksum = head[:4], head[4:]
    length = int.from_bytes(word, "big") - _PRIVATE
    fits = 0 < length <= MAX_FRAME and zlib.crc32(word).to_bytes(4, "big") == checksum
    return length if fits else None


def split_frames(data: bytes) -> tuple[list[Framed], Damage | None]:
    """The whole records at the beginning of `data`, and what is wrong behind them; None where nothing is left."""
    file = io.BytesIO(data)
    records: list[Framed] = []
    while True:
        framed = read_framed(file)
        if not isinstance(framed, Framed):
            return records, framed
        records.append(framed)


def framed_size(record: bytes, private: bytes = b"") -> int:
    """How many bytes a record and its private part take in a file."""
    return HEAD_BYTES + len(record) + (HEAD_BYTES + len(private) if private else 0)
