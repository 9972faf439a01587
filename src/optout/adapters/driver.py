"""What every door shares: engine, resolver, log and off switch, driven for one request at a time.

Rule 1: this room holds the one broad `except` of the house. mitmproxy lets a request through when an addon raises,
aiohttp answers 500; neither is the owner's decision, so no exception leaves this room.
Rule 2: a fault before or at recognition lets the request pass, unrecorded, and counts it. A fault after it takes the
policy's `on_error`.
Rule 3: a person waits for nothing here: no disk, no resolver, no lock. Only a recognized crawler is awaited, for the
resolver's time boxes and at most `_RECORD_WITHIN_S` for its record. Nobody is counted but recognized crawlers.
Rule 4: a request that its client gives up does not take its record with it: the log owns the record.

Somewhat over 300 lines: that every way through it is counted, recorded and caught is to be seen on one page.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from optout import record as records
from optout.adapters.client_address import NO_PROXIES, TrustedProxies
from optout.adapters.crawler_files import registry_in_use
from optout.adapters.doctor.watch import Door, describe
from optout.adapters.document_choice import ChosenByPolicy
from optout.adapters.documents import DocumentSource, PublishedCache
from optout.adapters.fetcher import Fetcher
from optout.adapters.generated import Generated, as_response
from optout.adapters.intake import mono_us, now_us
from optout.adapters.key_directories import KeyDirectories
from optout.adapters.notices import Notices
from optout.adapters.public_addresses import PublicAddresses
from optout.adapters.rates import Rates
from optout.adapters.receipts import Receipts, Unawaited
from optout.adapters.resolver import Resolver
from optout.adapters.reverse_dns import ReverseNames, are_names_asked
from optout.adapters.stats.observers import observers, summary_of
from optout.adapters.stats.reading import enter, leave
from optout.adapters.stats.tally import Tally
from optout.adapters.switch import Switch, is_observe_only
from optout.adapters.upkeep import Upkeep
from optout.crawlers.address_book import AddressBook
from optout.crawlers.model import Claim
from optout.engine import NO_FIELDS, Case, Engine, Outcome
from optout.evidence.clock import new_id
from optout.evidence.form import Filled
from optout.evidence.opening import Opening, open_log
from optout.evidence.probe import PROBE
from optout.evidence.receipt import Loss, NotLoggedError, Told
from optout.evidence.recorder import Recorder
from optout.evidence.schema import Value
from optout.lookups import NO_ANSWERS, Answers
from optout.messages import UNKNOWN_CLIENT, Fields, Request, Response
from optout.policy.model import PolicySet
from optout.record import Ending, Record
from optout.signals.declaration import ROBOTS_PATH, Document, Published

LOG = logging.getLogger("optout")
_RECORD_WITHIN_S = 0.25  # evidence.md part 5.4: the budget of a recorded crawler; a person has none
_DECLARED_ON = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a door was started.

    `policy` is a file, a directory or the name of a ready stance; None observes. `evidence` None keeps no record;
    `opening` says whether this process must hold the log, or may record beside whoever does. `observe_only` overrides
    every policy, and so does `OPTOUT_MODE=observe` in the environment. `asks_at_start` is for a door that stands
    before an origin of its own: it then names at start what is refused without being declared.
    """

    state: Path
    software: str
    policy: Path | str | PolicySet | None = None
    evidence: Path | None = None
    opening: Opening = Opening.HOLD
    trusted: TrustedProxies = NO_PROXIES
    observe_only: bool = False
    asks_at_start: bool = False


class Driver:
    """One door's working parts: made once, started in the door's event loop, stopped when the door closes.

    Raises PolicyError when made with a policy that does not load, and EvidenceError when started on a log that
    another process holds or that is damaged: a door does not open on either.
    """

    def __init__(self, settings: Settings, documents: DocumentSource) -> None:
        self.settings = settings
        self._observe_only = settings.observe_only or is_observe_only()
        self.counts: Counter[str] = Counter()
        self.tally = Tally()
        self.switch = Switch(settings.state)
        self.log: Recorder | None = None
        self.upkeep = Upkeep(self.switch, settings.policy, registry_in_use(settings.state), settings.evidence)
        self.upkeep.doctor.describe = self._describe
        self.engine = Engine(
            self.upkeep.policies,
            self.upkeep.registry,
            observe_only=self._observe_only,
            lists=self.upkeep.lists.book,
            asks_names=are_names_asked(),
        )
        self._generated = Generated(self.upkeep.registry, observe_only=self._observe_only)
        self.generates = self._generated.any_wanted(self.upkeep.policies)  # whether `document` may have an answer
        base = _directory_of(settings.policy)
        source = ChosenByPolicy(documents, lambda: self.engine.policies, base, self._generated)
        self.published = PublishedCache(source, on_new=self._on_new)
        self._notices = Notices(settings.evidence)
        self.news = 0  # another number whenever a site may have begun to declare something
        self._fetcher = Fetcher()
        self._stranger = Fetcher(resolver=PublicAddresses())  # for hosts that somebody else runs
        self.keys = KeyDirectories(
            self._stranger, self.upkeep.registry.signers, on_keys=self._on_keys, state=settings.state
        )
        self._rates = Rates(settings.state)
        self._names = ReverseNames() if self.engine.asks_names else None
        self._resolver = Resolver(self.published, self._fetcher, keys=self.keys, names=self._names)
        self._receipts: Receipts  # of the event loop in which the door is started

    async def start(self) -> None:
        """Open the log and begin the upkeep. Call it once, in the event loop that will serve."""
        self._receipts = Receipts(within_s=_RECORD_WITHIN_S, unheard=self._unheard, together=self._together)
        await asyncio.to_thread(self.switch.look)
        if self.settings.evidence is not None:
            self.log = await asyncio.to_thread(
                open_log, self.settings.evidence, self.settings.opening, software=self.settings.software
            )
            await asyncio.to_thread(self.upkeep.probes.look)
        self.upkeep.start(self)
        if self.settings.asks_at_start:
            self.upkeep.announce(self.published)
        enter(self)

    async def stop(self) -> None:
        """End the upkeep, drain the log and close what is open. Safe to call twice."""
        leave(self)
        await self.upkeep.stop()
        await self.published.close()
        await self._resolver.close()
        await self.keys.close()
        if self._names is not None:
            await self._names.close()
        await self._fetcher.close()
        await self._stranger.close()
        if self.log is not None:
            log, self.log = self.log, None
            await asyncio.to_thread(log.close)
        self._rates.close()
        self._notices.close()

    def use(self, policies: PolicySet) -> None:
        """Judge by `policies` from the next request on; requests under way end under the old ones."""
        self.engine = self.engine.under(policies)
        self.generates = self._generated.any_wanted(policies)
        if self.generates:  # what is served has changed already, and the decision follows it
            self.published.hasten(self._is_generated)
        self.news += 1

    def _is_generated(self, authority: str) -> bool:
        policy = self.engine.govern(authority)
        return policy is not None and self._generated.is_wanted(policy, authority)

    def know(self, lists: AddressBook) -> None:
        """Identify by `lists` from the next request on."""
        self.engine = self.engine.knowing(lists)

    def _on_new(self, authority: str, document: Document) -> None:
        self.news += 1
        self.upkeep.on_document(authority, document)

    def _on_keys(self, host: str, document: bytes) -> None:
        try:
            if self.log is not None:
                self.log.snapshot("key-directory", document, host=host)
        except Exception:  # keys that cannot be kept are keys all the same
            self._count_fault("evidence")

    def recognize(self, authority: str, user_agent: str, signature_agent: str | None) -> Claim | None:
        """What a request claims to be; None for people, for whoever claims nothing, and while the site is off."""
        try:
            claim = self.engine.recognize(user_agent, signature_agent)
            if claim is None or self.switch.is_off(authority, now_us()):
                return None
        except Exception:
            self._count_fault("recognition")
            return None
        return claim

    async def decide(self, request: Request, claim: Claim) -> Outcome | None:
        """The outcome for a recognized request, with its record on disk; None where it passes without a trace.

        A caller that is cancelled, because its client hung up, leaves both records behind.
        """
        if self.upkeep.doctor.invitation is not None and self.upkeep.doctor.expects(request.fields):
            return await self._show_doctor(request, claim)
        if self.upkeep.probes.takes(request):
            return await self._decide_probe(request, claim)
        case = self._examine(request, claim)
        if case is None:
            return None
        answers = self._resolver.at_hand(case.lookups)
        if answers is None:
            return await self._decide_later(case)
        outcome = self._conclude(case, answers)
        try:
            return await self._on_record(outcome, request)
        except asyncio.CancelledError:
            self._judged(outcome, 0)
            self._given_up(outcome, request)
            raise

    async def _decide_later(self, case: Case) -> Outcome:
        """Ask the world first. It is a task of its own: the record is made even if nobody waits any more."""
        deciding = asyncio.ensure_future(self._ask_and_decide(case))
        try:
            return await asyncio.shield(deciding)
        except asyncio.CancelledError:
            deciding.add_done_callback(partial(self._decided_too_late, case.request))
            raise

    async def _ask_and_decide(self, case: Case) -> Outcome:
        answers: Answers = NO_ANSWERS
        try:
            answers = await self._resolver.resolve(case.lookups)
        except Exception:
            self._count_fault("judgement")
            return await self._on_record(self.engine.fail(case), case.request)
        return await self._on_record(self._conclude(case, answers), case.request)

    def _decided_too_late(self, request: Request, deciding: asyncio.Future[Outcome]) -> None:
        if not deciding.cancelled():
            self._given_up(deciding.result(), request)

    async def _show_doctor(self, request: Request, claim: Claim) -> Outcome | None:
        """The outcome for a request of the owner's own doctor: as for anybody, but recorded as nobody's."""
        outcome, case = None, self._examine(request, claim)
        if case is not None:
            answers: Answers = NO_ANSWERS
            try:
                answers = await self._resolver.resolve(case.lookups)
            except Exception:
                self._count_fault("judgement")
            outcome = msgspec.structs.replace(self._conclude(case, answers), record=None)
        self.upkeep.doctor.saw(request, outcome)
        return outcome

    async def _decide_probe(self, request: Request, claim: Claim) -> Outcome | None:
        """The outcome for a probe of the owner's: as for anybody, on record as `probe.request`, and in no figure.

        Where it came from is nobody's address: a probe of a crawler that has a list would be contradicted by it.
        """
        try:
            case = self.engine.examine(msgspec.structs.replace(request, client=UNKNOWN_CLIENT), claim)
        except Exception:
            self._count_fault("recognition")
            return None
        if case is None:
            return None
        try:
            answers = await self._resolver.resolve(case.lookups)
            outcome = self.engine.conclude(case, answers)
        except Exception:
            self._count_fault("judgement")
            outcome = self.engine.fail(case)
        if outcome.record is None or self.log is None:
            return outcome
        public = {**outcome.record.public, "type": PROBE}
        outcome = msgspec.structs.replace(outcome, record=Record(public=public, private={}))
        try:
            await self._receipts.of(partial(self._record, outcome))
        except Exception as fault:
            LOG.debug("a probe is not on record: %s", fault)
            return self.engine.without_record(outcome, request)
        return outcome

    def _describe(self) -> Door:
        """What this door is, for the doctor; the upkeep's thread asks."""
        settings = self.settings
        return describe(
            software=settings.software,
            policy="" if settings.policy is None or isinstance(settings.policy, PolicySet) else str(settings.policy),
            trusted=settings.trusted,
            observe_only=self._observe_only or settings.policy is None,
            evidence=settings.evidence,
            log=self.log,
        )

    def _given_up(self, outcome: Outcome, request: Request) -> None:
        self.ended(outcome, request, Ending(status=None, body_bytes=0, aborted=True))

    def _examine(self, request: Request, claim: Claim) -> Case | None:
        try:
            case = self.engine.examine(request, claim)
        except Exception:
            self._count_fault("recognition")
            return None
        if case is None and self.upkeep.lacks_policy(request):
            self.tally.without_policy += 1
        elif case is None:
            self.tally.passed_over(claim.crawler.purpose)
        return case

    def _conclude(self, case: Case, answers: Answers) -> Outcome:
        try:
            spent_us = mono_us() - case.request.mono_us
            outcome = self.engine.conclude(
                case, answers, spent_us=spent_us, is_recorded=self.log is not None, take=self._rates.take
            )
            self.upkeep.saw_published(case.request.authority, outcome.published)
            return outcome
        except Exception:
            self._count_fault("judgement")
            return self.engine.fail(case)

    async def _on_record(self, outcome: Outcome, request: Request) -> Outcome:
        """The outcome once its record is durable, or what design part 5.3 makes of it when that fails; counted."""
        if not self._is_to_be_recorded(outcome, request):
            return outcome
        began, fault = mono_us(), None
        try:
            await self._receipts.of(partial(self._record, outcome))
        except Exception as found:  # of the log's, or a TimeoutError
            fault = found
        return self._recorded(outcome, request, began, fault)

    def on_record(self, outcome: Outcome, request: Request, then: Callable[[Outcome], None]) -> None:
        """The same for an outcome that is given once more, without a coroutine: `then` is told, at once or later."""
        if not self._is_to_be_recorded(outcome, request):
            then(outcome)
            return
        began = mono_us()
        self._receipts.tell(
            partial(self._record, outcome),
            lambda fault: then(self._recorded(outcome, request, began, fault)),
        )

    def _is_to_be_recorded(self, outcome: Outcome, request: Request) -> bool:
        """Whether there is a record to wait for; where there is none the outcome is counted."""
        if outcome.record is None:
            self.tally.passed_over(outcome.decision.agent.purpose)
            return False
        self.upkeep.saw_client(request)
        if self.log is None:
            self._judged(outcome, 0)
            return False
        return True

    def _recorded(self, outcome: Outcome, request: Request, began: int, fault: BaseException | None) -> Outcome:
        if fault is not None:
            outcome = self._unrecorded(outcome, request, fault)
        self._judged(outcome, mono_us() - began)
        return outcome

    def is_unchanged(self, engine: Engine, authority: str, published: Published) -> bool:
        """Whether what `engine` decided, by what a site had `published`, would be decided again."""
        return (
            self.engine is engine
            and not self.switch.entries
            and self.upkeep.doctor.invitation is None
            and self.published.at_hand(authority) is published
        )

    def counts_alone(self, outcome: Outcome) -> bool:
        """Count a refusal that is given once more, if that is all there is to do: where no log is kept."""
        if self.log is not None:
            return False
        self._judged(outcome, 0)
        return True

    def _unrecorded(self, outcome: Outcome, request: Request, fault: BaseException) -> Outcome:
        if isinstance(fault, NotLoggedError):
            # The log counted it. Full for want of room is a choice of the owner's, not a fault: no 503 for that alone.
            self.tally.lose(fault.loss)
            self.upkeep.could_not_record(fault.loss)
            if fault.loss in (Loss.FLOOD, Loss.BUDGET):
                return outcome
        elif isinstance(fault, TimeoutError):  # the log still owns the record: it becomes a leaf, or is counted there
            self.tally.late += 1
        else:
            self._count_fault("evidence", fault)
        return self.engine.without_record(outcome, request)

    def _together(self) -> AbstractContextManager[None]:
        return nullcontext() if self.log is None else self.log.together()

    def _record(self, outcome: Outcome, told: Told) -> None:
        """Put an outcome's record into the log."""
        self.upkeep.will_record(outcome.decision)
        if outcome.record is not None and outcome.record.public["type"] == PROBE and self.log is not None:
            self.log.record(outcome.record.public, None, told=told)  # no flood rule: the owner's own, and few
            return
        self._put(outcome, outcome.record, told)

    def _put(self, outcome: Outcome, record: Record | None, told: Told) -> None:
        assert self.log is not None  # noqa: S101  the callers looked
        assert record is not None  # noqa: S101  the callers looked
        crawler = outcome.decision.agent.claim.crawler.name
        key = f"{crawler} {outcome.decision.action}"
        private = record.private if outcome.decision.policy.evidence_private else None
        public = record.public
        if public["type"] == "crawl.request":
            public = self._with_notice(outcome, record, crawler)
        self.log.record(public, private, flood_key=key, told=told)

    def _with_notice(self, outcome: Outcome, record: Record, crawler: str) -> Mapping[str, Value]:
        """A request's record with what its crawler has read of the site's robots.txt; a fetch of that is remembered."""
        public = record.public
        site, time_us = str(public["server.address"]), int(str(public["time_us"]))
        path = public["url.path"] if "url.path" in public else record.private.get("url.path")
        version, is_robots = outcome.published.robots_document.sha256, path == ROBOTS_PATH
        more = self._notices.beside(crawler, site, sha256=None if is_robots else version, time_us=time_us)
        if is_robots and outcome.response is None:
            self._notices.read(crawler, site, record_id=str(public["id"]), sha256=version, time_us=time_us)
        if not more:
            return public
        return public.and_also(more) if isinstance(public, Filled) else {**public, **more}

    def ended(self, outcome: Outcome, request: Request, ending: Ending) -> None:
        """Record how an exchange ended that went on to the origin. Never waits: the content is out, or it is not.

        A refusal is told whole by its `crawl.request` (evidence.md part 5.1).
        """
        if self.log is None or outcome.record is None or outcome.response is not None:
            return
        if outcome.record.public["type"] == PROBE:  # what was sent to the owner is in no figure
            return
        try:
            now = now_us()
            record = records.crawl_outcome(
                record_id=new_id(now),
                request=request,
                decision=outcome.decision,
                time_us=now,
                mono_us=mono_us(),
                ending=ending,
            )
            self._put(outcome, record, Unawaited(self._unheard))
        except Exception:
            self._count_fault("evidence")

    def _unheard(self, fault: BaseException) -> None:
        """Count a record that was not written and for which nobody waits. May run in the log's thread."""
        if isinstance(fault, NotLoggedError):
            self.tally.lose(fault.loss)

    def _judged(self, outcome: Outcome, wait_us: int) -> None:
        """Count a decision on a crawler, and tell those who asked. What they raise is theirs alone."""
        self.tally.judged(outcome.decision, None if outcome.response is None else outcome.response.status)
        if wait_us:
            self.tally.waited(wait_us)
        for observer in observers():
            try:
                observer(summary_of(outcome, wait_us))
            except (Exception, asyncio.CancelledError):  # of something else that it waited for, not of this request
                self._count_fault("observer")

    def unjudged(self, request: Request, claim: Claim) -> Outcome | None:
        """The outcome for a recognized request while the door cannot judge: as for a fault of our own (rule 2)."""
        case = self._examine(request, claim)
        if case is None:
            return None
        outcome = self.engine.without_record(self.engine.fail(case), request)
        self._judged(outcome, 0)
        return outcome

    def declare(self, *, method: str, authority: str, target: str, published: Published | None = None) -> Fields:
        """The declaring fields for a response of the site, whoever asked. Never waits, never raises.

        A caller in another thread than the event loop's says what is `published`, from `PublishedCache.peek`.
        """
        if method not in _DECLARED_ON:
            return NO_FIELDS
        try:
            engine = self.engine
            policy = engine.govern(authority)
            if policy is None or (self.switch.entries and self.switch.is_off(authority, now_us())):
                return NO_FIELDS
            known = self.published.get(authority) if published is None else published
            declared = engine.declare(policy=policy, authority=authority, target=target, published=known)
            if not self.generates:
                return declared
            uses = self._generated.uses(policy, authority, target)
            return Fields((*declared, *uses)) if uses.items else declared
        except Exception:
            self._count_fault("declaration")
            return NO_FIELDS

    def may_declare(self, authority: str) -> bool:
        """Whether `declare` may have fields for a page of the site, by what is known now. Never waits, never raises.

        A site whose documents are answered here always may.
        """
        policy, known = self.engine.govern(authority), self.published.peek(authority)[0]
        if policy is not None and self.generates and self._generated.is_wanted(policy, authority):
            return True
        return policy is not None and self.engine.may_declare(policy, authority, known)

    def document(self, *, method: str, authority: str, target: str) -> Response | None:
        """The answer in the site's place where it is a document made from the policy; None for all else. Never raises.

        Whoever asks gets it: a person, too, and a crawler that was let in. For any thread.
        """
        if not self.generates or method not in _DECLARED_ON:
            return None
        try:
            policy = self.engine.govern(authority)
            if policy is None or (self.switch.entries and self.switch.is_off(authority, now_us())):
                return None
            served = self._generated.find(policy, authority, target)
            if served is None:
                return None
            known = self.published.peek(authority)[0]
            declared = self.declare(method=method, authority=authority, target=target, published=known)
            return as_response(served, declared)
        except Exception:
            self._count_fault("documents")
            return None

    def _count_fault(self, where: str, fault: BaseException | None = None) -> None:
        """Count a fault of our own; the first of each kind is logged with its traceback, for the operator.

        Nothing of the request is named: a fault on a person's request must not put the person into a journal.
        """
        self.counts[f"fault.{where}"] += 1
        if self.counts[f"fault.{where}"] == 1:
            words = "a fault in %s; requests pass or follow on_error, and further faults are only counted"
            LOG.error(words, where, exc_info=fault or True)


def _directory_of(policy: Path | str | PolicySet | None) -> Path:
    """Where the policy's files lie; the working directory for a ready stance or policies made by the application."""
    if policy is None or isinstance(policy, PolicySet):
        return Path()
    place = Path(policy)
    return place if place.is_dir() else place.parent
