"""T24: a million people pass the part that decides, and nothing of them is anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings
from tests.faults.door import CHROME, POLICY
from tests.faults.reading import check

pytestmark = pytest.mark.fault
CANARY = "canary-of-a-person"


async def test_a_million_people_leave_nothing_behind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    settings = Settings(
        state=tmp_path / "state", software="test", policy=tmp_path / "policy.yaml", evidence=tmp_path / "evidence"
    )
    driver = Driver(settings, CallableSource(lambda _authority, _path: None))
    await driver.start()
    for number in range(1_000_000):
        assert driver.recognize("site.example", f"{CHROME} {CANARY}/{number % 1000}", None) is None
    await driver.stop()
    assert not [one for one in check(tmp_path / "evidence") if str(one["type"]).startswith("crawl.")]
    told = capfd.readouterr()
    assert CANARY not in told.out + told.err
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or CANARY.encode() not in file.read_bytes(), file
