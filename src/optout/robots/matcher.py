"""From a parsed robots.txt, a product token and a path to an answer that names its rule (RFC 9309 section 2.2).

`PatternIndex` finds which of many patterns match a path; it serves every file that orders patterns by a rule of
its own, and knows none of those rules. `RobotsMatcher` holds the rule of robots.txt: all groups that name the token
are merged, the most octets win, and a tie goes to Allow (section 2.2.2). Nothing else may use that rule.

Cost: a binary search over the literal prefixes, then the patterns whose literal prefix the path begins with. Rules
that begin with a wildcard share the prefix `/` and are the only ones tried one after the other. Memory is linear
in the file, and nothing is remembered about who asks for what.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optout.robots.model import Group, PathPattern, RobotsTxt, Rule, is_plain_path, normalize_path

# A pattern in the index: its number, octets that the path must contain, and the full check (None: the prefix is all).
_Entry = tuple[int, bytes, Callable[[bytes], bool] | None]
# A literal prefix, the patterns that have it, and the next prefix outward.
_Node = tuple[bytes, tuple[_Entry, ...], "_Node | None"]

# Looking for a piece of the pattern in the path rules most patterns out at a tenth of the price of the full check.
# It is cut short because `in` may take the product of both lengths (model._LONG_PIECE).
_LONGEST_NEEDLE = 32


def _entry(number: int, pattern: PathPattern) -> _Entry:
    if pattern.is_literal and not pattern.anchored:
        return number, b"", None
    return number, max(pattern.pieces[1:], key=len, default=b"")[:_LONGEST_NEEDLE], pattern.matches


class PatternIndex:
    """Path patterns by number, arranged so that a path meets only those that it can match.

    The literal prefixes are sorted, and each is linked to the longest other one that it begins with. All prefixes
    of a path then stand on one chain, which starts at the path's predecessor in sorted order.
    """

    __slots__ = ("_nodes", "_prefixes")

    def __init__(self, patterns: Sequence[PathPattern]) -> None:
        buckets: dict[bytes, list[_Entry]] = {}
        for number, pattern in enumerate(patterns):
            if pattern.pieces:
                buckets.setdefault(pattern.literal_prefix, []).append(_entry(number, pattern))
        self._prefixes = sorted(buckets)
        self._nodes: list[_Node | None] = [None]  # nodes[i] follows prefixes[i - 1]: what bisect_right answers
        node: _Node | None = None
        for prefix in self._prefixes:
            while node is not None and not prefix.startswith(node[0]):
                node = node[2]
            node = prefix, tuple(buckets[prefix]), node
            self._nodes.append(node)

    def matching(self, path: bytes) -> list[int]:
        """The numbers of all patterns that match a normalized path, ascending."""
        found: list[int] = []
        node = self._nodes[bisect_right(self._prefixes, path)]
        while node is not None:
            prefix, bucket, node = node
            if path.startswith(prefix):
                found += [
                    number for number, needle, check in bucket if check is None or (needle in path and check(path))
                ]
        found.sort()
        return found

    def first(self, path: bytes) -> int | None:
        """The least number of a pattern that matches a normalized path: `matching(path)[0]`, found sooner."""
        least: int | None = None
        node = self._nodes[bisect_right(self._prefixes, path)]
        while node is not None:
            prefix, bucket, node = node
            if path.startswith(prefix):
                for number, needle, check in bucket:
                    if least is not None and number >= least:
                        break
                    if check is None or (needle in path and check(path)):
                        least = number
                        break
        return least


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What robots.txt says to a crawler about a path.

    `rule` decided, or is None where none matches (then `allowed`). `token` is the group token that bound the
    crawler, as written; `*` is everyone's, and `everyone` says that this was it; None means that no group binds it.
    `groups` were merged.
    """

    allowed: bool
    rule: Rule | None = None
    token: str | None = None
    groups: tuple[Group, ...] = ()
    everyone: bool = False


ROBOTS_TXT = b"/robots.txt"
"""The path that is allowed whatever the file says (section 2.2.2)."""

_UNBOUND = Match(allowed=True)
_EVERYONE = "*"

# What the indexes of one site may hold in all: more than any file of 512,000 octets needs, unless it lists
# hundreds of tokens, each in a group of its own and all in one large group.
_MOST_INDEXES = 256
_MOST_ANSWERS = 1024
_MOST_RULES = 262_144


def _folded(token: str) -> str:
    """A token for comparison without case. Only ASCII letters have one: str.lower makes a k of the Kelvin sign."""
    token = token.strip(" \t")
    if token.isascii():
        return token.lower()
    return token.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _rank(rule: Rule) -> tuple[int, bool]:
    """The order in which matching rules decide: most octets first, Allow before Disallow (section 2.2.2)."""
    return -rule.pattern.priority, not rule.allow


_Ranked = tuple[PatternIndex, tuple[Rule, ...]]


class _Merged:
    """Groups that are one to the tokens they bind (section 2.2.1), and their rules in the order of deciding."""

    __slots__ = ("groups", "ranked")

    def __init__(self, groups: tuple[Group, ...]) -> None:
        self.groups = groups
        self.ranked: _Ranked | None = None

    def rank(self) -> _Ranked:
        """Number the rules in the order in which they decide: the first that matches is the answer."""
        rules = tuple(sorted((rule for group in self.groups for rule in group.rules), key=_rank))
        self.ranked = PatternIndex([rule.pattern for rule in rules]), rules
        return self.ranked


class _Binding:
    """What binds a token. `answers` keeps a Match for each rule that has decided: making one costs more than asking."""

    __slots__ = ("answers", "merged", "unmatched")

    def __init__(self, unmatched: Match, merged: _Merged) -> None:
        self.unmatched = unmatched
        self.merged = merged
        self.answers: dict[int, Match] = {}

    def answer(self, number: int, rule: Rule) -> Match:
        """The Match in which `rule`, the one with this number, decides."""
        if len(self.answers) >= _MOST_ANSWERS:
            self.answers.clear()
        found = self.answers[number] = Match(
            allowed=rule.allow,
            rule=rule,
            token=self.unmatched.token,
            groups=self.unmatched.groups,
            everyone=self.unmatched.everyone,
        )
        return found


class RobotsMatcher:
    """Answers for one robots.txt. Groups are merged and indexed when a token that they bind is first asked for."""

    __slots__ = ("_bindings", "_held")

    def __init__(self, robots: RobotsTxt) -> None:
        written: dict[str, str] = {}
        naming: dict[str, dict[int, Group]] = {}
        for number, group in enumerate(robots.groups):
            for token in group.tokens:
                name = _folded(token)
                written.setdefault(name, token)
                naming.setdefault(name, {})[number] = group
        naming.pop("", None)  # an empty value names nobody
        merged: dict[tuple[int, ...], _Merged] = {}
        self._bindings: dict[str, _Binding] = {}
        self._held: deque[tuple[_Merged, int]] = deque()
        for name, groups in naming.items():
            shared = merged.setdefault(tuple(groups), _Merged(tuple(groups.values())))
            token, everyone = written[name], name == _EVERYONE
            unmatched = Match(allowed=True, token=token, groups=shared.groups, everyone=everyone)
            self._bindings[name] = self._bindings[token] = _Binding(unmatched, shared)

    def names(self, token: str) -> bool:
        """Whether a group names `token`: the whole value of a user-agent line, without regard to case."""
        return _folded(token) in self._bindings

    def match(self, tokens: Sequence[str], target: str) -> Match:
        """What the file says about a path and query to a crawler with these product tokens.

        The first token that a group names binds; if there is none, `*` does (section 2.2.1). Never raises.
        """
        for token in tokens:
            binding = self._bindings.get(token) or self._bindings.get(_folded(token))
            if binding is not None:
                break
        else:
            binding = self._bindings.get(_EVERYONE)
            if binding is None:
                return _UNBOUND
        path = target.encode() if is_plain_path(target) is not None else normalize_path(target)  # spares a call
        index, rules = binding.merged.ranked or self._rank(binding.merged)
        number = index.first(path)
        if number is None or path == ROBOTS_TXT:
            return binding.unmatched
        return binding.answers.get(number) or binding.answer(number, rules[number])

    def _rank(self, merged: _Merged) -> _Ranked:
        ranked = merged.rank()
        self._held.append((merged, len(ranked[1])))
        while len(self._held) > 1 and (
            len(self._held) > _MOST_INDEXES or sum(rules for _, rules in self._held) > _MOST_RULES
        ):
            self._held.popleft()[0].ranked = None
        return ranked


def in_order(match: Match) -> tuple[Rule, ...]:
    """The rules of the groups that bound, in the order in which they decide: the first that matches a path does."""
    return tuple(sorted((rule for group in match.groups for rule in group.rules), key=_rank))


def also_matching(match: Match, target: str) -> tuple[Rule, ...]:
    """The rules of the groups that bound which match too and did not decide, in the order in which they would."""
    path = normalize_path(target)
    return tuple(rule for rule in in_order(match) if rule is not match.rule and rule.pattern.matches(path))
