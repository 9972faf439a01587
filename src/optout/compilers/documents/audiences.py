"""Who reads which group: the crawlers of the registry, in groups of those that are told the same (RFC 9309 2.2.1).

A crawler is named where it is told something else than everybody, or where a reader would otherwise put it into the
group of another: its operator's other name, or, as Protego and Python's reader do, a name within its own. A control
token is told what its operator's training crawler would be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from optout.compilers.documents.clauses import lines_for
from optout.compilers.documents.ordered import EVERYWHERE, Line, Ordered, by_length
from optout.compilers.documents.uses import Uses, uses_for
from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.policy.model import Action, Place, Policy

EVERYONE: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Product tokens that are told the same: which paths they may fetch, and what may be done with what they get."""

    tokens: tuple[str, ...]
    ordered: Ordered
    uses: tuple[Uses, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audiences:
    """All groups, everybody's last. Where a reader takes the first name that fits, `tangled` names are misread.

    `shared` are tokens of several crawlers that would be told different things: the stricter stands. `tokenless` are
    crawlers that are refused and obey no token.
    """

    groups: tuple[Audience, ...]
    tangled: tuple[str, ...]
    shared: tuple[str, ...]
    tokenless: tuple[str, ...]


_Told = tuple[Ordered, tuple[Uses, ...]]


def audiences(policy: Policy, registry: Registry, reserved: tuple[Line, ...], opened: tuple[str, ...]) -> Audiences:
    """The groups for a policy. `opened` are paths that answer everybody, each by exact comparison."""
    author = _Author(policy, reserved, opened)
    everyone = author.everyone
    told: dict[str, _Told] = {}
    shared: dict[str, None] = {}
    tokenless: list[str] = []
    own = _own_tokens(registry)
    for crawler in _crawlers(registry):
        said = author.told(crawler)
        tokens = own.get(id(crawler)) or crawler.robots_tokens[:1]
        if not tokens and _refusals(said):
            tokenless.append(crawler.name)
        for token in tokens:
            held = told.get(token)
            if held is not None and held != said:
                shared[token] = None
            if held is None or _refusals(said) > _refusals(held):
                told[token] = said
    named = {token: said for token, said in told.items() if said != everyone}
    for crawler in _crawlers(registry):  # whom a group of somebody else's would bind
        for token in crawler.robots_tokens[:1]:
            if token not in named and _is_mistaken(crawler, token, named):
                named[token] = told[token]
    by_said: dict[int, list[str]] = {}
    distinct: list[_Told] = []
    for token, said in named.items():
        place = next((at for at, each in enumerate(distinct) if each == said), len(distinct))
        if place == len(distinct):
            distinct.append(said)
        by_said.setdefault(place, []).append(token)
    groups, tangled = _untangled([tuple(sorted(tokens, key=str.lower)) for tokens in by_said.values()])
    written = [Audience(tokens=tokens, ordered=named[tokens[0]][0], uses=named[tokens[0]][1]) for tokens in groups]
    written.append(Audience(tokens=(EVERYONE,), ordered=everyone[0], uses=everyone[1]))
    return Audiences(
        groups=tuple(written), tangled=tangled, shared=tuple(shared), tokenless=tuple(dict.fromkeys(tokenless))
    )


class _Author:
    """What is said to each crawler. What rests on purposes alone is made once."""

    def __init__(self, policy: Policy, reserved: tuple[Line, ...], opened: tuple[str, ...]) -> None:
        self._policy = policy
        self._reserved = reserved
        self._opened = tuple(
            Line(pattern=EVERYWHERE.parse(f"{path}$"), action=Action.ALLOW, place=Place(file="", line=0))
            for path in opened
        )
        self._uses = uses_for(policy)
        self._by_lines: dict[tuple[Line, ...], Ordered] = {}
        allowed = Line(pattern=EVERYWHERE, action=Action.ALLOW, place=policy.default_place, explicit=False)
        self.everyone: _Told = (self._ordered((allowed,)), self._uses)

    def told(self, crawler: Crawler) -> _Told:
        """The lines and uses of one crawler."""
        is_control = Purpose.CONTROL_TOKEN in crawler.purposes
        purposes = frozenset({Purpose.TRAIN}) if is_control else crawler.acts_for
        lines = lines_for(self._policy, crawler, purposes, self._reserved)
        named = any(
            clause.names(crawler, purposes) for clause in self._policy.clauses if clause.crawlers or clause.operators
        )
        own = (
            Crawler(name=crawler.name, operator=crawler.operator, purposes=(Purpose.TRAIN,)) if is_control else crawler
        )
        return self._ordered(lines), uses_for(self._policy, own) if named else self._uses

    def _ordered(self, lines: tuple[Line, ...]) -> Ordered:
        """The lines, by length; open paths are told apart only from refusals."""
        if all(line.allows for line in lines):
            lines = (Line(pattern=EVERYWHERE, action=Action.ALLOW, place=self._policy.default_place, explicit=False),)
        else:
            lines = (*self._opened, *lines)
        found = self._by_lines.get(lines)
        if found is None:
            found = self._by_lines[lines] = _without_actions(by_length(lines))
        return found


def _without_actions(ordered: Ordered) -> Ordered:
    """For robots.txt a refusal is a refusal, and it does not matter who said so: groups that read alike are one."""
    place = Place(file="", line=0)
    lines = tuple(
        Line(pattern=line.pattern, action=Action.ALLOW if line.allows else Action.DENY, place=place)
        for line in ordered.lines
    )
    return Ordered(lines=lines, stuck=ordered.stuck)


def _crawlers(registry: Registry) -> tuple[Crawler, ...]:
    """Every crawler, and each of its other forms where its operator sends several names."""
    forms = [*registry.crawlers, *(crawler for _, crawler in registry.spellings), *registry.signers.values()]
    return tuple({id(crawler): crawler for crawler in forms}.values())


def _own_tokens(registry: Registry) -> Mapping[int, tuple[str, ...]]:
    """The tokens of each entry that no other entry has, and its first."""
    count = Counter(token.lower() for crawler in registry.crawlers for token in crawler.robots_tokens)
    return {
        id(crawler): tuple(
            token for at, token in enumerate(crawler.robots_tokens) if at == 0 or count[token.lower()] == 1
        )
        for crawler in registry.crawlers
    }


def _refusals(said: _Told) -> int:
    """How much is refused; what is refused everywhere weighs most."""
    refused = [line.pattern.octets for line in said[0].lines if not line.allows]
    return len(refused) + 1_000_000 * (b"/" in refused)


def _is_mistaken(crawler: Crawler, token: str, named: Mapping[str, _Told]) -> bool:
    """Whether some reader puts a crawler without a group of its own into somebody else's."""
    if any(other in named for other in crawler.robots_tokens):
        return True
    word = token.lower()
    return any(other.lower() in word for other in named)


def _untangled(groups: list[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The groups in an order in which a longer name comes before a name within it; and the names where none does."""
    remaining = dict(enumerate(groups))
    before: dict[int, set[int]] = {number: set() for number in remaining}
    words = [(token.lower(), number) for number, tokens in remaining.items() for token in tokens]
    for word, number in words:
        for longer, other in words:
            if other != number and word != longer and word in longer:
                before[number].add(other)
    ordered: list[tuple[str, ...]] = []
    tangled: list[str] = []
    while remaining:
        free = next((number for number in remaining if not before[number] & remaining.keys()), None)
        if free is None:
            free = next(iter(remaining))
            tangled += remaining[free]
        ordered.append(remaining.pop(free))
    return ordered, tuple(tangled)
