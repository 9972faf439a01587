"""Keys of private parts: one pair a tenant and month, the same for everybody who needs it, gone when destroyed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.keys import KeyStore, MonthKeys, TenantMonth, _file_name, _name, month_of


def test_keys_are_made_once_and_differ_by_tenant_and_month(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    one = store.get("alice", "2026-11", 0)
    assert store.get("alice", "2026-11", 5) == one == KeyStore(tmp_path / "keys").get("alice", "2026-11", 0)
    others = {store.get("alice", "2026-12", 0), store.get("bob", "2026-11", 0), store.get("", "2026-11", 0)}
    assert len({one, *others}) == 4
    assert one.seal != one.name
    assert list(store.list()) == [
        TenantMonth("", "2026-11"),
        TenantMonth("alice", "2026-11"),
        TenantMonth("alice", "2026-12"),
        TenantMonth("bob", "2026-11"),
    ]
    assert (tmp_path / "keys" / "alice" / "2026-11").stat().st_mode & 0o777 == 0o600


def test_who_comes_at_once_gets_the_same(tmp_path: Path) -> None:
    found: list[MonthKeys] = []
    begin = threading.Barrier(8)

    def ask() -> None:
        begin.wait()
        found.append(KeyStore(tmp_path).get("alice", "2026-11", 0))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in (tmp_path / "alice").iterdir()] == ["2026-11"]


def test_destroyed_keys_are_gone_for_everybody_within_a_second(tmp_path: Path) -> None:
    holder, other = KeyStore(tmp_path), KeyStore(tmp_path)
    old = holder.get("alice", "2026-11", 0)
    with other.alone():
        assert other.destroy(TenantMonth("alice", "2026-11"))
    assert not other.destroy(TenantMonth("alice", "2026-11"))
    assert other.find("alice", "2026-11") is None
    assert holder.get("alice", "2026-11", 999_999) == old
    assert holder.get("alice", "2026-11", 1_000_000) != old


def test_a_key_that_is_damaged_is_none(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.get("alice", "2026-11", 0)
    (tmp_path / "alice" / "2026-11").write_bytes(b"short")
    assert store.find("alice", "2026-11") is None


def test_erased_ids_are_kept_beside_the_keys(tmp_path: Path) -> None:
    store, where = KeyStore(tmp_path), TenantMonth("alice", "2026-11")
    assert store.erased(where) == frozenset()
    store.note_erased(where, "b")
    store.note_erased(where, "a")
    assert store.erased(where) == {"a", "b"}
    assert list(store.list()) == []


@given(st.text(max_size=300))
def test_a_tenant_has_a_directory_of_its_own_whatever_it_is_called(tenant: str) -> None:
    name = _file_name(tenant)
    assert "/" not in name
    assert name not in (".", "..", "")
    assert len(name) <= 255
    assert _file_name(_name(name)) == name


@pytest.mark.parametrize(
    ("time_us", "month"),
    [(0, "1970-01"), (1_795_000_000_000_000, "2026-11"), (10**18, "9999-12"), (-(10**18), "9999-12")],
)
def test_a_time_has_a_month(time_us: int, month: str) -> None:
    assert month_of(time_us) == month
