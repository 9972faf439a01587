"""How much the log may take."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from optout.evidence import budget
from optout.evidence.budget import MIB, Budget, FloodRule, disk_size, size_limit

SECOND_US = 1_000_000


def _disk_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(budget.os, "statvfs", lambda _: SimpleNamespace(f_blocks=size // 4096, f_frsize=4096))


def test_the_size_of_the_disk_is_that_of_the_file_system(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    assert disk_size(tmp_path) == status.f_blocks * status.f_frsize


@pytest.mark.parametrize(("disk", "limit"), [(10_000 * MIB, 1000 * MIB), (100_000 * MIB, 2048 * MIB)])
def test_a_log_takes_a_tenth_of_the_disk_and_no_more_than_two_gib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: int, limit: int
) -> None:
    _disk_of(monkeypatch, disk)
    assert size_limit(Budget(), tmp_path) == limit


def test_the_owner_may_say_otherwise(tmp_path: Path) -> None:
    assert size_limit(Budget(max_bytes=5 * MIB), tmp_path) == 5 * MIB


def test_a_key_has_so_many_records_a_minute() -> None:
    rule = FloodRule(3)
    assert [rule.admits("a", 0) for _ in range(5)] == [True, True, True, False, False]
    assert rule.admits("b", 0)
    assert rule.admits("a", 60 * SECOND_US)


def test_no_key_and_no_limit_admit_everything() -> None:
    assert all(FloodRule(1).admits("", 0) for _ in range(5))
    rule = FloodRule(0)
    assert all(rule.admits("a", 0) for _ in range(5))


def test_whoever_invents_keys_fills_no_memory() -> None:
    rule = FloodRule(3)
    admitted = sum(rule.admits(f"key {number}", 0) for number in range(20_000))
    assert admitted == 4096 + 3
    assert len(rule._counts) == 4097
    assert rule.admits("key 7", 0)
