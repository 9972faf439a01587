"""A finding has a level that is public, and nothing to do where all is well."""

from __future__ import annotations

import re
from pathlib import Path

from optout.adapters.doctor.findings import Level, fault, ok, warning


def test_the_levels_are_public() -> None:
    assert [level.value for level in Level] == ["ok", "warning", "fault"]


def test_what_is_well_asks_for_nothing() -> None:
    found = ok("host", "as it should be")
    assert (found.level, found.why, found.lines) == (Level.OK, "", ())


def test_what_is_not_says_why_and_what_to_paste() -> None:
    for make, level in ((warning, Level.WARNING), (fault, Level.FAULT)):
        found = make("host", "what", "why", "line 1", "line 2")
        assert (found.level, found.why, found.lines) == (level, "why", ("line 1", "line 2"))


def test_every_code_has_its_row_in_the_documentation() -> None:
    root = Path(__file__).parents[3]
    sources = [path.read_text() for path in (root / "src" / "optout" / "adapters" / "doctor").glob("*.py")]
    calls = re.findall(r"\b(?:ok|warning|fault)\(\s*\"([a-z-]+)\"", "\n".join(sources))
    page = (root / "docs" / "doctor.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \|", page.rpartition("| code |")[2], re.MULTILINE)
    assert sorted(set(calls)) == sorted(rows)
