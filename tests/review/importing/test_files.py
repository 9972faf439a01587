"""Files of any size and packing, as whole lines with the hash of what lay on the disk."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from optout.review.importing import files
from optout.review.importing.files import Reading, read_pieces

TEXT = b"".join(b"line %d\n" % number for number in range(1000)) + b"no end"


def read(data: bytes) -> tuple[bytes, Reading]:
    reading = Reading(path=Path("x"))
    told: list[int] = []
    pieces = list(read_pieces(reading, io.BytesIO(data), told.append))
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])
    assert sum(told) == reading.size == len(data)
    assert reading.sha256 == hashlib.sha256(data).hexdigest()
    return b"".join(pieces), reading


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
        gzip.compress(TEXT) + b"\x00" * 512,
        _zstd(TEXT),
        _zstd(TEXT[:100]) + _zstd(TEXT[100:]),
    ],
    ids=["plain", "gzip", "members", "padded", "zstd", "frames"],
)
def test_the_same_lines_come_from_every_packing(data: bytes) -> None:
    text, reading = read(data)
    assert text == TEXT
    assert reading.why == ""


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstd"])
def test_pieces_are_bounded_whatever_a_file_unpacks_to(pack, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(files, "PIECE", 4096)
    bomb = pack(b"a\n" * 2_000_000)
    largest = 0
    for piece in read_pieces(Reading(path=Path("x")), io.BytesIO(bomb)):
        largest = max(largest, len(piece))
    assert largest <= 2 * 4096


def test_a_line_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE", 1000)
    monkeypatch.setattr(files, "LONGEST_LINE", 1500)
    pieces = list(read_pieces(Reading(path=Path("x")), io.BytesIO(b"a" * 10_000 + b"\nb\n")))
    assert max(map(len, pieces)) <= 1501
    assert b"".join(pieces).replace(b"\n", b"") == b"a" * 10_000 + b"b"


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstd"])
def test_a_file_that_is_cut_off_or_spoiled_gives_what_it_has_and_says_so(pack) -> None:  # type: ignore[no-untyped-def]
    packed = pack(bytes(range(256)) * 4000)
    _, cut = read(packed[: len(packed) // 2])
    spoiled = bytearray(packed)
    spoiled[len(packed) // 2 :] = b"\xff" * (len(packed) - len(packed) // 2)
    _, damaged = read(bytes(spoiled))
    assert damaged.why
    assert cut.why or pack is _zstd  # zstd's reader takes the end of the data for the end of the frame


def test_another_packing_is_read_as_it_is_and_is_nobody_s_log() -> None:
    assert read(bz2.compress(TEXT))[0]


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", gzip.compress(b"x")[:12]]))
def test_nothing_that_lies_in_a_file_raises(data: bytes, start: bytes) -> None:
    read(start + data)
