"""Packed segments read as plain ones, from anywhere; what is damaged ends them."""

from __future__ import annotations

import gzip
import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence import packed
from optout.evidence.packed import PackedFile, open_segment, overwrite, pack, packed_path


def _content(size: int) -> bytes:
    return bytes(random.Random(size).choices(b'{"a":1,"b":"GPTBot"}', k=size))


@pytest.mark.parametrize("size", [1, packed._MEMBER_BYTES, packed._MEMBER_BYTES + 1, 3 * packed._MEMBER_BYTES + 17])
def test_what_is_packed_is_the_same_for_us_and_for_gzip(tmp_path: Path, size: int) -> None:
    path, data = tmp_path / "0.frames", _content(size)
    path.write_bytes(data)
    saved = pack(path)
    assert not path.exists()
    assert gzip.decompress(packed_path(path).read_bytes()) == data
    assert saved == size - packed_path(path).stat().st_size
    with open_segment(path) as file:  # by its former name, too
        assert file.read() == data
        for place in {0, size // 2, size - 1, size, size + 5}:
            file.seek(place)
            assert file.read(100) == data[place : place + 100]
        assert file.seek(-1, io.SEEK_END) == size - 1


def test_bytes_can_be_put_into_it(tmp_path: Path) -> None:
    path, data = tmp_path / "0.frames", bytearray(_content(packed._MEMBER_BYTES + 50))
    path.write_bytes(data)
    pack(path)
    overwrite(packed_path(path), packed._MEMBER_BYTES - 5, bytes(10))
    data[packed._MEMBER_BYTES - 5 : packed._MEMBER_BYTES + 5] = bytes(10)
    with open_segment(path) as file:
        assert file.read() == data


def test_what_does_not_read_back_leaves_the_plain_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "0.frames"
    path.write_bytes(b"x" * 100)
    monkeypatch.setattr(packed, "_compressed", lambda _: packed._member(b"y" * 100))
    with pytest.raises(OSError, match="read back"):
        pack(path)
    assert path.read_bytes() == b"x" * 100
    assert not packed_path(path).exists()


@given(st.binary(max_size=400))
def test_foreign_bytes_never_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("foreign") / "0.frames.gz"
    path.write_bytes(data)
    with PackedFile(path) as file:
        file.read()


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_flipped_byte_ends_the_file_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, place: int, mask: int
) -> None:
    data = _content(5_000)
    file = bytearray(packed._member(data) + packed._member(b"end"))
    file[place % len(file)] ^= mask
    path = tmp_path_factory.mktemp("flipped") / "0.frames.gz"
    path.write_bytes(file)
    with PackedFile(path) as opened:
        found = opened.read()
    assert found in {b"", data, data + b"end"}


def test_a_member_that_says_it_holds_more_than_it_may_is_none(tmp_path: Path) -> None:
    bomb = packed._member(bytes(packed._MEMBER_BYTES + 1))
    (tmp_path / "0.frames.gz").write_bytes(bomb)
    with PackedFile(tmp_path / "0.frames.gz") as file:
        assert file.read() == b""
