"""docs/policy.schema.json and the tables in policies/README.md are what the program writes now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_generated_pages_are_current() -> None:
    place = ROOT / "docs" / "generate_policy_pages.py"
    spec = importlib.util.spec_from_file_location("generate_policy_pages", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stale = [path.name for path, text in module.pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `make generated`"
