"""What a policy says of uses, for the signals that speak of them: Content-Signal, Content-Usage, RSL.

A policy is about crawlers. What it says to every crawler with a purpose is taken for what it says of that use. Only a
clause that names the purpose permits it; what is merely let in is left unsaid. These formats give the longest path its
whole set anew, so each set is complete. Only paths without stars can be told: where one with stars refuses, no later
line permits, and where one with stars permits, what refuses around it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from optout.compilers.documents.clauses import lines_for, nobody
from optout.compilers.documents.ordered import Line, canonical
from optout.crawlers.model import Crawler, Purpose
from optout.policy.model import Action, Policy
from optout.robots.model import PathPattern
from optout.signals.preference import Usage

_ASKED: Final[Mapping[Usage, tuple[Purpose, ...]]] = {
    Usage.TRAIN: (Purpose.TRAIN,),
    Usage.INPUT: (Purpose.USER_FETCH, Purpose.SEARCH_INDEX),
    Usage.INDEX: (Purpose.SEARCH_INDEX,),
    Usage.SEARCH: (Purpose.SEARCH,),
}
"""Who must be refused (all of them) for a use to be refused: a restriction is never made wider."""


MOST_PATHS: Final = 500
"""With more paths than this only what is refused everywhere is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What is said of uses below one path, complete; a use that is not there is unknown."""

    path: str
    said: Mapping[Usage, Action]

    def __hash__(self) -> int:
        return hash((self.path, *self.said.items()))


def uses_for(policy: Policy, crawler: Crawler | None = None) -> tuple[Uses, ...]:
    """What is said to `crawler` (None: to everybody) of each use, the shortest path first; none where nothing is.

    A clause that names the crawler speaks of its own purposes alone.
    """
    own = frozenset() if crawler is None else crawler.acts_for
    heard = {
        usage: [
            _told(
                lines_for(
                    policy,
                    crawler if crawler is not None and purpose in own else nobody(purpose),
                    frozenset({purpose}),
                )
            )
            for purpose in purposes
        ]
        for usage, purposes in _ASKED.items()
    }
    told = tuple(lines for each in heard.values() for lines in each)
    paths = sorted(
        {"/", *(line.pattern.written for lines in told for line in lines)}, key=lambda path: (len(path), path)
    )
    is_whole = len(paths) <= MOST_PATHS
    if not is_whole:
        paths = ["/"]
    found: list[Uses] = []
    for path in paths:
        octets = PathPattern.parse(path).octets
        said = {usage: _weighed(_at(lines, octets) for lines in each) for usage, each in heard.items()}
        uses = Uses(path=path, said={usage: action for usage, action in said.items() if action is not None})
        if uses.said != _around(found, path):
            found.append(uses)
    return tuple(found) if is_whole else _refusals(found)


def among(found: Sequence[Uses], usages: Collection[Usage]) -> tuple[Uses, ...]:
    """What a format that knows only `usages` can say of `found`.

    An empty set cannot be written, so that a shorter path would speak for it: then nothing is permitted at all.
    """
    kept: list[Uses] = []
    for uses in found:
        said = {usage: action for usage, action in uses.said.items() if usage in usages}
        if said != _around(kept, uses.path):
            kept.append(Uses(path=uses.path, said=said))
    return tuple(kept) if all(uses.said for uses in kept) else _refusals(kept)


def _told(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines that a path without stars can tell."""
    kept: list[Line] = []
    is_doubtful = False
    for line in lines:
        pattern = canonical(line.pattern)
        if not pattern.is_literal or pattern.anchored:
            is_doubtful = is_doubtful or not (line.allows and line.explicit)
            continue
        explicit = line.explicit and not (is_doubtful and line.allows)
        kept.append(Line(pattern=pattern, action=line.action, place=line.place, explicit=explicit))
    return tuple(kept)


def _at(lines: tuple[Line, ...], octets: bytes) -> Action | None:
    found = next((line for line in lines if octets.startswith(line.pattern.octets)), None)
    return None if found is None or not found.explicit else found.action


def _weighed(actions: Iterable[Action | None]) -> Action | None:
    """What several purposes say of one use: only what all of them say; of two refusals the stricter."""
    found = set(actions)
    if None in found or (Action.ALLOW in found and len(found) > 1):
        return None
    return Action.DENY if len(found) > 1 else found.pop()


def _around(found: Sequence[Uses], path: str) -> Mapping[Usage, Action]:
    """What the nearest shorter path says."""
    return next((each.said for each in reversed(found) if path.startswith(each.path)), {})


def _refusals(found: Iterable[Uses]) -> tuple[Uses, ...]:
    refusals = (
        Uses(path=uses.path, said={usage: action for usage, action in uses.said.items() if action is not Action.ALLOW})
        for uses in found
    )
    return tuple(uses for uses in refusals if uses.said)
