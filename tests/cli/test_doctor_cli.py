"""`optout doctor` as a person or a script runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.adapters.doctor import Diagnosis
from optout.adapters.doctor.findings import Finding, fault, ok, warning
from optout.cli import doctor as command
from optout.cli.doctor import doctor
from optout.errors import UsageError


def _run(*words: object) -> Result:
    return CliRunner().invoke(doctor, [str(word) for word in words])


def test_a_site_that_does_not_answer_is_exit_2(tmp_path: Path) -> None:
    done = _run("http://127.0.0.1:1/", "--state", tmp_path)
    assert done.exit_code == 2
    assert "fault    reach" in done.output


def test_this_machine_alone_as_json(tmp_path: Path) -> None:
    done = _run("--state", tmp_path, "--policy", "no-training", "--json")
    found = json.loads(done.output)
    assert found["asked"] is True
    assert done.exit_code == (0 if found["clean"] else 1)
    assert [finding["code"] for finding in found["findings"]] == ["policy", "off", "registry", "lists", "clock"]
    assert set(found["findings"][0]) == {"code", "level", "what", "why", "lines"}


def test_a_policy_that_does_not_load_is_a_finding(tmp_path: Path) -> None:
    broken = tmp_path / "policy.yaml"
    broken.write_text("version: 2\n")
    done = _run("--state", tmp_path, "--policy", broken)
    assert done.exit_code == 1
    assert f"optout policy check {broken}" in done.output


def test_what_is_no_url_is_an_error_in_words(tmp_path: Path) -> None:
    assert isinstance(_run("nonsense", "--state", tmp_path).exception, UsageError)


@pytest.mark.parametrize(
    ("findings", "code"),
    [((ok("a", "fine"),), 0), ((ok("a", "fine"), warning("b", "hm", "why")), 1), ((fault("c", "no", "why"),), 1)],
)
def test_the_exit_code_says_whether_there_is_anything_to_do(
    findings: tuple[Finding, ...], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def diagnose(_complaint: object) -> Diagnosis:
        return Diagnosis(findings=findings, was_asked=True)

    monkeypatch.setattr("optout.adapters.doctor.diagnose", diagnose)
    assert _run("--state", tmp_path).exit_code == code


def test_what_a_server_says_moves_no_cursor() -> None:
    hostile = fault("cache", "a cache (x-cache: HIT \x1b]8;;evil\x07)", "why\u202e", "line\x9b2J")
    shown = command._text(Diagnosis(findings=(hostile,), was_asked=True))
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "optout", "doctor", "http://127.0.0.1:1/", "--state", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
