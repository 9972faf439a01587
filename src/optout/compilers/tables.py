"""Makes the tables of an `Edge`. Rule: nothing is decided here.

Each outcome is asked of `decision.judge`, with facts in which exactly one line applies, and each answer is rendered by
`response.prepare_both`: a front end says what Optout would have said, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from optout.compilers.edge import NAME, OPERATOR, Answer, CrawlerClass, Declared, Edge, Onward, Outcome, Step, Table
from optout.compilers.losses import losses
from optout.crawlers.model import AI_PURPOSES, Claim, Crawler, SaidBy
from optout.crawlers.registry import Registry, contradiction
from optout.decision import STRICTNESS, Decision, Facts, Reading, Reason, ReasonCode, judge
from optout.identity import Agent, identify
from optout.messages import Fields
from optout.policy.matcher import PolicyMatcher
from optout.policy.model import Action, Clause, ClauseAction, Mode, Policy
from optout.response import declare, prepare_both
from optout.robots.matcher import ROBOTS_TXT, Match, in_order
from optout.signals.declaration import Published
from optout.signals.tdmrep import Reserved, TdmRule

_RESERVATION = frozenset({"tdm-reservation", "tdm-policy"})
_BODY = frozenset({"content-type", "content-length"})
_UNCHECKED = frozenset({"accept-signature"})  # an edge checks no signature: it must not ask for one
_NOTHING = Match(allowed=True)


def compile_edge(policy: Policy, registry: Registry, published: Published, *, authority: str) -> Edge:
    """The tables for the site at `authority` under `policy`, by what the site publishes now."""
    author = _Author(policy=policy, published=published, authority=authority, matcher=PolicyMatcher(policy))
    classes: dict[tuple[object, ...], list[Crawler]] = {}
    named = [*(crawler for _, crawler in registry.spellings), *registry.signers.values()]
    for crawler in {id(crawler): crawler for crawler in named}.values():
        if author.is_judged(crawler):
            classes.setdefault(author.alike(crawler), []).append(crawler)
    made = tuple(author.crawler_class(tuple(members)) for members in classes.values())
    links, declared = _declared(policy, published, authority)
    return Edge(
        policy=policy,
        authority=authority,
        classes=made,
        open_targets=tuple(sorted(policy.always_open | published.sitemaps)),
        declared=declared,
        links=links,
        losses=losses(policy, made, declared, states_uses=published.usages is not None),
        enforced=policy.enforces(authority),
        robots_sha256=published.robots_document.sha256,
        tdmrep_sha256=published.tdmrep_document.sha256,
        registry_sha256=registry.sha256,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Author:
    """What all tables of one edge are made from."""

    policy: Policy
    published: Published
    authority: str
    matcher: PolicyMatcher

    def is_judged(self, crawler: Crawler) -> bool:
        """Whether anything but a pass without a trace can become of `crawler`."""
        agent = _agent(crawler)
        return not agent.purposes.isdisjoint(AI_PURPOSES) or bool(self._clauses(agent))

    def alike(self, crawler: Crawler) -> tuple[object, ...]:
        """What is the same for all crawlers of a class: all that their tables and answers are made from."""
        agent, bound = _agent(crawler), self._bound(crawler)
        groups = tuple(map(id, bound.groups))
        return agent.purposes, agent.purpose, agent.standing, agent.note, self._clauses(agent), groups, bound.everyone

    def crawler_class(self, crawlers: tuple[Crawler, ...]) -> CrawlerClass:
        """The class of `crawlers`, which are alike."""
        shown = replace(crawlers[0], name=NAME.decode(), operator=OPERATOR.decode())
        agent = _agent(crawlers[0], shown=shown)
        tables = tuple(self._tables(agent, crawlers[0]))
        is_ai = not agent.purposes.isdisjoint(AI_PURPOSES)
        malformed = Facts(ReasonCode.MALFORMED_TARGET, (), True, None)
        return CrawlerClass(
            crawlers=crawlers,
            tables=tables,
            malformed=self._outcome(self._judge(malformed, agent)) if is_ai else Onward.PASS,
            ambiguous=self._ambiguous(agent, tables),
        )

    def _clauses(self, agent: Agent) -> tuple[Clause, ...]:
        """The clauses that can decide about `agent` here: its standing is known, and neither observing nor a rate ends
        the search.
        """
        return tuple(
            clause
            for clause in self.matcher.about(agent.claim.crawler, agent.purposes).clauses
            if clause.mode is not Mode.OBSERVE
            and clause.action is not ClauseAction.THROTTLE
            and (not clause.standings or agent.standing in clause.standings)
        )

    def _bound(self, crawler: Crawler) -> Match:
        """The groups of robots.txt that bind `crawler`, with no rule: what `/robots.txt` itself is answered with."""
        robots = self.published.robots
        return _NOTHING if robots is None else robots.match(crawler.robots_tokens, ROBOTS_TXT.decode())

    def _tables(self, agent: Agent, crawler: Crawler) -> Iterator[Table]:
        clauses = self._clauses(replace(agent, claim=replace(agent.claim, crawler=crawler)))
        steps = tuple(
            Step(outcome=self._by_clause(agent, clause), patterns=clause.paths, methods=clause.methods)
            for clause in clauses
        )
        is_ai = not agent.purposes.isdisjoint(AI_PURPOSES)
        if steps:
            yield Table(steps=steps, otherwise=Onward.NEXT if is_ai else Onward.PASS)
        handing_on = tuple(clause for clause in clauses if clause.action is ClauseAction.PUBLISHED)[:1]
        if not is_ai and not handing_on:
            return
        robots = tuple(self._by_robots(agent, crawler, handing_on))
        if any(isinstance(step.outcome, Answer) for step in robots):
            yield Table(steps=robots, otherwise=Onward.NEXT)
        reserved = tuple(self._by_reservation(agent, handing_on))
        if any(isinstance(step.outcome, Answer) for step in reserved):
            yield Table(steps=reserved, otherwise=Onward.NEXT)
        yield Table(steps=(), otherwise=self._outcome(self._read(agent, handing_on)))

    def _by_clause(self, agent: Agent, clause: Clause) -> Outcome:
        if clause.action is ClauseAction.PUBLISHED:
            return Onward.NEXT
        return self._outcome(self._read(agent, (clause,)))

    def _by_robots(self, agent: Agent, crawler: Crawler, clauses: tuple[Clause, ...]) -> Iterator[Step]:
        bound = self._bound(crawler)
        for rule in in_order(bound):
            if rule.pattern.pieces:  # an empty one matches nothing
                match = replace(bound, allowed=rule.allow, rule=rule)
                outcome = self._outcome(self._read(agent, clauses, match=match), only="robots.txt")
                yield Step(outcome=outcome, patterns=(rule.pattern,))

    def _by_reservation(self, agent: Agent, clauses: tuple[Clause, ...]) -> Iterator[Step]:
        for rule in self.published.tdm.rules if self.published.tdm is not None else ():
            outcome = self._outcome(self._read(agent, clauses, rule=rule), only="reservation")
            yield Step(outcome=outcome, patterns=(rule.location,))

    def _read(
        self, agent: Agent, clauses: tuple[Clause, ...], *, match: Match | None = None, rule: TdmRule | None = None
    ) -> Decision:
        """The decision where exactly these lines apply."""
        return self._judge(Facts(None, (Reading(agent, clauses, match, rule, True),), True, None), agent)

    def _judge(self, facts: Facts, agent: Agent) -> Decision:
        return judge(facts, agent=agent, policy=self.policy, published=self.published, enforced=True)

    def _ambiguous(self, agent: Agent, tables: tuple[Table, ...]) -> Outcome:
        answers = [step.outcome for table in tables for step in (*table.steps, Step(outcome=table.otherwise))]
        actions = [Action(answer.action) for answer in answers if isinstance(answer, Answer)]
        if not actions:
            return Onward.PASS
        decision = Decision(
            action=max(actions, key=STRICTNESS.__getitem__),
            clause="ambiguous-target",
            reasons=(_AMBIGUOUS,),
            agent=agent,
            policy=self.policy,
            enforced=True,
        )
        return self._outcome(decision)

    def _outcome(self, decision: Decision, *, only: str = "") -> Outcome:
        """What a decision comes to; where another step than `only` made it, the next table decides."""
        if only and decision.clause != only:
            return Onward.NEXT
        both = prepare_both(decision, self.authority)
        if both is None:
            return Onward.PASS
        prepared, page = both
        kept = (pair for pair in prepared.fields if pair[0].lower() not in _RESERVATION | _BODY | _UNCHECKED)
        return Answer(
            status=prepared.status,
            fields=Fields(tuple(kept)),
            json=prepared.body,
            page=page,
            action=decision.action.value,
            code=decision.deciding.code.value,
            clause=decision.clause,
        )


_AMBIGUOUS = Reason(
    code=ReasonCode.AMBIGUOUS_TARGET, text="the target can be read in several ways; the strictest answer stands"
)


def _agent(crawler: Crawler, *, shown: Crawler | None = None) -> Agent:
    """The agent that calls itself `crawler`; `shown` takes its place in what is said."""
    claim = Claim(
        crawler=shown or crawler,
        token=crawler.name,
        said_by=SaidBy.USER_AGENT,
        named=(shown or crawler,),
        contradiction=contradiction(crawler),
    )
    return identify(claim)


def _declared(policy: Policy, published: Published, authority: str) -> tuple[Fields, tuple[Declared, ...]]:
    """Link fields for all paths, and what is said of each path, first match first."""

    def said(rule: TdmRule | None) -> Fields:
        fields = declare(policy, rule, authority)
        return Fields(tuple(pair for pair in fields if pair[0].lower() in _RESERVATION))

    rules = published.tdm.rules if published.tdm is not None else ()
    declared = [
        Declared(pattern=rule.location, fields=said(rule), reserved=rule.reserved is Reserved.RESERVED)
        for rule in rules
    ]
    links = Fields(tuple(pair for pair in declare(policy, None, authority) if pair[0] == "Link"))
    return links, tuple(declared)
