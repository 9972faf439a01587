"""From "the first that matches" to "the longest that matches": one list of lines that both kinds of reader take alike.

A policy's clauses are tried in order, tdmrep.json likewise. robots.txt goes by length (RFC 9309 section 2.2.2), and so
do many readers of tdmrep.json. A list is made the same for both by leaving out what never decides, and by writing a
pattern with more stars than it needs (`/**.jpg$` is `/*.jpg$`) where a later line of the other outcome is longer.

Only a pattern without any room for a star, `/page$`, cannot be lengthened; it is handed back as `stuck`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from optout.policy.model import Action, Place
from optout.robots.model import PathPattern

_MOST_COMPARED = 200_000  # pairs of patterns; beyond that all are taken to meet, which only makes them longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What holds where `pattern` matches and no earlier line does. `place` is the line of the policy it stems from.

    `explicit` is False where nobody said so: what is allowed because nothing refuses it is no permission.
    """

    pattern: PathPattern
    action: Action
    place: Place
    explicit: bool = True

    @property
    def allows(self) -> bool:
        """Whether a request is let in."""
        return self.action is Action.ALLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Lines whose first match and whose longest match are the same, but for those that are `stuck`."""

    lines: tuple[Line, ...]
    stuck: tuple[Line, ...] = ()


EVERYWHERE = PathPattern.parse("/")
_STARS = re.compile(rb"\*{2,}")


def canonical(pattern: PathPattern) -> PathPattern:
    """A pattern that matches the same paths, in ASCII and without needless stars; the same one if there is none."""
    octets = _STARS.sub(b"*", pattern.octets)
    body = octets[:-1] if pattern.anchored else octets
    ends_open = not pattern.anchored or body.endswith(b"*")
    if ends_open:
        octets = body.removesuffix(b"*")
        octets += b"*" if octets.endswith(b"$") else b""  # at the end it would be no character any more
    octets = octets or b"/"
    made = PathPattern.parse(octets.decode("ascii"))
    return made if made.octets == octets else pattern


def by_length(lines: Sequence[Line], outcome: Callable[[Line], Hashable] = attrgetter("allows")) -> Ordered:
    """The same verdict for every path, whether the first or the longest match is asked. Keeps the order of `lines`."""
    kept = _deciding(lines, outcome)
    is_long = sum(not line.pattern.is_literal for line in kept) * len(kept) > _MOST_COMPARED
    stuck: list[Line] = []
    later: list[Line] = []
    wild: list[Line] = []
    longest: dict[tuple[bool, Hashable], int] = {}  # of the lines in `later` and in `wild`, by outcome
    for line in reversed(kept):
        is_wild, own = not line.pattern.is_literal, outcome(line)
        if is_long:
            need = max(
                (size for (among_all, other), size in longest.items() if among_all is is_wild and other != own),
                default=0,
            )
        else:
            need = _longest_other(line, later if is_wild else wild, outcome)
        longer = line.pattern if line.pattern.priority > need else _lengthened(line.pattern, need + 1)
        if longer is None:
            stuck.append(line)
        later.append(replace(line, pattern=longer or line.pattern))
        size = later[-1].pattern.priority
        longest[True, own] = max(size, longest.get((True, own), 0))
        if is_wild:
            wild.append(later[-1])
            longest[False, own] = max(size, longest.get((False, own), 0))
    return Ordered(lines=tuple(reversed(later)), stuck=tuple(reversed(stuck)))


def _longest_other(line: Line, others: Sequence[Line], outcome: Callable[[Line], Hashable]) -> int:
    """The octets of the longest of `others` that says otherwise of a path of `line`; 0 where none does."""
    own = outcome(line)
    found = (
        other.pattern.priority for other in others if outcome(other) != own and _may_meet(line.pattern, other.pattern)
    )
    return max(found, default=0)


def _deciding(lines: Sequence[Line], outcome: Callable[[Line], Hashable]) -> list[Line]:
    """The lines that can be the first match of a path, without those that say what holds anyway."""
    kept: list[Line] = []
    prefixes: set[bytes] = set()
    lengths: set[int] = set()
    for line in lines:
        pattern = canonical(line.pattern)
        prefix = pattern.literal_prefix
        if not pattern.pieces or any(prefix[:length] in prefixes for length in lengths if length <= len(prefix)):
            continue
        kept.append(replace(line, pattern=pattern))
        if pattern.is_literal and not pattern.anchored:
            prefixes.add(prefix)
            lengths.add(len(prefix))
    while len(kept) > 1 and kept[-1].pattern.octets == b"/" and outcome(kept[-2]) == outcome(kept[-1]):
        del kept[-2]
    return kept


def _may_meet(one: PathPattern, other: PathPattern) -> bool:
    """Whether a path may match both; True where that is not plain to see."""
    first, second = one.literal_prefix, other.literal_prefix
    if not (first.startswith(second) or second.startswith(first)):
        return False
    if one.anchored and other.anchored:
        last, end = one.pieces[-1], other.pieces[-1]
        return last.endswith(end) or end.endswith(last)
    return True


def _lengthened(pattern: PathPattern, octets: int) -> PathPattern | None:
    """The same pattern with so many octets; None where it has no room for a star."""
    stars = "*" * (octets - pattern.priority)
    text = pattern.octets.decode("ascii")
    if not pattern.is_literal:
        text = text.replace("*", f"*{stars}", 1)
    elif not pattern.anchored:
        text += stars
    else:
        return None
    made = PathPattern.parse(text)
    return made if made.pieces and made.priority == octets else None
