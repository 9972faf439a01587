"""A policy's clauses, indexed by who they are about and by path: the cost does not grow with other clauses.

Clauses keep the order of the file, and the first that matches decides; `robots.matcher.PatternIndex` finds which do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import merge

from optout.crawlers.model import Crawler, Purpose
from optout.policy.model import Clause, Policy, PolicySet
from optout.robots.matcher import PatternIndex

_MOST_INDEXES = 64  # of one policy: more crawlers than ever come to one site at a time
_MOST_CLAUSES = 1_000_000  # in all indexes: some 300 MB
_EMPTY_INDEX = 4  # what an index weighs besides its clauses, in clauses


class ClauseIndex:
    """Some clauses in file order, found by path."""

    __slots__ = ("_everywhere", "_index", "_owners", "clauses")

    def __init__(self, clauses: tuple[Clause, ...]) -> None:
        self.clauses = clauses
        self._everywhere = tuple(place for place, clause in enumerate(clauses) if not clause.paths)
        pairs = [(path, place) for place, clause in enumerate(clauses) for path in clause.paths]
        self._index = PatternIndex([path for path, _ in pairs])
        self._owners = tuple(place for _, place in pairs)

    def matching(self, path: bytes) -> Iterator[Clause]:
        """The clauses whose path selects `path`, in file order; one with two fitting patterns comes twice."""
        owners = [self._owners[found] for found in self._index.matching(path)] if self._owners else []
        places = merge(self._everywhere, owners) if owners else self._everywhere
        return (self.clauses[place] for place in places)


_Key = tuple[str, frozenset[Purpose]]
_Indexes = dict[_Key, ClauseIndex]


class IndexBudget:
    """What the indexes of all policies may hold together; the oldest go first.

    A stranger chooses which crawler asks which of 40,000 sites: what is made for that must not grow with the product.
    """

    __slots__ = ("_clauses", "_held")

    def __init__(self) -> None:
        self._held: deque[tuple[_Indexes, _Key, int]] = deque()
        self._clauses = 0

    def spend(self, indexes: _Indexes, key: _Key) -> None:
        """Counts the index that was made for `key`, and drops the oldest where there are too many clauses."""
        size = _EMPTY_INDEX + len(indexes[key].clauses)
        self._held.append((indexes, key, size))
        self._clauses += size
        while self._clauses > _MOST_CLAUSES and len(self._held) > 1:
            indexes, key, size = self._held.popleft()
            indexes.pop(key, None)
            self._clauses -= size


class PolicyMatcher:
    """A policy and its indexes: one per crawler, made when it first comes; the oldest goes where there are many."""

    __slots__ = ("_budget", "_indexes", "policy")

    def __init__(self, policy: Policy, budget: IndexBudget | None = None) -> None:
        self.policy = policy
        self._budget = budget
        self._indexes: _Indexes = {}

    def about(self, crawler: Crawler, purposes: frozenset[Purpose]) -> ClauseIndex:
        """The clauses that are about `crawler` acting with `purposes`."""
        key = (crawler.name, purposes)
        found = self._indexes.get(key)
        if found is None:
            if len(self._indexes) >= _MOST_INDEXES:
                del self._indexes[next(iter(self._indexes))]
            clauses = (clause for clause in self.policy.clauses if clause.names(crawler, purposes))
            found = self._indexes[key] = ClauseIndex(tuple(clauses))
            if self._budget is not None:
                self._budget.spend(self._indexes, key)
        return found


class Matchers:
    """The matchers of all policies in force, each made when its policy is first asked for."""

    __slots__ = ("_budget", "_kept")

    def __init__(self) -> None:
        self._budget = IndexBudget()
        self._kept: dict[int, PolicyMatcher] = {}  # by the identity of a policy, which its matcher holds

    def of(self, policy: Policy) -> PolicyMatcher:
        """The matcher of a policy."""
        found = self._kept.get(id(policy))
        if found is None:
            found = self._kept[id(policy)] = PolicyMatcher(policy, self._budget)
        return found

    def keep(self, policies: PolicySet) -> None:
        """Drops the matchers of policies that are no longer in force."""
        self._kept = {number: each for number, each in self._kept.items() if policies.holds(each.policy)}
