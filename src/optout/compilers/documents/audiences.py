"""Who reads which group: the crawlers of the registry, in groups of those that are told the same (RFC 9309 2.2.1).

A crawler is named where it is told something else than everybody, where the robots.txt below the clauses names it, or
where a reader would otherwise put it into the group of another: its operator's other name, or, as Protego and Python's
reader do, a name within its own. A control token is told what its operator's training crawler would be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from optout.compilers.documents.clauses import lines_for, nobody
from optout.compilers.documents.ordered import Line, Ordered, by_length
from optout.compilers.documents.uses import Uses, uses_for
from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.policy.model import Action, Place, Policy
from optout.robots.matcher import RobotsMatcher, in_order
from optout.robots.model import EMPTY, PathPattern, RobotsTxt
from optout.signals.declaration import ROBOTS_PATH

EVERYONE: Final = "*"
_MOST_COMPARED = 2_500  # names; beyond that no order is looked for, and all may be taken for one another


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Product tokens that are told the same: which paths they may fetch, and what may be done with what they get.

    `others` are the records, key and value, that stand with them in the robots.txt below the clauses.
    """

    tokens: tuple[str, ...]
    ordered: Ordered
    uses: tuple[Uses, ...]
    others: tuple[tuple[str, str], ...] = ()


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


class _Told(NamedTuple):
    """What one token is told."""

    ordered: Ordered
    uses: tuple[Uses, ...]
    others: tuple[tuple[str, str], ...]

    @property
    def refusals(self) -> int:
        """How much is refused; what is refused everywhere weighs most."""
        refused = [line.pattern.octets for line in self.ordered.lines if not line.allows]
        return len(refused) + 1_000_000 * (b"/" in refused)


def audiences(
    policy: Policy, registry: Registry, reserved: tuple[Line, ...], opened: tuple[str, ...], base: RobotsTxt = EMPTY
) -> Audiences:
    """The groups for a policy above the rules of `base`. `opened` are paths that answer everybody, each exactly."""
    author = _Author(policy, reserved, opened, base)
    told: dict[str, _Told] = {}
    shared: dict[str, None] = {}
    tokenless: list[str] = []
    own = _own_tokens(registry)
    for crawler in _crawlers(registry):
        said = author.told(crawler)
        tokens = own.get(id(crawler)) or crawler.robots_tokens[:1]
        if not tokens and said.refusals:
            tokenless.append(crawler.name)
        for token in tokens:
            held = told.get(token)
            if held is not None and held != said:
                shared[token] = None
            if held is None or said.refusals > held.refusals:
                told[token] = said
    named = {token: said for token, said in told.items() if said != author.everyone or author.is_named(token)}
    known = {token.lower() for token in told}
    for group in base.groups:  # of crawlers that nobody here knows
        for token in group.tokens:
            if token not in (EVERYONE, "") and token.lower() not in known:
                named.setdefault(token, author.stranger(token))
    for crawler in _crawlers(registry):  # whom a group of somebody else's would bind
        for token in crawler.robots_tokens[:1]:
            if token not in named and _is_mistaken(crawler, token, named):
                named[token] = told[token]
    by_said: dict[_Told, list[str]] = {}
    for token, said in named.items():
        by_said.setdefault(said, []).append(token)
    groups, tangled = _untangled([tuple(sorted(tokens, key=str.lower)) for tokens in by_said.values()])
    written = [(tokens, named[tokens[0]]) for tokens in groups]
    return Audiences(
        groups=tuple(
            Audience(tokens=tokens, ordered=said.ordered, uses=said.uses, others=said.others)
            for tokens, said in (*written, ((EVERYONE,), author.everyone))
        ),
        tangled=tangled,
        shared=tuple(shared),
        tokenless=tuple(dict.fromkeys(tokenless)),
    )


class _Author:
    """What is said to each crawler. What rests on purposes alone is made once."""

    def __init__(self, policy: Policy, reserved: tuple[Line, ...], opened: tuple[str, ...], base: RobotsTxt) -> None:
        self._policy = policy
        self._reserved = reserved
        self._opened = tuple(
            Line(pattern=PathPattern.parse(f"{path}$"), action=Action.ALLOW, place=Place(file="", line=0))
            for path in opened
        )
        self._base = RobotsMatcher(base)
        self._others: dict[int | None, list[tuple[str, str]]] = {}
        for record in base.others:
            if record.key not in ("sitemap", "license"):
                self._others.setdefault(record.group, []).append((record.key, record.value))
        self._numbers = {group.line: number for number, group in enumerate(base.groups)}
        self._uses = uses_for(policy)
        self._kept: dict[tuple[object, ...], Ordered] = {}
        self.everyone = self.stranger(EVERYONE)

    def is_named(self, token: str) -> bool:
        """Whether the robots.txt below the clauses has a group for a token."""
        return self._base.names(token)

    def stranger(self, token: str) -> _Told:
        """What a token is told that no crawler of the registry has: the rules below the clauses alone."""
        return self._told(None, frozenset(), (token,), self._uses)

    def told(self, crawler: Crawler) -> _Told:
        """What one crawler is told."""
        is_control = Purpose.CONTROL_TOKEN in crawler.purposes
        purposes = frozenset({Purpose.TRAIN}) if is_control else crawler.acts_for
        named = any(
            clause.names(crawler, purposes) for clause in self._policy.clauses if clause.crawlers or clause.operators
        )
        own = replace(crawler, purposes=(Purpose.TRAIN,)) if is_control else crawler
        uses = uses_for(self._policy, own) if named else self._uses
        return self._told(crawler, purposes, crawler.robots_tokens, uses)

    def _told(
        self, crawler: Crawler | None, purposes: frozenset[Purpose], tokens: Sequence[str], uses: tuple[Uses, ...]
    ) -> _Told:
        """What `tokens` are told; `crawler` None is one that the policy leaves alone, whatever it is called."""
        subject = crawler or _LEFT_ALONE
        about = tuple(place for place, each in enumerate(self._policy.clauses) if each.names(subject, purposes))
        bound = self._base.match(tokens, ROBOTS_PATH)
        numbers = tuple(self._numbers[group.line] for group in bound.groups)
        key = purposes, about, numbers
        ordered = self._kept.get(key)
        if ordered is None:
            rules = in_order(bound)
            lines = lines_for(self._policy, subject, purposes, self._reserved, rules)
            opened = (line for line in self._opened if not _allows(lines, line.pattern.literal_prefix))
            ordered = self._kept[key] = _without_actions(by_length((*opened, *lines)))
        return _Told(ordered, uses, tuple(other for number in numbers for other in self._others.get(number, ())))


_LEFT_ALONE = nobody(Purpose.TOOL)


def _allows(lines: tuple[Line, ...], path: bytes) -> bool:
    return next(line.allows for line in lines if line.pattern.matches(path))


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
    if len(words) > _MOST_COMPARED:
        return groups, tuple(token for tokens in groups for token in tokens)
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
