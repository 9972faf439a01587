"""Writes docs/lint/: a page a rule and an index, made from the rules themselves. `make generated` calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optout.lint.base import Rule
from optout.lint.rules.probes import PROBES
from optout.lint.rules.response_fields import RESPONSE_FIELDS
from optout.lint.rules.rsl import RSL
from optout.lint.rules.site import SITE
from optout.lint.rules.site_licenses import SITE_LICENSES
from optout.lint.rules.tdm_policy import TDM_POLICY
from optout.lint.rules.tdmrep import TDMREP
from optout.lint.runner import ROBOTS_RULES

HERE = Path(__file__).parent / "lint"
_DOES = {"error": "exit code 1", "warning": "exit code 1", "note": "exit code 0"}


RULES: tuple[Rule[Any], ...] = (
    *ROBOTS_RULES,
    *TDMREP,
    *TDM_POLICY,
    *RSL,
    *RESPONSE_FIELDS,
    *SITE,
    *SITE_LICENSES,
    *PROBES,
)


def page(rule: Rule[Any]) -> str:
    """One rule's page."""
    command = "robots" if rule.code.startswith("RT") else "tdm"
    fix = f"`optout {command} lint --fix` mends it." if rule.fix is not None else "There is no safe fix: you decide."
    return f"""# {rule.code}: {rule.title}

{rule.severity.value} ({_DOES[rule.severity.value]}), since {rule.since}

{rule.why}

## Example

```
{rule.example}
```

## Instead

```
{rule.instead}
```

{fix}

Reference: {rule.reference}
"""


def index() -> str:
    """The list of all rules."""
    rows = "\n".join(
        f"| [{rule.code}]({rule.code}.md) | {rule.severity.value} | {rule.title} | {'yes' if rule.fix else ''} |"
        for rule in RULES
    )
    return f"""# What `optout robots lint`, `optout tdm lint`, `optout rsl lint` and `optout audit` find

Codes are permanent and never reused. An error means that somebody reads the opposite of what was meant,
a warning that readers disagree or one of them loses something; a note loses nothing.

| code | severity | what | `--fix` |
|---|---|---|---|
{rows}
"""


def pages() -> dict[str, str]:
    """Every page by file name."""
    return {"README.md": index(), **{f"{rule.code}.md": page(rule) for rule in RULES}}


def main() -> None:
    """Write them all, and remove pages of rules that are gone."""
    HERE.mkdir(exist_ok=True)
    made = pages()
    for old in HERE.iterdir():
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
