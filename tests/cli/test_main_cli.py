"""The command's root: help, version, exit codes, one error for a person."""

from __future__ import annotations

import subprocess
import sys

import pytest

from optout.cli.main import COMMANDS


def _optout(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "optout", *arguments], capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    done = _optout("--help")
    assert done.returncode == 0
    assert all(f"\n  {name}" in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_opens_and_has_help(name: str) -> None:
    done = _optout(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["nonsense"], 2),
        (["explain", "https://site.example/", "--user-agent", "GPTBot", "--offline"], 0),
        (["explain", "https://site.example/", "--user-agent", "GPTBot", "--offline", "--policy", "no-training"], 1),
        (["explain", "nonsense", "--user-agent", "x", "--offline"], 2),
    ],
)
def test_exit_codes_are_yes_no_and_fault(arguments: list[str], code: int) -> None:
    done = _optout(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_says_what_happened_and_what_to_try() -> None:
    done = _optout("explain", "nonsense", "--user-agent", "x", "--offline")
    assert done.stderr == "optout: nonsense is no absolute URL\n  write it like https://photos.example/gallery/1.jpg\n"
