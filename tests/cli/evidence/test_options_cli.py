"""Every command of `optout evidence` names its log alike."""

from __future__ import annotations

import click
import pytest

from optout.cli.evidence import evidence
from tests.cli.evidence.setting import run


def _names() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in sorted(evidence.commands.items()):
        found += [(name, below) for below in command.commands] if isinstance(command, click.Group) else [(name,)]
    return found


@pytest.mark.parametrize("name", _names(), ids=" ".join)
def test_every_command_takes_a_directory_first_and_can_answer_a_program(name: tuple[str, ...]) -> None:
    usage = run(*name, "--help").output
    assert "DIR" in usage.splitlines()[0]
    assert "--json" in usage
