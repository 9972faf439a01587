"""An origin and a mitmdump before it, shared by the tests of one file that change neither."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.mitmdump import GPTBOT, Mitmdump
from tests.doors.raw_origin import RawOrigin


@pytest.fixture(scope="module")
def raw_origin() -> Iterator[RawOrigin]:
    with RawOrigin() as origin:
        yield origin


@pytest.fixture(scope="module")
def mitmdump(raw_origin: RawOrigin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with Mitmdump(tmp_path_factory.mktemp("door"), raw_origin.port) as child:
        child.ask("/warm", GPTBOT)  # until its first answer the site is not known to declare anything
        yield child
        assert "error" not in child.output, "nothing that a visitor sent may make mitmproxy or the door fail"
        assert "fault" not in child.output


_MEMORY = Path("/dev/shm")
_ROOM = 512 * 1024 * 1024  # octets


@pytest.fixture
def quiet_place(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory, where there is room: for tests of what is decided and not of when.

    Beside a busy disk a record may take longer than a crawler waits, and content for training then stays back.
    """
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY, ignore_cleanup_errors=True) as place:
        yield Path(place)
