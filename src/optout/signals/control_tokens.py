"""Groups of robots.txt that speak of a use, not of fetching: control tokens, and the policy tokens of a draft.

A control token is a product token that no request ever carries. Its operator reads the group as a preference: Google
for Google-Extended (Google's common crawlers, as of November 2026), Apple for Applebot-Extended (About Applebot, as of
November 2026). draft-kelley-aipref-training-preference-signal-00 (October 2026) has tokens for a purpose, whoever
crawls. Its text was not at hand, so no token of it stands here: which there are is the caller's to say.

`Disallow` in such a group is a reservation. `Allow` is not taken for a permission, and where there is no group of the
token nothing is said: a group of `*` speaks of fetching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optout.robots.matcher import RobotsMatcher
from optout.signals.path_records import token_octets
from optout.signals.preference import Preference, Statement, Usage, excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlToken:
    """A token whose group forbids uses. `crawlers` are the product tokens that it binds; empty binds everyone."""

    name: str
    uses: tuple[Usage, ...]
    crawlers: tuple[str, ...] = ()


CONTROL_TOKENS = (
    ControlToken(name="Google-Extended", uses=(Usage.TRAIN, Usage.INPUT), crawlers=("Googlebot",)),
    ControlToken(name="Applebot-Extended", uses=(Usage.TRAIN,), crawlers=("Applebot",)),
)
"""The control tokens whose operators say what they mean. Google's leaves Search and its overviews as they are."""


def control_statements(
    robots: RobotsMatcher, controls: Sequence[ControlToken], tokens: Sequence[str], target: str
) -> tuple[Statement, ...]:
    """What the groups of `controls` say of a path to a crawler with these product tokens."""
    names = {token_octets(token) for token in tokens}
    found: list[Statement] = []
    for control in controls:
        if control.crawlers and names.isdisjoint(map(token_octets, control.crawlers)):
            continue
        match = robots.match((control.name,), target)
        if match.allowed or match.everyone or match.rule is None:
            continue
        source, text = f"robots.txt group {excerpt(control.name)}", excerpt(match.rule.text)
        found += [
            Statement(usage=usage, preference=Preference.DISALLOWED, source=source, line=match.rule.line, text=text)
            for usage in control.uses
        ]
    return tuple(found)
