"""Running `optout evidence`, and a text that must never reach a terminal as it is."""

from __future__ import annotations

from click.testing import CliRunner, Result

from optout.cli.evidence import evidence

HOSTILE = "GPTBot\x1b]8;;http://evil.example\x07\u202e\x9b2J\udcff"


def run(*words: object) -> Result:
    """What the command prints, and how it ends."""
    return CliRunner().invoke(evidence, [str(word) for word in words])
