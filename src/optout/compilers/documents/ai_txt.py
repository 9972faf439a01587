"""A policy as Spawning's ai.txt (May 2023): what is said of training to everybody, in the manner of robots.txt."""

from __future__ import annotations

from optout.compilers.documents.clauses import lines_for, nobody
from optout.compilers.documents.ordered import by_length
from optout.crawlers.model import Purpose
from optout.policy.model import Policy
from optout.robots.model import Group, RobotsTxt, Rule
from optout.robots.writer import write_robots


def ai_txt(policy: Policy, *, made_from: str) -> bytes:
    """The file's bytes; b"" where nothing is said of training.

    There is no word for "nothing is said", so a path that is let in without a clause's saying so is left out, and what
    refuses around it stands.
    """
    purposes = frozenset({Purpose.TRAIN})
    said = tuple(line for line in lines_for(policy, nobody(Purpose.TRAIN), purposes) if line.explicit)
    rules = tuple(Rule(line=0, allow=line.allows, pattern=line.pattern, text="") for line in by_length(said).lines)
    if not rules:
        return b""
    head = f"# Made by Optout from {made_from}. Change the policy, not this file.\n\n"
    return head.encode() + write_robots(RobotsTxt(groups=(Group(line=0, tokens=("*",), rules=rules),)))
