"""The group `optout evidence`."""

from __future__ import annotations

import re

from optout.cli.evidence import evidence
from tests.cli.evidence.setting import run


def test_the_group_names_each_of_its_commands() -> None:
    named = re.search(r"The evidence log: (.*?)\.", run("--help").output, re.DOTALL)
    assert named is not None
    assert set(re.split(r",\s+", named.group(1))) == set(evidence.commands)
