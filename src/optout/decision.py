"""What a recognized crawler is told, and why: the order of access (design parts 5.1, 5.2, 5.4, 5.5).

Rule 1: no clock, no network, no file, no randomness: the same facts give the same decision for ever.
Rule 2: nothing a stranger sent makes this room raise.
Rule 3: every decision carries the reasons in the order weighed; the last one decided. Reason codes are permanent.
Rule 4: who is no AI crawler is left alone unless a clause names it, by itself or by its purpose.
Rule 5: what is in doubt restricts a claim and never widens it; what is unknown is never consent.

It is longer than 300 lines because the order of access is one argument, to be read from top to bottom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from optout.crawlers.model import AI_PURPOSES, Crawler, Purpose
from optout.identity import Agent, Standing
from optout.licensing.token import Grant, GrantState
from optout.messages import Request
from optout.policy.always_open import ACME_CHALLENGE, ALWAYS_OPEN_PATHS
from optout.policy.matcher import PolicyMatcher
from optout.policy.model import (
    Action,
    Clause,
    ClauseAction,
    Mode,
    OnReservation,
    Place,
    Policy,
)
from optout.robots.matcher import Match
from optout.robots.model import normalize_path
from optout.signals.declaration import DocumentState, Published
from optout.signals.preference import Preference, Statement, Usage, combine
from optout.signals.tdmrep import Reserved, TdmRule
from optout.signals.verdict import rule_statements
from optout.targets import is_malformed, readings


class ReasonCode(StrEnum):
    """Why a decision fell as it did. Public and permanent; all since 0.1."""

    ALWAYS_OPEN = "always-open"
    GRANT = "grant"
    GRANT_REFUSED = "grant-refused"
    CLAUSE = "clause"
    CLAUSE_OBSERVED = "clause-observed"
    CLAUSE_PUBLISHED = "clause-published"
    CLAUSE_RATE = "clause-rate"
    RATE_EXCEEDED = "rate-exceeded"
    ROBOTS_DISALLOW = "robots-disallow"
    ROBOTS_ALLOW = "robots-allow"
    ROBOTS_NO_RULE = "robots-no-rule"
    ROBOTS_NOT_BINDING = "robots-not-binding"
    ROBOTS_UNKNOWN = "robots-unknown"
    RESERVATION_DECLARED = "reservation-declared"
    RESERVATION_REFUSED = "reservation-refused"
    DEFAULT = "default"
    AMBIGUOUS_TARGET = "ambiguous-target"
    MALFORMED_TARGET = "malformed-target"
    CLAIM_CONTRADICTED = "claim-contradicted"
    SEVERAL_CRAWLERS = "several-crawlers"
    FAULT = "fault"
    NOT_RECORDED = "not-recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that was weighed: a permanent code, words for a person, and the line it stands on, if any."""

    code: ReasonCode
    text: str
    source: Place | None = None

    def __str__(self) -> str:
        return f"{self.source} {self.text}" if self.source else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one agent is told for one request.

    `clause` is the deciding clause's id, or the step that decided (`robots.txt`, `reservation`, `default`,
    `always-open`, `grant`, `malformed-target`, `fault`). `enforced` is False where the decision is only recorded as
    what it would have been. `acted_upon` is False for an agent that is left alone: nothing is answered or recorded.
    `heard` is all that the site's documents say of what the crawler may do with the content, whether or not it gets it.
    `rates` are the clauses that say how often whoever is let in may come, where it is let in.
    """

    action: Action
    clause: str
    reasons: tuple[Reason, ...]
    agent: Agent
    policy: Policy
    enforced: bool
    acted_upon: bool = True
    robots: Match | None = None
    reservation: TdmRule | None = None
    grant: Grant | None = None
    heard: tuple[Statement, ...] = ()
    rates: tuple[Clause, ...] = ()

    @property
    def deciding(self) -> Reason:
        """The reason that decided."""
        return self.reasons[-1]


STRICTNESS: Mapping[Action, int] = {
    Action.ALLOW: 0,
    Action.THROTTLE: 1,
    Action.REQUIRE_LICENSE: 2,
    Action.DENY: 3,
}
_MINING = frozenset({Purpose.TRAIN, Purpose.DATASET})
_USES: Mapping[Purpose, Usage] = {
    Purpose.TRAIN: Usage.TRAIN,
    Purpose.DATASET: Usage.MINE,
    Purpose.SEARCH_INDEX: Usage.INDEX,
    Purpose.USER_FETCH: Usage.INPUT,
}
"""What a crawler with one purpose fetches for. What a preference for one use restricts is never made wider."""


_MOST_CRAWLERS = 8  # that one request is judged as; who names more is none of them, and gains nothing by it


def is_always_open(target: str, policy: Policy, published: Published) -> bool:
    """Whether everybody may read `target` whatever the policy says (design part 5.4): exact, as the origin sees it.

    What the policy or robots.txt names is open without a query alone: one could select any page of the site.
    """
    path = target.partition("?")[0]
    return (
        path in ALWAYS_OPEN_PATHS
        or target in policy.always_open
        or target in published.sitemaps
        or ACME_CHALLENGE.match(path) is not None
    )


class Reading(NamedTuple):
    """One crawler and one way to read the target: what applies to them. Nothing of the request itself is in it."""

    agent: Agent
    clauses: tuple[Clause, ...]
    match: Match | None
    rule: TdmRule | None
    as_received: bool
    usages: tuple[Statement, ...] = ()


class Facts(NamedTuple):
    """All of a request that a decision rests on. Requests with the same facts get the same decision.

    `opening` is set where the target alone settles it: a file that is always open, or a target that nobody reads
    alike. `readings` are then empty, and so they are where the agent is left alone. `is_plain` says that the target
    can be read in one way only. `rule` is what tdmrep.json says of it.
    """

    opening: ReasonCode | None
    readings: tuple[Reading, ...]
    is_plain: bool
    rule: TdmRule | None

    @property
    def key(self) -> tuple[int | str | None, ...] | None:
        """What tells these facts from others of one agent under one policy and one set of documents, while they live.

        None where there are several readings: those are rare, and strangers choose how many there are.
        """
        if not self.readings:
            return self.opening, id(self.rule)
        if len(self.readings) > 1:
            return None
        (reading,) = self.readings
        said = id(self.rule), id(reading.match), id(reading.usages)
        return None, *said, id(reading.agent.claim.crawler), *map(id, reading.clauses)


class _Finding(NamedTuple):
    """What one crawler gets for one reading of the target, before it is weighed against the others."""

    action: Action
    clause: str
    reasons: list[Reason]
    robots: Match | None = None
    reservation: TdmRule | None = None
    usages: tuple[Statement, ...] = ()
    rates: tuple[Clause, ...] = ()


def decide(
    *,
    request: Request,
    agent: Agent,
    matcher: PolicyMatcher,
    published: Published,
    grant: Grant | None = None,
    observe_only: bool = False,
) -> Decision:
    """The decision for one request: the strictest over every crawler named and every reading of the target."""
    enforced = is_enforced(matcher.policy, request.authority, observe_only=observe_only)
    facts = gather(request, agent, matcher, published)
    return judge(facts, agent=agent, policy=matcher.policy, published=published, grant=grant, enforced=enforced)


def is_enforced(policy: Policy, authority: str, *, observe_only: bool) -> bool:
    """Whether what is decided for a site is carried out, or only recorded as what it would have been."""
    return not observe_only and policy.enforces(authority)


def gather(request: Request, agent: Agent, matcher: PolicyMatcher, published: Published) -> Facts:
    """What a decision on `request` rests on. This alone looks at the request; `judge` sees facts only."""
    target = request.target
    is_ai = not agent.purposes.isdisjoint(AI_PURPOSES)
    if is_always_open(target, matcher.policy, published):
        return Facts(ReasonCode.ALWAYS_OPEN, (), True, reservation(published, target))
    if is_ai and is_malformed(target.partition("?")[0]):
        return Facts(ReasonCode.MALFORMED_TARGET, (), True, reservation(published, target))
    ways = readings(target)
    named = agent.claim.named
    if len(ways) == 1 and len(named) == 1:
        found = _read(request.method, agent, matcher, published, target)
        if found is None:
            return Facts(None, (), True, reservation(published, target))
        return Facts(None, (found,), True, found.rule)
    different = _different(ways)
    several = [
        _read(request.method, _as_named(agent, crawler), matcher, published, way, as_received=place == 0)
        for crawler in named[:_MOST_CRAWLERS]
        for place, way in enumerate(different)
    ]
    kept = tuple(reading for reading in several if reading is not None)
    return Facts(None, kept, len(ways) == 1, reservation(published, target))


def _read(
    method: str,
    agent: Agent,
    matcher: PolicyMatcher,
    published: Published,
    target: str,
    *,
    as_received: bool = True,
) -> Reading | None:
    """What applies to one crawler and one reading; None where it is left alone."""
    index = matcher.about(agent.claim.crawler, agent.purposes)
    if not index.clauses and agent.purposes.isdisjoint(AI_PURPOSES):
        return None
    clauses: tuple[Clause, ...] = ()
    if index.clauses:
        found = index.matching(normalize_path(target))
        clauses = tuple(clause for clause in found if _fits(clause, agent, method))
    robots, tdm, usages = published.robots, published.tdm, published.usages
    match = robots.match(agent.claim.crawler.robots_tokens, target) if robots is not None else None
    return Reading(
        agent,
        clauses,
        match,
        tdm.match(target) if tdm is not None else None,
        as_received,
        usages.match(match, target) if usages is not None and match is not None else (),
    )


def judge(
    facts: Facts,
    *,
    agent: Agent,
    policy: Policy,
    published: Published,
    grant: Grant | None = None,
    enforced: bool,
) -> Decision:
    """The decision that facts call for (design part 5.1)."""
    acted_upon = not agent.purposes.isdisjoint(AI_PURPOSES)
    found = _before_clauses(facts, grant)
    if found is None:
        found = _strictest(facts, policy, published)
        acted_upon = found is not None
    if found is None:
        found = _Finding(Action.ALLOW, "default", [_LEFT_ALONE])
    refused = grant is not None and found.action is Action.REQUIRE_LICENSE
    return Decision(
        action=found.action,
        clause=found.clause,
        reasons=(*_preface(agent), *found.reasons, *([_grant_reason(grant)] if grant and refused else [])),
        agent=agent,
        policy=policy,
        enforced=enforced,
        acted_upon=acted_upon,
        robots=found.robots,
        reservation=found.reservation or facts.rule,
        grant=grant,
        heard=(*found.usages, *rule_statements(found.reservation or facts.rule)),
        rates=found.rates,
    )


def throttled(decision: Decision, spent: tuple[Clause, ...]) -> Decision:
    """The decision for who would be let in, but has come more often than `spent`, some of its `rates`, allow.

    The first that is enforced turns it away; those that observe are told of, and no more.
    """
    reasons = list(decision.reasons)
    enforced = next((clause for clause in spent if clause.mode is not Mode.OBSERVE), None)
    for clause in spent:
        if clause.mode is Mode.OBSERVE:
            text = f'clause "{clause.id}" would turn it away: it came more often than {clause.rate} (observe mode)'
            reasons.insert(0, Reason(code=ReasonCode.CLAUSE_OBSERVED, text=text, source=clause.place))
    if enforced is None:
        return replace(decision, reasons=tuple(reasons))
    text = enforced.reason or f'clause "{enforced.id}": more often than {enforced.rate}'
    reasons.append(Reason(code=ReasonCode.RATE_EXCEEDED, text=text, source=enforced.place))
    return replace(decision, action=Action.THROTTLE, clause=enforced.id, reasons=tuple(reasons), rates=(enforced,))


_LEFT_ALONE = Reason(code=ReasonCode.DEFAULT, text="no AI crawler, and no clause names it: left alone")


def reservation(published: Published, target: str) -> TdmRule | None:
    """What tdmrep.json says of `target`: the first rule that matches, a reserving one where readings differ."""
    tdm = published.tdm
    if tdm is None:
        return None
    ways = readings(target)
    if len(ways) == 1:
        return tdm.match(target)
    rules = [tdm.match(way) for way in ways]
    return next((rule for rule in rules if rule is not None and rule.reserved is Reserved.RESERVED), rules[0])


_OPEN = _Finding(
    Action.ALLOW,
    "always-open",
    [Reason(code=ReasonCode.ALWAYS_OPEN, text="this file answers everybody, so that the site's terms can be read")],
)
_MALFORMED = _Finding(
    Action.DENY,
    "malformed-target",
    [
        Reason(
            code=ReasonCode.MALFORMED_TARGET,
            text="the target carries NUL, a backslash or a broken escape, which no two servers read alike",
        )
    ],
)


def _before_clauses(facts: Facts, grant: Grant | None) -> _Finding | None:
    """Steps (a) and (b), and targets that nobody reads alike."""
    if facts.opening is not None:
        return _OPEN if facts.opening is ReasonCode.ALWAYS_OPEN else _MALFORMED
    # The license server was asked about the target as received: where it can be read otherwise, it said nothing.
    if grant is not None and grant.state is GrantState.VALID and facts.is_plain:
        text = f"license {grant.license_id or 'token'} covers this use"
        return _Finding(Action.ALLOW, "grant", [Reason(code=ReasonCode.GRANT, text=text)])
    return None


def _strictest(facts: Facts, policy: Policy, published: Published) -> _Finding | None:
    chosen: _Finding | None = None
    rates: tuple[Clause, ...] = ()
    for reading in facts.readings:
        found = _judge(reading, policy, published)
        if found is None:
            continue
        if not reading.as_received:
            found.reasons.insert(0, _AMBIGUOUS)
        rates += found.rates
        if chosen is None or STRICTNESS[found.action] > STRICTNESS[chosen.action]:
            chosen = found._replace(usages=reading.usages)
    if chosen is None or not rates:
        return chosen
    return chosen._replace(rates=tuple(dict.fromkeys(rates)) if chosen.action is Action.ALLOW else ())


def _different(targets: tuple[str, ...]) -> tuple[str, ...]:
    """The readings that compare differently, as received first."""
    if len(targets) == 1:
        return targets
    found: dict[bytes, str] = {}
    for target in targets:
        found.setdefault(normalize_path(target), target)
    return tuple(found.values())


_AMBIGUOUS = Reason(
    code=ReasonCode.AMBIGUOUS_TARGET,
    text="the target can be read in several ways; the strictest reading stands",
)


def _as_named(agent: Agent, crawler: Crawler) -> Agent:
    if crawler is agent.claim.crawler:
        return agent
    return replace(agent, claim=replace(agent.claim, crawler=crawler))


def _judge(reading: Reading, policy: Policy, published: Published) -> _Finding | None:
    """What one crawler gets for one reading; None where it is left alone."""
    is_ai = not reading.agent.purposes.isdisjoint(AI_PURPOSES)
    reasons: list[Reason] = []
    rates: tuple[Clause, ...] = ()
    handed_on = False
    for clause in reading.clauses:
        if clause.rate is not None:
            rates += (clause,)
            if clause.mode is not Mode.OBSERVE:
                text = f'clause "{clause.id}": at most {clause.rate} for whoever is let in'
                reasons.append(Reason(code=ReasonCode.CLAUSE_RATE, text=text, source=clause.place))
        elif clause.mode is Mode.OBSERVE:
            text = f'clause "{clause.id}" would {_VERBS[clause.action]} (observe mode)'
            reasons.append(Reason(code=ReasonCode.CLAUSE_OBSERVED, text=text, source=clause.place))
        elif clause.action is ClauseAction.PUBLISHED:
            text = f'clause "{clause.id}" hands on to what the site has published'
            reasons.append(Reason(code=ReasonCode.CLAUSE_PUBLISHED, text=text, source=clause.place))
            handed_on = True
            break
        else:
            text = clause.reason or f'clause "{clause.id}": {clause.action}'
            reasons.append(Reason(code=ReasonCode.CLAUSE, text=text, source=clause.place))
            return _Finding(Action(clause.action), clause.id, reasons, rates=rates)
    if not is_ai and not handed_on:
        return _Finding(Action.ALLOW, "default", [*reasons, _LEFT_ALONE], rates=rates) if reasons or rates else None
    return _by_publication(reading, policy, published, reasons)._replace(rates=rates)


_VERBS = {
    ClauseAction.ALLOW: "allow",
    ClauseAction.DENY: "deny",
    ClauseAction.REQUIRE_LICENSE: "require a license",
    ClauseAction.PUBLISHED: "hand on to what is published",
}


def _fits(clause: Clause, agent: Agent, method: str) -> bool:
    if clause.standings and agent.standing not in clause.standings:
        return False
    return not clause.methods or method in clause.methods


def _by_publication(reading: Reading, policy: Policy, published: Published, reasons: list[Reason]) -> _Finding:
    """Steps (d) to (f): robots.txt, a reservation, the default. `reasons` grows."""
    agent, match, rule = reading.agent, reading.match, reading.rule
    reason = _robots_reason(agent, match, published, policy)
    reasons.append(reason)
    if reason.code is ReasonCode.ROBOTS_DISALLOW:
        return _Finding(policy.on_disallow, "robots.txt", reasons, match, rule)
    if rule is not None and rule.reserved is Reserved.RESERVED:
        gated = policy.on_reservation is not OnReservation.DECLARE and agent.purposes <= _MINING
        reasons.append(_reservation_reason(rule, published, gated=gated))
        if gated:
            return _Finding(Action(policy.on_reservation), "reservation", reasons, match, rule)
    said = _reserved_use(agent, reading.usages)
    if said is not None:
        is_bound = match is None or not match.everyone or policy.user_fetch_obeys_everyone_group
        gated = policy.on_reservation is not OnReservation.DECLARE and (said.usage is not Usage.INPUT or is_bound)
        reasons.append(_use_reason(said, published, gated=gated))
        if gated:
            return _Finding(Action(policy.on_reservation), "reservation", reasons, match, rule)
    if agent.purposes.isdisjoint(AI_PURPOSES):
        reasons.append(_by_default(policy.default_place, Action.ALLOW))
        return _Finding(Action.ALLOW, "default", reasons, match, rule)
    reasons.append(_by_default(policy.default_place, policy.default))
    return _Finding(policy.default, "default", reasons, match, rule)


def _robots_reason(agent: Agent, match: Match | None, published: Published, policy: Policy) -> Reason:
    document = published.robots_document
    if match is None:
        if document.state is DocumentState.UNKNOWN:
            text = "no robots.txt is known: no declaration, which refuses nobody"
            return Reason(code=ReasonCode.ROBOTS_UNKNOWN, text=text)
        return Reason(code=ReasonCode.ROBOTS_NO_RULE, text="the site has no robots.txt")
    if match.rule is None:
        return _no_rule(document.name)
    source = Place(file=document.name, line=match.rule.line)
    if match.allowed:
        return Reason(code=ReasonCode.ROBOTS_ALLOW, text=match.rule.text, source=source)
    bound = not match.everyone or policy.user_fetch_obeys_everyone_group
    if agent.purpose is Purpose.USER_FETCH and not bound:
        text = f"{match.rule.text} stands in the group of *, which does not bind a fetch that a person asked for"
        return Reason(code=ReasonCode.ROBOTS_NOT_BINDING, text=text, source=source)
    return Reason(code=ReasonCode.ROBOTS_DISALLOW, text=match.rule.text, source=source)


@lru_cache(maxsize=1024)
def _by_default(place: Place, action: Action) -> Reason:
    return Reason(code=ReasonCode.DEFAULT, text=f"default: {action}", source=place)


@lru_cache(maxsize=16)
def _no_rule(name: str) -> Reason:
    return Reason(code=ReasonCode.ROBOTS_NO_RULE, text=f"{name} has no rule for this")


def _grant_reason(grant: Grant) -> Reason:
    text = f"the license token was refused ({grant.state}){': ' if grant.reason else ''}{grant.reason}"
    return Reason(code=ReasonCode.GRANT_REFUSED, text=text)


def _reservation_reason(rule: TdmRule, published: Published, *, gated: bool) -> Reason:
    place = Place(file=published.tdmrep_document.name, line=rule.line)
    text = f"tdm-reservation: 1 for {rule.location.written}"
    if gated:
        return Reason(code=ReasonCode.RESERVATION_REFUSED, text=text, source=place)
    return Reason(code=ReasonCode.RESERVATION_DECLARED, text=f"{text} (declared)", source=place)


def _reserved_use(agent: Agent, usages: tuple[Statement, ...]) -> Statement | None:
    """The statement that disallows all that a crawler fetches for; None where anything of it is left."""
    if not usages or not agent.purposes <= _USES.keys():
        return None
    disallowed = {said.usage: said for said in combine(usages) if said.preference is Preference.DISALLOWED}
    if not all(_USES[purpose] in disallowed for purpose in agent.purposes):
        return None
    return disallowed[_USES[agent.purpose]]


def _use_reason(said: Statement, published: Published, *, gated: bool) -> Reason:
    place = Place(file=published.robots_document.name, line=said.line)
    text = f"{said.source.removeprefix('robots.txt ')}: {said.text} ({said.usage} disallowed)"
    if gated:
        return Reason(code=ReasonCode.RESERVATION_REFUSED, text=text, source=place)
    return Reason(code=ReasonCode.RESERVATION_DECLARED, text=f"{text}, declared", source=place)


def _preface(agent: Agent) -> tuple[Reason, ...]:
    claim = agent.claim
    if len(claim.named) < 2 and agent.standing is not Standing.CONTRADICTED:  # almost always
        return ()
    found: list[Reason] = []
    if len(claim.named) > 1:
        names = ", ".join(crawler.name for crawler in claim.named)
        text = f"the request names several crawlers ({names}); the strictest answer stands"
        found.append(Reason(code=ReasonCode.SEVERAL_CRAWLERS, text=text))
    if agent.standing is Standing.CONTRADICTED:
        found.append(Reason(code=ReasonCode.CLAIM_CONTRADICTED, text=agent.note))
    return tuple(found)
