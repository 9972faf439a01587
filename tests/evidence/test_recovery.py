"""Opening a log again: what a crash leaves is mended, what was signed is never touched."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence import torn
from optout.evidence.checkpoint import Checkpoint
from optout.evidence.directory import Layout
from optout.evidence.frames import frame
from optout.evidence.log import Budget
from optout.evidence.recovery import recover, resume_segments
from optout.evidence.segments import list_segments
from optout.evidence.signing import Notary, load_signer
from tests.evidence.setting import entries, fill, records

UNSIGNED = [b'{"unsigned":%d}' % number * 6 for number in range(3)]


def _signed(layout: Layout) -> Checkpoint:
    signer = load_signer(layout.key, layout.vkey)
    return Notary(signer, state_file=layout.state, checkpoint_file=layout.checkpoint).checkpoint


@pytest.fixture
def layout(home: Path) -> Layout:
    """A closed log of a start, a document and five records."""
    fill(home, 5)
    return Layout(home)


def _segment(layout: Layout) -> Path:
    return list_segments(layout.segments)[-1].path


def _more(layout: Layout) -> bytes:
    """Three records behind the last checkpoint, as a crash leaves them; returns the signed bytes."""
    signed = _segment(layout).read_bytes()
    _segment(layout).write_bytes(signed + b"".join(map(frame, UNSIGNED)))
    return signed


def test_a_whole_log_is_read_back(layout: Layout) -> None:
    found = recover(layout, _signed(layout))
    assert found.tree.size == 7
    assert found.tree.root() == _signed(layout).root
    assert len(found.recorded) == 1
    assert found.cut == ""
    assert found.used == sum(path.stat().st_size for path in layout.segments.iterdir()) + 26


def test_records_behind_the_last_checkpoint_are_kept(layout: Layout) -> None:
    _more(layout)
    assert recover(layout, _signed(layout)).tree.size == 10


def test_a_cut_anywhere_in_the_last_records_is_mended(layout: Layout) -> None:
    signed = _more(layout)
    whole = _segment(layout).read_bytes()
    checkpoint = _signed(layout)
    ends = [len(signed)]
    for record in UNSIGNED:
        ends.append(ends[-1] + len(frame(record)))
    for cut in range(len(signed), len(whole) + 1):
        _segment(layout).write_bytes(whole[:cut])
        found = recover(layout, checkpoint)
        complete = max(count for count, end in enumerate(ends) if end <= cut)
        assert found.tree.size == 7 + complete
        assert _segment(layout).read_bytes() == whole[: ends[complete]]
        assert bool(found.cut) == (cut not in ends)
        assert recover(layout, checkpoint).cut == ""


def test_what_is_cut_off_is_kept(layout: Layout) -> None:
    signed = _more(layout)
    whole = bytearray(_segment(layout).read_bytes())
    whole[len(signed) + 20] ^= 1
    _segment(layout).write_bytes(whole)
    found = recover(layout, _signed(layout))
    assert found.tree.size == 7
    assert "checksum" in found.cut
    (kept,) = layout.torn.iterdir()
    assert kept.read_bytes() == whole[len(signed) :]
    assert layout.torn.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_gives_up_the_ballast_to_keep_what_is_cut_off(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    _more(layout)
    _segment(layout).write_bytes(_segment(layout).read_bytes()[:-1])
    assert layout.ballast.exists()
    real = torn.replace_file

    def full_until_released(path: Path, data: bytes) -> None:
        if layout.ballast.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(torn, "replace_file", full_until_released)
    assert recover(layout, _signed(layout)).tree.size == 9


@pytest.mark.parametrize("back", [1, 30, 700])
def test_a_log_cut_below_its_signed_size_is_refused_and_left_as_it_is(layout: Layout, back: int) -> None:
    path = _segment(layout)
    path.write_bytes(path.read_bytes()[:-back])
    before = path.read_bytes()
    with pytest.raises(EvidenceError, match="which was signed, is damaged"):
        recover(layout, _signed(layout))
    assert path.read_bytes() == before
    assert not layout.torn.exists()


def test_whole_records_dropped_below_the_signed_size_are_missed(layout: Layout) -> None:
    path = _segment(layout)
    path.write_bytes(path.read_bytes()[: entries(layout.root)[5].offset])
    with pytest.raises(EvidenceError, match="5 records are left of 7 that were signed"):
        recover(layout, _signed(layout))


def test_a_damaged_signed_record_is_named_with_its_file(layout: Layout) -> None:
    third = entries(layout.root)[3]
    data = bytearray(third.path.read_bytes())
    data[third.offset + 12] ^= 1
    third.path.write_bytes(data)
    with pytest.raises(EvidenceError, match=r"frames: record 3, which was signed, is damaged .*checksum"):
        recover(layout, _signed(layout))


def test_an_edited_record_with_a_good_checksum_is_found(layout: Layout) -> None:
    third = entries(layout.root)[3]
    edited = third.record.replace(b'"deny"', b'"pass"')
    data = third.path.read_bytes().replace(frame(third.record), frame(edited))
    third.path.write_bytes(data)
    with pytest.raises(EvidenceError, match="not those that were signed"):
        recover(layout, _signed(layout))
    assert third.path.read_bytes() == data


def test_damage_before_a_later_segment_is_refused_even_if_unsigned(home: Path) -> None:
    fill(home, 2)
    layout = Layout(home)
    _more(layout)
    data = bytearray(_segment(layout).read_bytes())
    data[-3] ^= 1
    _segment(layout).write_bytes(data)
    (layout.segments / f"{7:016d}.frames").write_bytes(frame(b"{}"))
    with pytest.raises(EvidenceError, match="which was recorded, is damaged"):
        recover(layout, _signed(layout))


def test_a_missing_segment_is_missed(home: Path) -> None:
    fill(home, 5, budget=Budget(segment_bytes=600, ballast_bytes=0))
    layout = Layout(home)
    shutil.move(list_segments(layout.segments)[1].path, home / "elsewhere")
    with pytest.raises(EvidenceError, match="missing"):
        recover(layout, _signed(layout))


def test_files_that_cannot_be_read_are_an_error(layout: Layout) -> None:
    shutil.rmtree(layout.snapshots)
    with pytest.raises(EvidenceError, match="cannot read"):
        recover(layout, _signed(layout))


def test_the_writer_goes_on_in_the_last_segment(layout: Layout) -> None:
    writer = resume_segments(layout, recover(layout, _signed(layout)), 1 << 20)
    writer.append([b'{"next":1}'])
    writer.close()
    assert len(list_segments(layout.segments)) == 1
    assert entries(layout.root)[7].record == b'{"next":1}'


def test_a_segment_that_cannot_be_opened_is_an_error(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    found = recover(layout, _signed(layout))

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("optout.evidence.segments.os.open", refuse)
    with pytest.raises(EvidenceError, match="Read-only"):
        resume_segments(layout, found, 1 << 20)


def test_a_document_whose_record_never_came_is_set_aside(layout: Layout) -> None:
    named = next(layout.snapshots.iterdir())
    (layout.snapshots / ("f" * 64)).write_bytes(b"stored, and then the crash")
    recover(layout, _signed(layout))
    assert list(layout.snapshots.iterdir()) == [named]
    assert (layout.torn / ("f" * 64)).read_bytes() == b"stored, and then the crash"


def test_how_far_spools_were_taken_over_is_read_from_the_records(layout: Layout) -> None:
    boot = str(records(layout.root)[0]["writer.boot"])
    (layout.spools / boot).mkdir(parents=True)
    (layout.spools / boot.replace(boot[0], "0")).mkdir(exist_ok=True)
    assert recover(layout, _signed(layout)).taken[boot] == 7
