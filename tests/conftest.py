"""For all tests: what doors of a test have shared in memory goes with the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BEFORE = pytest.StashKey[set[Path]]()


def _shared() -> set[Path]:
    return set(Path("/dev/shm").glob(f"optout-{os.geteuid()}-*"))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note what is there."""
    session.config.stash[_BEFORE] = _shared()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what has come, once all workers of this run have ended."""
    if not hasattr(session.config, "workerinput"):
        for file in _shared() - session.config.stash[_BEFORE]:
            file.unlink(missing_ok=True)
