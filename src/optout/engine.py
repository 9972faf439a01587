"""The conductor: a request becomes facts, facts become a decision, a decision becomes a response and a record.

    case    = engine.examine(request)                 # pure; case.lookups
    answers = await resolver.resolve(case.lookups)    # the only I/O before the answer, and it is the door's
    outcome = engine.conclude(case, answers)          # pure

Rule: no I/O and no clock here. The engine is immutable but for its bounded indexes; a reload makes a new one.

It is longer than 300 lines because what is remembered stands beside what it spares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec

from optout import record as records
from optout import response as responses
from optout.crawlers.address_book import NO_LISTS, NOT_LOOKED, AddressBook, Looked
from optout.crawlers.model import AI_PURPOSES, Claim, SaidBy
from optout.crawlers.registry import Registry
from optout.decision import Decision, Reason, ReasonCode, decide, is_enforced, reservation
from optout.identity import Agent, Method, Named, identify, is_open, name, prove, signers_of, suffixes_of
from optout.licensing.token import Grant, GrantState, parse_license_authorization
from optout.lookups import Answers, Introspection, Lookup, PublishedDocuments, ReverseDns, SignatureCheck
from optout.messages import AddressSource, ClientAddress, Fields, Request, Response
from optout.policy.always_open import ALWAYS_OPEN_PATHS
from optout.policy.matcher import Matchers, PolicyMatcher
from optout.policy.model import REFUSALS, Action, Clause, OnError, Policy, PolicySet
from optout.record import Record
from optout.ruling import Rulings
from optout.signals.declaration import NOTHING_KNOWN, Published
from optout.signals.tdmrep import TdmRule
from optout.signatures.verification import UNSIGNED, Checked, Presented, Verdict, present, question, settle

NO_FIELDS = Fields()
_PRIVATE = Fields((("Cache-Control", "private"),))  # what one licensed must not be served to the next from a cache
_FAULT = Reason(code=ReasonCode.FAULT, text="this request could not be judged")
_REMEMBERED_CLAIMS = 1024  # with what follows from each, some 7 KB: strangers write user agents
_REMEMBERED_DECLARATIONS = 2048
_REMEMBERED_PROOFS = 4096
_REMEMBERED_NOBODIES = 16_384  # numbers: half a megabyte
_REMEMBERED_SITES = 16_384
_REMEMBERED_LENGTH = 512  # characters; the longest user agent of the registry has about 250
_UNWRITTEN = Record(public={}, private={})
_SERVER_DOWN = Grant(state=GrantState.UNAVAILABLE, license_id="", reason="the license server gave no answer")


Take = Callable[[Decision, Request], tuple[Clause, ...]]
"""Which of a decision's `rates` a request exceeds. It counts, so it is the door's."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A recognized request under a policy, and what must be asked before it can be decided.

    `agent` is who it is by addresses and names; `presented` is the signature, which `conclude` weighs.
    """

    request: Request
    agent: Agent
    matcher: PolicyMatcher
    lookups: tuple[Lookup, ...]
    presented: Presented = UNSIGNED

    @property
    def policy(self) -> Policy:
        """The policy of the request's site."""
        return self.matcher.policy


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a door has to do.

    `response` None lets the request on; `fields` then replace those of the same name on the way back. `record` None
    means that nothing may be written about it.
    `fails_closed`: if the record cannot be made durable, the content must not go out (design part 5.3). `is_signed`:
    the request bore a signature, or a name that was asked for is still to come, so that another like it may be worth
    something else.
    """

    decision: Decision
    response: Response | None
    record: Record | None
    fails_closed: bool
    published: Published = NOTHING_KNOWN
    fields: Fields = NO_FIELDS
    is_signed: bool = False


class Engine:
    """Policies, registry and operators' address lists, ready to judge.

    `observe_only` is the process-wide override (`OPTOUT_MODE=observe`, design part 5.14). Claims that were found are
    remembered, because a crawler sends the same user agent a million times. Of a user agent that names no crawler only
    Python's hash is, which is keyed anew in each process: no text can be had back from it. Whoever found another text
    with the same hash would be taken for a person, as he is by calling himself a browser.
    """

    __slots__ = (
        "_agents",
        "_claims",
        "_declared",
        "_governed",
        "_matchers",
        "_named",
        "_nobodies",
        "_proved",
        "_rulings",
        "asks_names",
        "lists",
        "observe_only",
        "policies",
        "registry",
    )

    def __init__(
        self,
        policies: PolicySet,
        registry: Registry,
        *,
        observe_only: bool = False,
        lists: AddressBook = NO_LISTS,
        asks_names: bool = False,
    ) -> None:
        self.policies = policies
        self.registry = registry
        self.lists = lists
        self.observe_only = observe_only
        self.asks_names = asks_names
        self._claims: dict[tuple[str, str | None], Claim] = {}
        self._nobodies: set[int] = set()
        self._governed: dict[str, Policy | None] = {}
        # By the identity of a claim, which its agents hold; one for each thing that a list may say of it.
        self._agents: dict[int, dict[Looked, Agent]] = {}
        # By the identity of an agent, which is held, and what its signature was worth.
        self._proved: dict[tuple[int, Verdict], tuple[Agent, Agent]] = {}
        self._named: dict[tuple[int, Named | None], tuple[Agent, Agent]] = {}  # the same for the name of its address
        # By the identities of policy and rule, which are held; what a person's response declares is made once.
        self._declared: dict[tuple[int, int, str], tuple[TdmRule | None, Fields]] = {}
        self._rulings = Rulings(registry.sha256, observe_only=observe_only)
        self._matchers = Matchers()

    def under(self, policies: PolicySet) -> Engine:
        """The engine for other policies; what is known of crawlers, and of policies that stay, it knows already.

        Both may be asked for a while: requests that are under way end under the policies that they began with.
        """
        engine = Engine(
            policies, self.registry, observe_only=self.observe_only, lists=self.lists, asks_names=self.asks_names
        )
        engine._claims, engine._nobodies, engine._agents = self._claims, self._nobodies, self._agents
        engine._rulings, engine._matchers = self._rulings, self._matchers
        self._rulings.keep(policies)
        self._matchers.keep(policies)
        return engine

    def knowing(self, lists: AddressBook) -> Engine:
        """The engine with other address lists; what rests on none of them it knows already. As `under`."""
        engine = Engine(
            self.policies, self.registry, observe_only=self.observe_only, lists=lists, asks_names=self.asks_names
        )
        engine._nobodies, engine._matchers = self._nobodies, self._matchers
        engine._claims = self._claims.copy()  # each claim needs agents of its own, which the two must not share
        engine._agents = {id(claim): _unasked(claim) for claim in engine._claims.values()}
        return engine

    def recognize(self, user_agent: str, signature_agent: str | None = None) -> Claim | None:
        """What a request says of itself; None for everybody who claims nothing."""
        number = hash(user_agent) if signature_agent is None else None
        if number in self._nobodies:
            return None
        key = (user_agent, signature_agent)
        claim = self._claims.get(key)
        if claim is None:
            claim = self.registry.recognize(user_agent, signature_agent)
            if claim is not None and len(user_agent) + len(signature_agent or "") <= _REMEMBERED_LENGTH:
                if len(self._claims) >= _REMEMBERED_CLAIMS:  # strangers write the keys: memory is bounded
                    self._claims.clear()
                    self._agents.clear()
                    self._rulings.forget()  # they are found by the agents that are gone
                self._claims[key] = claim
                self._agents[id(claim)] = _unasked(claim)
            elif claim is None and number is not None:
                if len(self._nobodies) >= _REMEMBERED_NOBODIES:
                    self._nobodies.clear()
                self._nobodies.add(number)
        return claim

    def identify(self, claim: Claim, client: ClientAddress, now_us: int) -> Agent:
        """Who makes `claim` from `client` at `now_us`, by the address lists at hand; the same agent for the same."""
        known = self._agents.get(id(claim))
        looked = NOT_LOOKED if self.lists is NO_LISTS else self.lists.look(claim, client, now_us)
        if known is None:
            return identify(claim, *looked)
        agent = known.get(looked)
        if agent is None:
            agent = known[looked] = identify(claim, *looked)
        return agent

    def is_nobody(self, user_agent: str) -> bool:
        """Whether `recognize` has found, not long ago, that this user agent claims nothing."""
        return hash(user_agent) in self._nobodies

    def govern(self, authority: str) -> Policy | None:
        """The policy of a site; None if nobody wrote one. As `PolicySet.find`, and remembered."""
        try:
            return self._governed[authority]
        except KeyError:
            if len(self._governed) >= _REMEMBERED_SITES:  # strangers write authorities
                self._governed.clear()
            found = self._governed[authority] = self.policies.find(authority)
            return found

    def examine(self, request: Request, claim: Claim | None = None, agent: Agent | None = None) -> Case | None:
        """The case to conclude; None where the request passes and leaves no trace.

        `claim` may be given by a door that has recognized already, `agent` by a record of who it was.
        """
        if claim is None:
            claim = self.recognize(request.user_agent, request.signature_agent)
            if claim is None:
                return None
        policy = self.govern(request.authority)
        if policy is None:
            return None
        matcher = self._matchers.of(policy)
        if agent is None:
            agent = self.identify(claim, request.client, request.received_us)
        if not _concerns(matcher, agent):
            return None
        lookups: tuple[Lookup, ...] = (PublishedDocuments(authority=request.authority),)
        if policy.license_server and request.path not in ALWAYS_OPEN_PATHS:
            lookups += _introspection(policy, request)
        presented = _presented(request, claim)
        if (asked := question(presented, request)) is not None:
            lookups += (asked,)
        if self.asks_names and is_open(agent) and (asks := _name_of(request.client, claim)) is not None:
            lookups += (asks,)
        return Case(request=request, agent=agent, matcher=matcher, lookups=lookups, presented=presented)

    def conclude(
        self,
        case: Case,
        answers: Answers,
        *,
        spent_us: int = 0,
        is_recorded: bool = True,
        take: Take = lambda decision, request: (),
    ) -> Outcome:
        """Decision, response and record for a case. A missing answer is a value: nothing known, server down.

        `take` counts a request that is let in by a decision with rates, and names those that it exceeds; without it
        nobody comes too often.
        A door that keeps no log is spared the making of records: it gets an empty one in their place.
        """
        request = case.request
        published = answers.get(case.lookups[0])
        if not isinstance(published, Published):
            published = NOTHING_KNOWN
        agent, checked = self._name(case, answers), None
        if case.presented is not UNSIGNED:
            checked = _checked(case, answers)
            agent = self._prove(agent, checked.verdict)
        ruling = self._rulings.rule(request, agent, case.matcher, published, _grant(case, answers))
        if not ruling.decision.acted_upon:
            return Outcome(decision=ruling.decision, response=None, record=None, fails_closed=False)
        spent = ruling.decision.rates and take(ruling.decision, request)
        if spent:
            ruling = self._rulings.throttle(ruling.decision, spent, published)
        decision = ruling.decision
        response = ruling.response(request)
        record = ruling.record(request, response, spent_us) if is_recorded else _UNWRITTEN
        if is_recorded and checked is not None:
            record = records.with_signature(record, case.presented, checked)
        return Outcome(
            decision=decision,
            response=response,
            record=record,
            fails_closed=response is None and _needs_record(decision),
            published=published,
            fields=_PRIVATE if decision.clause == "grant" else NO_FIELDS,
            is_signed=checked is not None or (agent.method is Method.UNAVAILABLE and agent is not case.agent),
        )

    def _name(self, case: Case, answers: Answers) -> Agent:
        """The agent after its address was asked for its name, where that was asked; the same for the same."""
        asked = case.lookups[-1]
        if not isinstance(asked, ReverseDns):
            return case.agent
        answer = answers.get(asked)
        named = answer if isinstance(answer, Named) else None
        known = self._named.get((id(case.agent), named))
        if known is None:
            if len(self._named) >= _REMEMBERED_PROOFS:
                self._named.clear()
            known = self._named[id(case.agent), named] = case.agent, name(case.agent, named)
        return known[1]

    def _prove(self, agent: Agent, verdict: Verdict) -> Agent:
        """The agent after its signature was looked at; the same for the same."""
        known = self._proved.get((id(agent), verdict))
        if known is None:
            if len(self._proved) >= _REMEMBERED_PROOFS:
                self._proved.clear()
            known = self._proved[id(agent), verdict] = agent, prove(agent, verdict)
        return known[1]

    def explain(self, request: Request, published: Published) -> Outcome | None:
        """What a request would get if the site published `published`; None where it passes without a trace."""
        case = self.examine(request)
        return None if case is None else self.conclude(case, {case.lookups[0]: published})

    def fail(self, case: Case) -> Outcome:
        """The outcome where judging itself failed after recognition: the policy's `on_error` (design part 4).

        Only AI purposes are refused; in observe mode nobody is. The answer does not say what failed: that is for
        the owner's log.
        """
        policy, request = case.policy, case.request
        is_ai = not case.agent.purposes.isdisjoint(AI_PURPOSES)
        enforced = is_enforced(policy, request.authority, observe_only=self.observe_only)
        refused = is_ai and enforced and policy.on_error is OnError.REFUSE
        decision = Decision(
            action=Action.DENY if refused else Action.ALLOW,
            clause="fault",
            reasons=(_FAULT,),
            agent=case.agent,
            policy=policy,
            enforced=enforced,
        )
        response = responses.unavailable(decision, request) if refused else None
        found = records.draft(
            decision=decision,
            published=NOTHING_KNOWN,
            status=None if response is None else response.status,
            registry_sha256=self.registry.sha256,
        )
        fails_closed = response is None and _needs_record(decision)
        record = records.crawl_request(request=request, draft=found, spent_us=0)
        return Outcome(decision=decision, response=response, record=record, fails_closed=fails_closed)

    def without_record(self, outcome: Outcome, request: Request) -> Outcome:
        """The outcome where the record could not be made durable: 503 for what fails closed, else unchanged."""
        if not outcome.fails_closed:
            return outcome
        text = "the request could not be put on record, and content is handed over only on record"
        reason = Reason(code=ReasonCode.NOT_RECORDED, text=text)
        decision = replace(outcome.decision, reasons=(*outcome.decision.reasons, reason))
        return msgspec.structs.replace(outcome, decision=decision, response=responses.unavailable(decision, request))

    def undeclared(self, authority: str, published: Published) -> tuple[str, ...]:
        """The product tokens of AI crawlers that the policy refuses and the live robots.txt lets in, for `/`.

        An owner should publish what is enforced: crawlers that obey would then not even come (design part 5.6).
        """
        policy = self.policies.find(authority)
        if policy is None:
            return ()
        matcher = self._matchers.of(policy)
        request = Request(
            id="",
            received_us=0,
            mono_us=0,
            method="GET",
            scheme="https",
            authority=authority,
            target="/",
            fields=NO_FIELDS,
        )
        found: list[str] = []
        for crawler in self.registry.crawlers:
            if crawler.robots_tokens and not crawler.acts_for.isdisjoint(AI_PURPOSES):
                claim = Claim(crawler=crawler, token=crawler.name, said_by=SaidBy.USER_AGENT, named=(crawler,))
                decision = decide(
                    request=request,
                    agent=identify(claim),
                    matcher=matcher,
                    published=published,
                    observe_only=self.observe_only,
                )
                robots = published.robots
                allowed = robots is None or robots.match(crawler.robots_tokens, "/").allowed
                if decision.enforced and decision.action in REFUSALS and allowed:
                    found.append(crawler.robots_tokens[0])
        return tuple(dict.fromkeys(found))

    def may_declare(self, policy: Policy, authority: str, published: Published) -> bool:
        """Whether there is a target of the site for which `declare` has fields."""
        declares = published.tdm is not None or policy.license
        return bool(declares) and not self.observe_only and policy.enforces(authority)

    def declare(self, *, policy: Policy, authority: str, target: str, published: Published) -> Fields:
        """The declaring fields for a GET or HEAD response of the site that `policy` is for; none in observe mode."""
        if not self.may_declare(policy, authority, published):
            return NO_FIELDS
        rule = reservation(published, target)
        key = (id(policy), id(rule), authority)
        kept = self._declared.get(key)
        if kept is None:
            if len(self._declared) >= _REMEMBERED_DECLARATIONS:  # strangers write authorities
                self._declared.clear()
            kept = self._declared[key] = (rule, responses.declare(policy, rule, authority))
        return kept[1]


def _unasked(claim: Claim) -> dict[Looked, Agent]:
    return {NOT_LOOKED: identify(claim)}


def _concerns(matcher: PolicyMatcher, agent: Agent) -> bool:
    """Whether the policy can have anything to say about `agent` (design part 5.2)."""
    if not agent.purposes.isdisjoint(AI_PURPOSES):
        return True
    named = agent.claim.named
    return any(matcher.about(crawler, crawler.acts_for).clauses for crawler in named)


def _introspection(policy: Policy, request: Request) -> tuple[Introspection, ...]:
    token = parse_license_authorization(request.fields)
    if token is None:
        return ()
    resource = f"{request.scheme}://{request.authority}{request.path}"
    return (Introspection(server=policy.license_server, token=token, resource=resource),)


def _presented(request: Request, claim: Claim) -> Presented:
    if not request.fields.all("signature-input") and not request.fields.all("signature"):  # almost always
        return UNSIGNED
    return present(request, signers_of(claim))


def _name_of(client: ClientAddress, claim: Claim) -> ReverseDns | None:
    """The question for a client's name; None where its address is unknown, or no name could prove the claim."""
    suffixes = suffixes_of(claim)
    if client.address is None or client.source is AddressSource.UNKNOWN or not suffixes:
        return None
    return ReverseDns(address=client.address, suffixes=suffixes)


def _checked(case: Case, answers: Answers) -> Checked:
    """What the signature was worth."""
    asked = next((each for each in case.lookups if isinstance(each, SignatureCheck)), None)
    return settle(case.presented, None if asked is None else answers.get(asked), case.request.client)


def _grant(case: Case, answers: Answers) -> Grant | None:
    """The grant that a token earned; UNAVAILABLE where the license server gave no answer."""
    question = next((lookup for lookup in case.lookups if isinstance(lookup, Introspection)), None)
    if question is None:
        return None
    answer = answers.get(question)
    return answer if isinstance(answer, Grant) else _SERVER_DOWN


def _needs_record(decision: Decision) -> bool:
    policy = decision.policy
    if not decision.enforced or decision.clause == "always-open" or decision.action in REFUSALS:
        return False
    named = decision.agent.claim.named
    return any(not crawler.acts_for.isdisjoint(policy.evidence_required_for) for crawler in named)
