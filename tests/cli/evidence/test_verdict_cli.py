"""`optout evidence verify` as a person or a script runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from optout.errors import UsageError
from tests.cli.evidence.setting import run


def test_verify_says_sound_and_what_that_does_not_mean(home: Path) -> None:
    done = run("verify", home)
    assert done.exit_code == 0
    assert done.output.startswith("sound (self-attested")
    assert "not proved" in done.output


def test_verify_with_the_expected_key_is_not_self_attested(home: Path) -> None:
    done = run("verify", home, "--vkey", (home / "vkey").read_text().strip())
    assert done.exit_code == 0
    assert "self-attested" not in done.output


def test_verify_as_json_lists_problems_and_proofs(home: Path) -> None:
    (home / "snapshots").joinpath(next((home / "snapshots").iterdir()).name).write_bytes(b"x")
    done = run("verify", home, "--json")
    found = json.loads(done.output)
    assert done.exit_code == 1
    assert (found["verdict"], found["size"], found["covered"], found["proved"]) == ("not sound", 8, 8, [])
    assert found["problems"][0]["file"].startswith("snapshots/")
    assert found["not_proved"]


def test_verify_of_no_log_cannot_tell(tmp_path: Path) -> None:
    assert run("verify", tmp_path).exit_code == 2


def test_verify_refuses_a_key_that_is_none(home: Path) -> None:
    assert isinstance(run("verify", home, "--vkey", "x").exception, UsageError)


@pytest.mark.parametrize(("damage", "code"), [(False, 0), (True, 1)])
def test_the_exit_code_reaches_the_shell(home: Path, damage: bool, code: int) -> None:
    if damage:
        (home / "checkpoint").write_bytes(b"x")
    done = subprocess.run(
        [sys.executable, "-m", "optout", "evidence", "verify", home], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
