"""`optout demo`: every door told everybody what was expected, and the logs verify."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from optout.cli.demo.visitors import VISITS
from optout.crawlers.registry import bundled_registry


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    place = tmp_path_factory.mktemp("demo") / "kept"
    command = [sys.executable, "-m", "optout", "demo", "--json", "--keep", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place, json.loads(done.stdout)


def test_three_doors_agree_on_every_visitor(kept: tuple[Path, dict[str, object]]) -> None:
    _, result = kept
    assert result["ok"] is True
    visits = result["visits"]
    assert isinstance(visits, list)
    assert len(visits) == len(VISITS)
    assert all(visit["agree"] and visit["expected"] and len(visit["status"]) == 3 for visit in visits)


def test_every_log_is_whole_and_holds_nobody_else(kept: tuple[Path, dict[str, object]]) -> None:
    _, result = kept
    expected = sum(1 for visit in VISITS if visit.reason)
    logs = result["logs"]
    assert isinstance(logs, list)
    for log in logs:
        assert log["verdict"] == "sound"
        assert log["records"]["crawl.request"] == expected
        assert log["unexpected"] == 0


def test_no_person_is_named_in_any_file(kept: tuple[Path, dict[str, object]]) -> None:
    place, _ = kept
    for file in place.rglob("*"):
        if file.is_file() and file.name != bundled_registry().sha256:  # the list of crawlers names feed readers, too
            data = file.read_bytes()
            assert b"Windows NT 10.0; Win64" not in data, file
            assert b"iPhone OS 18_6" not in data, file
            assert b"Feedly" not in data, file
