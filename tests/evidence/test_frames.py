"""Frames: records and their private parts read back, and a cut or a flip never makes half a record."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.frames import HEAD_BYTES, MAX_FRAME, Damage, Framed, frame, framed_size, read_framed, split_frames

PAIRS = st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.binary(max_size=20)), max_size=6)


def _written(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(frame(record, private) for record, private in pairs)


@given(PAIRS)
def test_what_is_written_is_read(pairs: list[tuple[bytes, bytes]]) -> None:
    data = _written(pairs)
    assert split_frames(data) == ([Framed(*pair) for pair in pairs], None)
    assert len(data) == sum(framed_size(*pair) for pair in pairs) == sum(Framed(*pair).size for pair in pairs)


@given(PAIRS, st.integers(0, 400))
def test_a_cut_leaves_whole_records_only(pairs: list[tuple[bytes, bytes]], cut: int) -> None:
    data = _written(pairs)[:cut]
    found, damage = split_frames(data)
    assert found == [Framed(*pair) for pair in pairs][: len(found)]
    rest = len(data) - sum(each.size for each in found)
    assert damage is (Damage.INCOMPLETE if rest else None)


@given(st.binary(max_size=300))
def test_foreign_bytes_are_records_or_damage(data: bytes) -> None:
    found, damage = split_frames(data)
    assert sum(each.size for each in found) <= len(data)
    assert damage is not None or sum(each.size for each in found) == len(data)


def test_an_erased_part_is_no_damage_and_a_changed_length_is() -> None:
    data = bytearray(frame(b"record", b"secret"))
    data[HEAD_BYTES : HEAD_BYTES + 6] = bytes(6)
    assert split_frames(bytes(data)) == ([Framed(b"record", bytes(6))], None)
    for place in range(HEAD_BYTES):
        changed = bytearray(data)
        changed[place] ^= 1
        assert split_frames(bytes(changed))[1] is not None


def test_a_part_without_its_record_is_incomplete() -> None:
    data = frame(b"record", b"secret")
    assert split_frames(data[: HEAD_BYTES + 6]) == ([], Damage.INCOMPLETE)
    twice = data[: HEAD_BYTES + 6] + data
    assert split_frames(twice)[1] is Damage.LENGTH


@pytest.mark.parametrize("data", [bytes(8), b"\xff" * 8, (MAX_FRAME + 1).to_bytes(4, "big") + bytes(4)])
def test_no_frame_has_such_a_length(data: bytes) -> None:
    assert read_framed(io.BytesIO(data)) is Damage.LENGTH


def test_reading_is_linear_in_what_there_is() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    data = _written([(b"x" * 100, b"y" * 50)] * 1000)
    file = Counting(data)
    while read_framed(file) is not None:
        pass
    assert file.taken == len(data)
