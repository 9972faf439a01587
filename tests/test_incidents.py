"""Every class of incident that happened to others names the tests that hold it off, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
CLASSES = yaml.safe_load((ROOT / "tests" / "incidents.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_tests_that_a_class_names_exist(name: str) -> None:
    entry = CLASSES[name]
    if isinstance(entry, dict):
        assert entry["not-here"]
        return
    assert entry
    for node in entry:
        file, _, test = node.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^\s*(?:async )?def {test}\(", text, re.MULTILINE), node


def test_no_class_is_forgotten() -> None:
    assert len(CLASSES) == 18
