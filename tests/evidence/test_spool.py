"""A spool as its writer sees it: what lies where, how far it is durable, how much room it may take."""

from __future__ import annotations

import fcntl
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.directory import Layout
from optout.evidence.segments import Entry, list_segments, read_entries
from optout.evidence.spool import DURABLE, LOCK, Spool, encode_count, list_spools, parse_count, spools_size
from tests.evidence.setting import Disk, fill

BOOT = str(uuid.UUID(int=7))
RECORDS = [b'{"n":%d}' % number for number in range(5)]


@pytest.fixture
def layout(home: Path) -> Layout:
    """A log that nobody holds."""
    fill(home, 1)
    return Layout(home)


def _spool(layout: Layout, boot: str = BOOT) -> Spool:
    return Spool(layout, boot, max_bytes=1 << 20)


def _count(spool: Spool) -> int | None:
    return parse_count((spool.path / DURABLE).read_bytes())


def test_records_are_durable_and_counted_before_the_append_returns(layout: Layout, disk: Disk) -> None:
    spool = _spool(layout)
    before = disk.syncs
    receipts = spool.append(RECORDS, [], [], 0)
    assert disk.syncs == before + 1
    assert [receipt.seq for receipt in receipts] == list(range(5))
    assert {receipt.index for receipt in receipts} == {None}
    assert [item.record for item in read_entries(spool.path) if isinstance(item, Entry)] == RECORDS
    assert _count(spool) == spool.size == 5


def test_the_count_does_not_move_when_a_sync_fails(layout: Layout, disk: Disk) -> None:
    spool = _spool(layout)
    spool.append(RECORDS[:2], [], [], 0)
    disk.fail_sync = 1
    with pytest.raises(OSError, match="Input/output"):
        spool.append(RECORDS[2:4], [], [], 2)
    assert _count(spool) == 2
    spool.append(RECORDS[4:], [], [], 2)
    assert _count(spool) == 3


def test_a_spool_is_locked_from_the_moment_it_can_be_seen(layout: Layout) -> None:
    spool = _spool(layout)
    with (spool.path / LOCK).open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    spool.close()
    spool.let_go()
    spool.let_go()
    with (spool.path / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_everything_is_for_its_owner_alone(layout: Layout) -> None:
    spool = _spool(layout)
    spool.append(RECORDS, [], [], 0)
    spool.store("0" * 64, b"document")
    assert {path.stat().st_mode & 0o777 for path in spool.path.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (spool.path, layout.spools)} == {0o700}


def test_two_writers_never_share_a_spool(layout: Layout) -> None:
    first, second = _spool(layout), _spool(layout, str(uuid.UUID(int=8)))
    assert list_spools(layout) == (first.path, second.path)
    with pytest.raises(OSError, match=BOOT):
        _spool(layout)


def test_other_names_are_no_spools(layout: Layout) -> None:
    assert list_spools(layout) == ()
    layout.spools.mkdir()
    for name in ("notes", f".{BOOT}.new", BOOT.upper().replace("0", "A"), BOOT + "\n"):
        (layout.spools / name).mkdir()
    assert list_spools(layout) == ()
    assert spools_size(layout) == 0


def test_a_document_is_known_once_it_lies_in_the_log_or_was_recorded_here(layout: Layout) -> None:
    spool = _spool(layout)
    assert not spool.knows("a" * 64)
    spool.store("a" * 64, b"document")
    assert not spool.knows("a" * 64)
    spool.append(RECORDS[:1], [], ["a" * 64], 0)
    assert spool.knows("a" * 64)
    assert not spool.knows("b" * 64)
    (layout.snapshots / ("b" * 64)).write_bytes(b"another's")
    assert spool.knows("b" * 64)
    assert {path.name for path in layout.snapshots.iterdir()} | {"a" * 64} == spool.recorded


def test_a_document_whose_record_failed_is_forgotten(layout: Layout) -> None:
    spool = _spool(layout)
    spool.store("a" * 64, b"document")
    spool.discard("a" * 64)
    spool.discard("a" * 64)
    assert not (spool.path / ("a" * 64)).exists()


def test_all_spools_together_count_and_what_was_taken_over_counts_no_more(layout: Layout) -> None:
    spool, other = _spool(layout), _spool(layout, str(uuid.UUID(int=8)))
    spool.append(RECORDS, [], [], 0)
    other.append([b"x" * 1000], [], [], 0)
    spool.look(0, now=True, may_write=True)
    assert spool.used == spools_size(layout) > 1000
    list_segments(other.path)[0].path.unlink()
    spool.look(500_000, now=False, may_write=True)
    assert spool.used > 1000  # once a second is often enough
    spool.look(2_000_000, now=False, may_write=True)
    assert spool.used < 1000


def test_what_is_signed_is_seen_from_the_published_checkpoint(layout: Layout) -> None:
    spool = _spool(layout)
    assert spool.checkpoint_size == 0
    spool.look(0, now=True, may_write=True)
    assert spool.checkpoint_size == 3
    assert spool.checkpoint_us == layout.checkpoint.stat().st_mtime_ns // 1000
    layout.checkpoint.write_bytes(b"half")
    spool.look(0, now=True, may_write=True)
    assert spool.checkpoint_size == 3


@given(st.integers(0, 2**64 - 1))
def test_a_count_reads_back(count: int) -> None:
    assert parse_count(encode_count(count)) == count


@given(st.binary(max_size=40))
def test_any_other_bytes_are_no_count(data: bytes) -> None:
    found = parse_count(data)
    assert found is None or encode_count(found) == data


def test_a_torn_count_is_no_count() -> None:
    old, new = encode_count(255), encode_count(256)
    assert all(parse_count(new[:cut] + old[cut:]) in (None, 255, 256) for cut in range(len(new)))
