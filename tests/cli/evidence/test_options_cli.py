"""Every command of `optout evidence` names its log alike."""

from __future__ import annotations

import pytest

from optout.cli.evidence import evidence
from tests.cli.evidence.setting import run


@pytest.mark.parametrize("name", sorted(evidence.commands))
def test_every_command_takes_a_directory_first_and_can_answer_a_program(name: str) -> None:
    usage = run(name, "--help").output
    assert "DIR" in usage.splitlines()[0]
    assert "--json" in usage
