"""A decision with all that follows from it, kept for the next request with the same facts.

Crawlers come by the thousand for pages under one rule. What they are told differs in the number of the request alone,
and what is recorded in what was observed; the rest is made once. `decision.judge` sees facts and no request, so
requests with the same facts cannot differ in the decision.
"""

from __future__ import annotations

from optout.accept import prefers_html
from optout.decision import Decision, Facts, gather, is_enforced, judge, throttled
from optout.identity import Agent
from optout.licensing.token import Grant
from optout.messages import Request, Response
from optout.policy.matcher import PolicyMatcher
from optout.policy.model import Clause, PolicySet
from optout.record import Draft, Forms, Record, crawl_request, draft
from optout.response import Prepared, prepare
from optout.signals.declaration import Published

_MOST_RULINGS = 16_384  # of one engine, about 3 KB each with a refusal: a crawler that goes through 10,000 sites
_MOST_TARGETS = 4096  # pages of which the ruling is known; strangers write them
_LONGEST_TARGET = 256  # characters
_MOST_FORMS = 32  # of one ruling: strangers write authorities where a policy holds for every site


class Ruling:
    """One decision, and the answers and records that it calls for."""

    __slots__ = ("_draft", "_facts", "_forms", "_published", "_records", "_registry_sha256", "decision")

    def __init__(
        self, decision: Decision, facts: Facts | None, published: Published, registry_sha256: str, records: Forms
    ) -> None:
        self.decision = decision
        self._records = records
        # Held, because rulings are found by the identity of what the facts and the documents are made of.
        self._facts, self._published = facts, published
        self._registry_sha256 = registry_sha256
        self._forms: dict[tuple[str, bool], Prepared | None] = {}
        self._draft: Draft | None = None

    def response(self, request: Request) -> Response | None:
        """The refusal for `request`; None where it goes on to the origin."""
        form = (request.authority, prefers_html(request.fields))
        if form in self._forms:
            prepared = self._forms[form]
        else:
            if len(self._forms) >= _MOST_FORMS:
                self._forms.clear()
            prepared = self._forms[form] = prepare(self.decision, request.authority, as_page=form[1])
        return None if prepared is None else prepared.numbered(request.id)

    def record(self, request: Request, response: Response | None, spent_us: int) -> Record:
        """The record of `request`, which is answered with `response`."""
        if self._draft is None:
            self._draft = draft(
                decision=self.decision,
                published=self._published,
                status=None if response is None else response.status,
                registry_sha256=self._registry_sha256,
            )
        return crawl_request(request=request, draft=self._draft, spent_us=spent_us, forms=self._records)


class Rulings:
    """The rulings of one engine."""

    __slots__ = ("_by_target", "_kept", "_observe_only", "_records", "_registry_sha256", "_throttled")

    def __init__(self, registry_sha256: str, *, observe_only: bool) -> None:
        self._registry_sha256 = registry_sha256
        self._observe_only = observe_only
        self._kept: dict[tuple[object, ...], Ruling] = {}
        self._by_target: dict[tuple[object, ...], Ruling] = {}
        self._throttled: dict[tuple[int, ...], tuple[Decision, Ruling]] = {}
        self._records = Forms()

    def keep(self, policies: PolicySet) -> None:
        """Drops the rulings on policies that are no longer in force."""
        self._kept = {key: ruling for key, ruling in self._kept.items() if policies.holds(ruling.decision.policy)}
        self._by_target.clear()
        self._throttled.clear()

    def forget(self) -> None:
        """Drops all; each is made anew when it is asked for."""
        self._kept.clear()
        self._by_target.clear()
        self._throttled.clear()

    def rule(
        self, request: Request, agent: Agent, matcher: PolicyMatcher, published: Published, grant: Grant | None
    ) -> Ruling:
        """The ruling on `request`. One that rests on a license token is made anew each time."""
        policy = matcher.policy
        enforced = is_enforced(policy, request.authority, observe_only=self._observe_only)
        way = (id(agent), id(policy), id(published), enforced, request.method, request.target)
        known = self._by_target.get(way) if grant is None else None
        if known is not None:
            return known
        facts = gather(request, agent, matcher, published)
        facts_key = facts.key if grant is None else None
        key = (id(agent), id(policy), id(published), enforced, facts_key)
        kept = self._kept.get(key) if facts_key is not None else None
        if kept is not None:
            self._remember(way, kept)
            return kept
        decision = judge(facts, agent=agent, policy=policy, published=published, grant=grant, enforced=enforced)
        ruling = Ruling(decision, facts, published, self._registry_sha256, self._records)
        if facts_key is not None:
            if len(self._kept) >= _MOST_RULINGS:  # strangers write some of the facts: memory is bounded
                self.forget()
            self._kept[key] = ruling
            self._remember(way, ruling)
        return ruling

    def throttle(self, decision: Decision, spent: tuple[Clause, ...], published: Published) -> Ruling:
        """The ruling on a request that `decision` lets in, where it has come more often than `spent` allow."""
        key = (id(decision), *map(id, spent))
        known = self._throttled.get(key)
        if known is None:
            if len(self._throttled) >= _MOST_RULINGS:
                self._throttled.clear()
            ruling = Ruling(throttled(decision, spent), None, published, self._registry_sha256, self._records)
            known = self._throttled[key] = decision, ruling
        return known[1]

    def _remember(self, way: tuple[object, ...], ruling: Ruling) -> None:
        """Keep what the next request for the same page gets: crawlers in a loop, and many for one page, are common."""
        if len(str(way[-1])) <= _LONGEST_TARGET:
            if len(self._by_target) >= _MOST_TARGETS:
                self._by_target.clear()
            self._by_target[way] = ruling
