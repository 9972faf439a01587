"""What an owner decided, ready to be applied: the nouns of a policy (design parts 5.1, 5.2, 5.7, 5.10).

The file's own form is `policy.schema`; `policy.loader` turns the one into the other. Values here are complete:
every default has been filled in, every reference resolved, every pattern compiled.

A host may hold 40,000 policies. They are msgspec's structs, a tenth of the price of dataclasses; and because they hold
nothing that could ever hold them, the garbage collector need not walk through them (`gc=False`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import msgspec

from optout.crawlers.model import AI_PURPOSES, Crawler, Purpose
from optout.identity import Standing
from optout.policy.rate import Rate
from optout.policy.rollout import BUCKETS, Rollout
from optout.policy.site_names import nearest
from optout.robots.model import PathPattern


class Action(StrEnum):
    """What a request is answered with. `throttle` comes of a clause with a rate, where that is spent."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_LICENSE = "require-license"
    THROTTLE = "throttle"


class ClauseAction(StrEnum):
    """What a clause does: an action, or `published`, which hands on to what the site has published.

    `throttle` decides nothing about who is let in: it says how often whoever is let in may come.
    """

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_LICENSE = "require-license"
    PUBLISHED = "published"
    THROTTLE = "throttle"


class Mode(StrEnum):
    """Whether a decision is carried out or only recorded as what it would have been."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class OnReservation(StrEnum):
    """What a TDM reservation means for access: only say so, or refuse crawlers whose single purpose is reserved."""

    DECLARE = "declare"
    REQUIRE_LICENSE = "require-license"
    DENY = "deny"


class OnError(StrEnum):
    """What a recognized AI crawler gets when Optout itself fails: 503, or the page."""

    REFUSE = "refuse"
    ALLOW = "allow"


class DocumentsFrom(StrEnum):
    """Where the site's published documents are read."""

    ORIGIN = "origin"
    FILES = "files"
    GENERATED = "generated"


REFUSALS = frozenset({Action.DENY, Action.REQUIRE_LICENSE, Action.THROTTLE})


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line of a file, for reasons: `no-training.yaml:14`."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Clause(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One sentence of the owner's will. Selectors that are empty select everybody (within design part 5.2).

    `crawlers` and `operators` are lower-cased names. `mode` None means the policy's. `rate` belongs to `throttle`.
    """

    id: str
    action: ClauseAction
    place: Place
    crawlers: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    purposes: frozenset[Purpose] = frozenset()
    standings: frozenset[Standing] = frozenset()
    paths: tuple[PathPattern, ...] = ()
    methods: frozenset[str] = frozenset()
    mode: Mode | None = None
    including_search: bool = False
    reason: str = ""
    rate: Rate | None = None

    def names(self, crawler: Crawler, purposes: frozenset[Purpose]) -> bool:
        """Whether this clause is about `crawler`, acting with `purposes`.

        A crawler that is no AI crawler must be named, by itself or by its purpose: an operator or a path alone
        never reaches Googlebot (design part 5.2).
        """
        by_name = bool(self.crawlers) and not self.crawlers.isdisjoint(names_of(crawler))
        if self.crawlers and not by_name:
            return False
        if self.operators and crawler.operator.lower() not in self.operators:
            return False
        if self.purposes and self.purposes.isdisjoint(purposes):
            return False
        return by_name or bool(self.purposes) or not purposes.isdisjoint(AI_PURPOSES)


def names_of(crawler: Crawler) -> frozenset[str]:
    """Every name, lower-cased, by which a policy may mean `crawler`."""
    return _names(crawler.name, crawler.robots_tokens[:1])


@lru_cache(maxsize=1024)  # a registry has some three hundred
def _names(name: str, tokens: tuple[str, ...]) -> frozenset[str]:
    return frozenset(each.strip().lower() for each in (name, *name.split(" / "), *tokens))


class Policy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything the owner decided for a set of sites.

    `digest` is the SHA-256 (hex) of the file's bytes. `sites` are normalized authorities, or `*.suffix`, or `*`.
    URLs are absolute, or start with `/` and mean the site itself. `always_open` are the paths that this policy
    itself names and that therefore answer everybody (design part 5.4). `rollout` None enforces every site, if `mode`
    does.
    """

    file: str
    digest: str
    sites: tuple[str, ...]
    mode: Mode
    default: Action
    on_error: OnError
    default_place: Place
    clauses: tuple[Clause, ...] = ()
    on_disallow: Action = Action.DENY
    on_reservation: OnReservation = OnReservation.DECLARE
    user_fetch_obeys_everyone_group: bool = False
    contact: str = ""
    terms: str = ""
    license: str = ""
    license_server: str = ""
    tdm_policy: str = ""
    tenant: str = "default"
    evidence_required_for: frozenset[Purpose] = frozenset({Purpose.TRAIN, Purpose.DATASET})
    evidence_private: bool = True
    retention_days: int = 180
    documents_from: DocumentsFrom = DocumentsFrom.ORIGIN
    robots_file: str = ""
    tdmrep_file: str = ""
    robots_base: str = ""
    sitemaps: tuple[str, ...] = ()
    always_open: frozenset[str] = frozenset()
    rollout: Rollout | None = None

    def enforces(self, authority: str) -> bool:
        """Whether decisions for `authority` are carried out. Every door, record and compiler asks here.

        A request without a Host, as HTTP/1.0 sends it, is for the site of a policy that has one site.
        """
        if self.mode is not Mode.ENFORCE or self.rollout is None:
            return self.mode is Mode.ENFORCE
        return self.rollout.includes(authority or self.sites[0])

    @property
    def enforces_everywhere(self) -> bool:
        """Whether decisions are carried out for every site: what holds for sites that are not told apart asks this."""
        return self.mode is Mode.ENFORCE and (self.rollout is None or self.rollout.share == BUCKETS)


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The policies in force, by authority: an exact name first, then the longest `*.suffix`, then `*`.

    Immutable: a reload makes a new one. `digest` names the set as a whole.
    """

    policies: tuple[Policy, ...]
    by_site: Mapping[str, Policy]
    digest: str = ""

    def __iter__(self) -> Iterator[Policy]:
        return iter(self.policies)

    def holds(self, policy: Policy) -> bool:
        """Whether this very policy is in force."""
        return self.by_site.get(policy.sites[0]) is policy

    def find(self, authority: str) -> Policy | None:
        """The policy for a normalized authority; None if nobody wrote one.

        A site written without a port is meant on every port.
        """
        if not authority and len(self.policies) == 1:  # HTTP/1.0 without a Host: an origin of one site serves that
            return self.policies[0]
        name = nearest(authority, self.by_site)
        return None if name is None else self.by_site[name]
