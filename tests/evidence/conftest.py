"""Fixtures of the evidence tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.evidence import ballast, segments
from tests.evidence.setting import Disk, StoppedClock


@pytest.fixture
def clock() -> StoppedClock:
    """A clock that the test moves."""
    return StoppedClock()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk below the segments, with faults to order. While it is full the ballast cannot be had again either."""
    faulty = Disk(segments.write_all, segments.sync)
    monkeypatch.setattr(segments, "write_all", faulty.write_all)
    monkeypatch.setattr(segments, "sync", faulty.sync)
    restore = ballast.Ballast.restore
    monkeypatch.setattr(ballast.Ballast, "restore", lambda self: not faulty.full and restore(self))
    return faulty


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a test's log lives."""
    return tmp_path / "evidence"
