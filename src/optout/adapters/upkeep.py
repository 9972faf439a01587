"""What a door does besides answering: reload on change, keep bypass intervals, snapshot, and warn its owner once.

Nothing here is awaited by a request, and files are looked at in a thread: a disk that hangs holds up the upkeep and
nobody else. Every message is for the operator and names no visitor.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from optout.adapters.doctor.watch import VALID_US, DoctorWatch
from optout.adapters.documents import PublishedCache
from optout.adapters.intake import mono_us, now_us
from optout.adapters.list_files import ListWatch, list_directory
from optout.adapters.policy_snapshots import PolicySnapshots
from optout.adapters.policy_watch import PolicyWatch, watch_policies
from optout.adapters.probe_watch import ProbeWatch
from optout.adapters.retention import RetentionJob
from optout.adapters.switch import Off, Switch
from optout.adapters.witness import Witness
from optout.crawlers.address_book import AddressBook
from optout.crawlers.registry import Registry
from optout.decision import Decision
from optout.engine import Engine
from optout.errors import Problem
from optout.evidence.recorder import Recorder
from optout.messages import AddressSource, Request
from optout.policy.model import PolicySet
from optout.signals.declaration import Document, DocumentState, Published

LOG = logging.getLogger("optout")
_LOOK_EVERY_S = 0.5
_ASKED_AT_START = 100  # sites; a hosting provider's thousands are asked when somebody comes
_ANSWER_WITHIN_S = 10.0
_WITNESS_EVERY_US = 60_000_000
_WARNED_STRANGERS = 20  # hosts that no policy names and that a warning tells of: a stranger chooses Host fields


class Kept(Protocol):
    """What upkeep needs of a driver."""

    engine: Engine
    log: Recorder | None
    published: PublishedCache

    def use(self, policies: PolicySet) -> None:
        """Judge by `policies` from the next request on."""

    def know(self, lists: AddressBook) -> None:
        """Identify by `lists` from the next request on."""


class Upkeep:
    """The background of one driver."""

    def __init__(
        self,
        switch: Switch,
        policy: Path | str | PolicySet | None,
        registry: Registry,
        evidence: Path | None = None,
    ) -> None:
        self.registry = registry
        self._retention = None if evidence is None else RetentionJob(evidence, mono_us())
        self.doctor = DoctorWatch(switch.state)
        self.probes = ProbeWatch(evidence)
        self._switch = switch
        self.lists = ListWatch(list_directory(switch.state))
        self._watch = None if isinstance(policy, PolicySet) else watch_policies(policy, registry)
        self.policies = policy if isinstance(policy, PolicySet) else self._watch_now().current
        self._snapshots = PolicySnapshots()
        self._witness = Witness()
        self._witness_due_us = mono_us() + _WITNESS_EVERY_US
        self._kept: Kept | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._off: dict[str, Off] = {}
        self._kept_lists: dict[str, str] = {}
        self._warned: set[str] = set()
        self._warned_sites: dict[str, set[str]] = {}
        self._warned_strangers = 0

    @property
    def is_bypassed(self) -> bool:
        """Whether an interval in which a site is off is open now."""
        return bool(self._off)

    @property
    def bypasses(self) -> tuple[Off, ...]:
        """The intervals that are open now, each with its site and its begin. For any thread."""
        return tuple(self._off.copy().values())

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the policies' files as they were last read."""
        return () if self._watch is None else self._watch.problems

    def _watch_now(self) -> PolicyWatch:
        assert self._watch is not None  # noqa: S101  the constructor made it
        return self._watch

    def start(self, kept: Kept) -> None:
        """Begin; call it in the event loop that serves."""
        self._kept = kept
        if kept.log is not None:
            kept.log.snapshot("crawlers", self.registry.document)  # what every inference in a record rests on
        self._snapshot_policies()
        self._tasks.append(asyncio.get_running_loop().create_task(self._run(), name="optout upkeep"))

    def announce(self, published: PublishedCache) -> None:
        """Ask every site that a policy names, without holding anything up, and warn as `saw_published` does."""
        sites = [site for policy in self.policies for site in policy.sites if "*" not in site]
        self._tasks.append(asyncio.get_running_loop().create_task(self._announce(published, sites[:_ASKED_AT_START])))

    async def _announce(self, published: PublishedCache, sites: list[str]) -> None:
        for site in sites:
            self.saw_published(site, await published.ask(site, within=_ANSWER_WITHIN_S))

    async def stop(self) -> None:
        """End, and close every bypass interval that is still open."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for off in self._off.values():
            self._write_bypass(off)
        self._off.clear()
        self._tell_of_doctor(at_the_end=True)

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._look)
                self._follow_switch()
                self._tell_of_doctor()
                await self._reload()
                await self._reload_lists()
                if self._kept is not None and self._kept.log is not None:
                    self._snapshots.go_on(self._kept.log)
                    if mono_us() >= self._witness_due_us:
                        self._witness_due_us = mono_us() + _WITNESS_EVERY_US
                        self._witness.again(self._kept.log, self._kept.published, now_us())
                    if self._retention is not None and self._retention.is_due(mono_us()):
                        await asyncio.to_thread(self._retention.run, self._kept.log, self.policies, now_us())
            except Exception:
                LOG.exception("upkeep failed once; it goes on")
            await asyncio.sleep(_LOOK_EVERY_S)

    def _look(self) -> None:
        self._switch.look()
        self.doctor.look()
        self.probes.look()

    def _tell_of_doctor(self, *, at_the_end: bool = False) -> None:
        """Say in the log that the owner's own requests are not in it."""
        count = self.doctor.unrecorded
        if count and (at_the_end or self.doctor.invitation is None) and self._kept is not None:
            self.doctor.unrecorded = 0
            if self._kept.log is not None:
                self._kept.log.gap("doctor", now_us() - VALID_US, now_us(), count=count)

    def _follow_switch(self) -> None:
        """Open and close bypass intervals as sites go off and on."""
        now = now_us()
        current = {off.site: off for off in self._switch.entries if not off.until_us or now < off.until_us}
        for site in current:
            if site not in self._off:
                LOG.warning("off: %s; requests pass untouched and unrecorded", "every site" if site == "*" else site)
                self._off[site] = Off(site=site, since_us=now)
        for site in [site for site in self._off if site not in current]:
            LOG.warning("on again: %s", "every site" if site == "*" else site)
            self._write_bypass(self._off.pop(site))

    def _write_bypass(self, off: Off) -> None:
        if self._kept is not None and self._kept.log is not None:
            self._kept.log.gap("bypass", off.since_us, now_us(), site=off.site)

    async def _reload(self) -> None:
        """Take a changed policy into force; a broken one is reported and the last good one stays."""
        if self._watch is None or self._kept is None:
            return
        policies = await asyncio.to_thread(self._watch.poll)
        for problem in self._watch.take_problems():
            LOG.error("policy: %s", problem)
        if policies is not None:
            self.policies = policies
            self._kept.use(policies)
            self._warned_sites.clear()
            self._snapshot_policies()
            LOG.warning("policy reloaded, %d in force", len(policies.policies))

    async def _reload_lists(self) -> None:
        """Take changed address lists into use, and tell once of those that are good for nothing."""
        book = await asyncio.to_thread(self.lists.poll)
        for problem in self.lists.take_problems():
            LOG.error("address list: %s", problem.what)
        if book is not None and self._kept is not None:
            self._kept.know(book)
            LOG.warning("address lists read, %d in use", len(book.snapshots))
        now = now_us()
        for each in self.lists.book.snapshots:
            if not each.is_fresh(now) and self._first(f"stale: {each.url} {each.fetched}"):
                LOG.warning("%s is too old to prove anything; run `optout crawlers update`", each.url)
        for each in self.lists.book.doubted:
            if self._first(f"doubted: {each.url} {each.fetched}"):
                LOG.warning(
                    "more than half of the claims within an hour are not on %s; it contradicts nobody until"
                    " `optout crawlers update` has fetched it anew",
                    each.url,
                )

    def _snapshot_policies(self) -> None:
        if self._watch is None:
            return
        files = self._watch.take_files()  # whoever keeps no evidence need not keep them, either
        if self._kept is not None and self._kept.log is not None:
            self._snapshots.add(files, self._kept.log)

    def will_record(self, decision: Decision) -> None:
        """Keep policy and address list before the first record that rests on them. Cheap where that is done."""
        if self._kept is None or self._kept.log is None:
            return
        self._snapshots.before_record(decision.policy.file, self._kept.log)
        used = decision.agent.address_list
        if used is not None and self._kept_lists.get(used.url) != used.sha256:
            self._kept_lists[used.url] = used.sha256
            self._kept.log.snapshot("address-list", used.document, **{"list.url": used.url})

    def on_document(self, authority: str, document: Document) -> None:
        """Keep a new version of something the site published."""
        if self._kept is not None and self._kept.log is not None and document.state is DocumentState.KNOWN:
            # A host that only a visitor named is a visitor's word: the document is kept, and where it was asked is not.
            facts = {"authority": authority} if self.is_named(authority) else {}
            self._kept.log.snapshot(document.name, document.data, **facts)
        policy = self.policies.find(authority)
        if self._kept is not None and self._kept.log is not None and policy is not None and self.is_named(authority):
            self._witness.saw(self._kept.log, authority, document, policy.tenant, now_us())

    def saw_published(self, authority: str, published: Published) -> None:
        """Name once what is refused without being declared, with the lines to publish (design part 5.6)."""
        is_known = published.robots_document.state is not DocumentState.UNKNOWN
        if self._kept is None or not is_known or not self._first_of_site("undeclared", authority):
            return
        tokens = self._kept.engine.undeclared(authority, published)
        if tokens:
            groups = "".join(f"\n    User-agent: {token}" for token in tokens)
            LOG.warning(
                "%s refuses crawlers that its live robots.txt lets in; publish these lines:%s\n    Disallow: /",
                authority,
                groups,
            )

    def lacks_policy(self, request: Request) -> bool:
        """Whether nobody wrote a policy for the site that a crawler came for; warns once of each."""
        if self.policies.find(request.authority) is not None:
            return False
        if self._first_of_site("no policy", request.authority):
            LOG.warning("no policy for %r: its requests pass; add it to `sites` of a policy", request.authority)
        return True

    def could_not_record(self, loss: str) -> None:
        """Warn, once until the door is closed, that the log refuses records."""
        if self._first(f"not recorded: {loss}"):
            LOG.error("the evidence log refuses records: %s; what is missing is counted and told in the log", loss)

    def saw_client(self, request: Request) -> None:
        """Warn once that clients' addresses are hidden by a proxy that is not listed (design part 5.12)."""
        if request.client.source is AddressSource.UNKNOWN and self._first("client address"):
            LOG.warning(
                "clients' addresses are unknown: the peer is a loopback, private or CDN address. If a proxy of yours"
                " stands in front, add:\n    --trusted-proxy 127.0.0.1 --trusted-proxy ::1"
                " --forwarded-field x-forwarded-for\n(with the proxy's own address)"
            )

    def _first(self, what: str) -> bool:
        """Whether this is the first time; `what` is one of our own few words."""
        is_first = what not in self._warned
        self._warned.add(what)
        return is_first

    def _first_of_site(self, what: str, authority: str) -> bool:
        """Whether this is the first time for a site. Strangers choose the hosts that no policy names: few are told."""
        told = self._warned_sites.setdefault(what, set())
        is_new = authority not in told
        if is_new and not self.is_named(authority):
            is_new = self._warned_strangers < _WARNED_STRANGERS
            self._warned_strangers += is_new
        if is_new:
            told.add(authority)
        return is_new

    def is_named(self, authority: str) -> bool:
        """Whether a policy names this very site."""
        return bool({authority, authority.partition(":")[0]} & self.policies.by_site.keys())
