"""The owner's policy: a ready stance with its remarks, and his own answers written into it."""

from __future__ import annotations

import json
import re

from optout.adapters.init.answers import Answers
from optout.adapters.policy_files import read_policy_files
from optout.crawlers.registry import Registry
from optout.errors import PolicyError, UsageError
from optout.policy.loader import load_policy
from optout.policy.model import Policy

FILE = "policy.yaml"


def policy_text(answers: Answers) -> str:
    """The stance with mode, sites, contact and terms set; raises UsageError for a stance that is not there."""
    ((_, data),) = read_policy_files(answers.stance).items()
    text = data.decode()
    lines = [f"sites: [{', '.join(map(_quoted, answers.sites))}]"]
    if answers.contact:
        lines.append(f"contact: {_quoted(answers.contact)}")
    if answers.terms:
        lines.append(f"terms: {_quoted(answers.terms)}")
    for key in ("sites", "contact", *(("terms",) if answers.terms else ())):
        text = re.sub(rf"^(?:# )?{key}: .*\n", "", text, flags=re.MULTILINE)
    if answers.observe:
        text = re.sub(
            r"^mode: \w+ .*$", "mode: observe           # write `enforce` here to act", text, flags=re.MULTILINE
        )
    own = "\n".join(lines)
    text = re.sub(r"^(on_error: .*\n)", lambda found: f"{found[1]}\n{own}\n", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text)


def load_written(text: str, registry: Registry) -> Policy:
    """The policy that was written; raises UsageError with the first thing that is wrong with an answer."""
    try:
        return load_policy(text.encode(), FILE, registry)
    except PolicyError as wrong:
        problem = wrong.problems[0]
        raise UsageError(f"with these answers the policy is not sound: {problem.text}", problem.remedy) from wrong


def _quoted(text: str) -> str:
    """A YAML scalar: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
