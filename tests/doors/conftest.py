"""An origin and a mitmdump before it, shared by the tests of one file that change neither."""

from __future__ import annotations

from collections.abc import Iterator

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
