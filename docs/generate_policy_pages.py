"""Writes what is generated about policies: docs/policy.schema.json and the tables in policies/README.md.

`make generated` runs it; tests/policy/test_generated_pages.py fails where a page is not what it would write.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from optout.cli.policy import policy
from optout.policy.schema import json_schema

ROOT = Path(__file__).parent.parent
_TABLE = re.compile(r"(<!-- table of ([a-z-]+) -->\n).*?(<!-- end of table -->\n)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Every generated page and what it should hold."""
    readme = ROOT / "policies" / "README.md"
    return {
        ROOT / "docs" / "policy.schema.json": json.dumps(json_schema(), indent=2) + "\n",
        readme: _TABLE.sub(_table, readme.read_text(encoding="utf-8")),
    }


def _table(found: re.Match[str]) -> str:
    done = CliRunner().invoke(policy, ["show", found.group(2), "--markdown"], catch_exceptions=False)
    return f"{found.group(1)}\n{done.output}\n{found.group(3)}"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
