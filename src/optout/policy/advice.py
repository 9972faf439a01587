"""What a policy may hold but an owner seldom means: `optout policy check --strict` names it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from optout.errors import Problem
from optout.policy.model import REFUSALS, ClauseAction, Mode, Policy

# Names that nobody owns (RFC 2606 section 3): what stands in examples and was not replaced.
_EXAMPLE = re.compile(r"(?:[@/.]|\A)example\.(?:org|com|net)(?:[/:]|\Z)")
_REFUSING = frozenset({ClauseAction.DENY, ClauseAction.REQUIRE_LICENSE})


def advise(policy: Policy) -> Iterator[Problem]:
    """Remarks on a sound policy, as problems of the file as a whole."""
    for key in ("contact", "terms", "license", "license_server", "tdm_policy"):
        address: str = getattr(policy, key)
        if _EXAMPLE.search(address):
            yield _remark(policy, f"`{key}` is {address}, which is an example", "put your own address there")
    if policy.mode is Mode.ENFORCE and _refuses(policy) and not (policy.contact or policy.terms):
        yield _remark(
            policy,
            "whoever is refused by mistake finds no way to tell you",
            "add `contact:` with an e-mail address, or `terms:` with a page",
        )


def _refuses(policy: Policy) -> bool:
    return policy.default in REFUSALS or any(clause.action in _REFUSING for clause in policy.clauses)


def _remark(policy: Policy, text: str, remedy: str) -> Problem:
    return Problem(file=policy.file, line=0, text=text, remedy=remedy)
