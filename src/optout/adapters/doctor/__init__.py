"""`optout doctor`: asks the site through its front door, the doors through their state directory, and this machine.

It changes nothing. What it sends is not recorded as a crawler's by a door that knows its number (`watch`); a
compiled front end does not, and logs it like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from optout.adapters.crawler_files import registry_in_use
from optout.adapters.doctor.arrival import is_loopback, look_at_arrival
from optout.adapters.doctor.certificate import judge, look, trusting_anybody
from optout.adapters.doctor.checks import (
    is_refusal,
    look_at_caches,
    look_at_open_files,
    look_at_people,
    look_at_refusal,
    look_at_search,
)
from optout.adapters.doctor.findings import Finding, Level, fault, ok, warning
from optout.adapters.doctor.local import (
    look_at_clock,
    look_at_lists,
    look_at_log,
    look_at_policy,
    look_at_registry,
    look_at_switch,
)
from optout.adapters.doctor.visits import Target, Visits, arrive, load_target, visit_all
from optout.adapters.doctor.watch import Door, invited, read_doors
from optout.adapters.fetcher import Fetcher, Visited
from optout.adapters.intake import now_us
from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.engine import Engine
from optout.errors import UsageError
from optout.policy.model import PolicySet
from optout.signals.declaration import (
    ROBOTS_NAME,
    ROBOTS_PATH,
    TDMREP_NAME,
    TDMREP_PATH,
    parse_answer,
    parse_published,
)

_DOORS_WITHIN_S = 2.0
_ALL_LOOKED_S = 1.2  # a door looks twice a second, and one of several workers may be the last
_SEEN_WITHIN_S = 3.0
_LOOK_EVERY_S = 0.1
_SEARCH_ENGINE = "Googlebot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What to look at. `url` None looks at this machine alone; `policy` "" takes the one that a door names."""

    url: str | None
    state: Path
    connect: str = ""
    policy: str = ""
    evidence: Path | None = None
    crawler: str = "GPTBot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings, in the order in which an owner should read them; `was_asked` False: the site gave no answer."""

    findings: tuple[Finding, ...]
    was_asked: bool

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to do."""
        return all(finding.level is Level.OK for finding in self.findings)


async def diagnose(complaint: Complaint) -> Diagnosis:
    """Look at everything; raises UsageError for a URL, a crawler or an option that cannot be used."""
    registry = registry_in_use(complaint.state)
    crawler, search = _crawler(complaint.crawler, registry), registry.by_name(_SEARCH_ENGINE)
    assert search is not None  # noqa: S101  it is in every release
    if complaint.url is None:
        local = _local(complaint, (), complaint.policy, registry)[1]
        return Diagnosis(findings=tuple(local), was_asked=True)
    target = load_target(complaint.url, complaint.connect)
    if target is None:
        raise UsageError(f"{complaint.url!r} is no URL of a site", "write it like https://photos.example/")
    return await _Visit(complaint, registry, crawler, search).of(target)


def _crawler(name: str, registry: Registry) -> Crawler:
    found = registry.by_name(name)
    if found is None:
        near = registry.suggest(name)
        raise UsageError(
            f"no crawler is called {name!r}", f"did you mean {near}?" if near else "see optout crawlers list"
        )
    if not found.examples or Purpose.SEARCH in found.acts_for:
        raise UsageError(f"{found.name} is no AI crawler whose user agent is known", "name one, such as GPTBot")
    return found


def _local(
    complaint: Complaint, doors: tuple[Door, ...], policy: str, registry: Registry
) -> tuple[PolicySet | None, list[Finding]]:
    policies, findings = look_at_policy(policy, registry) if policy else (None, [])
    now = now_us()
    findings += look_at_switch(complaint.state, now)
    findings += look_at_log(doors, complaint.evidence)
    findings += look_at_registry(registry, now)
    findings += look_at_lists(complaint.state, now)
    findings += look_at_clock()
    return policies, findings


class _Visit:
    """One visit to a site."""

    def __init__(self, complaint: Complaint, registry: Registry, crawler: Crawler, search: Crawler) -> None:
        self._complaint, self._registry = complaint, registry
        self._crawler, self._search = crawler, search
        self._findings: list[Finding] = []

    async def of(self, target: Target) -> Diagnosis:
        with ExitStack() as stack:
            number = self._invite(stack)
            doors = await self._doors(number)
            policy = self._complaint.policy or next((door.policy for door in doors if door.policy), "")
            policies, local = _local(self._complaint, doors, policy, self._registry)
            visits, landed = await self._visit(target, number, policies)
            if visits is None:
                why = "nobody can open the site from here"
                self._findings.append(fault("reach", f"{landed.fault or landed.status}", why))
                return Diagnosis(findings=(*self._findings, *local), was_asked=False)
            doors = await self._seen(number, visits) or doors
        seen = tuple(each for door in doors for each in door.seen)
        arrived = next((each for each in seen if each.target == visits.nonce), None)
        self._findings += self._of_door(doors, number, visits)
        self._findings += look_at_arrival(visits, doors[0] if doors else None, arrived)
        self._findings += look_at_people(visits)
        self._findings += look_at_search(visits)
        self._findings += look_at_refusal(visits, arrived)
        self._findings += look_at_caches(visits, seen)
        self._findings += look_at_open_files(visits)
        self._findings += self._of_declaration(visits, policies)
        return Diagnosis(findings=(*self._findings, *local), was_asked=True)

    def _invite(self, stack: ExitStack) -> str:
        try:
            return stack.enter_context(invited(self._complaint.state))
        except UsageError as refused:
            why = "without the door's word nobody can say which address, host and scheme arrive"
            self._findings.append(warning("door", refused.what, why, f"# {refused.remedy}"))
            return ""

    async def _doors(self, number: str) -> tuple[Door, ...]:
        """Those that answer the invitation, once every one has had the time to look at it."""
        doors: tuple[Door, ...] = ()
        waited = 0.0
        while number and waited < (_ALL_LOOKED_S if doors else _DOORS_WITHIN_S):
            await asyncio.sleep(_LOOK_EVERY_S)
            waited += _LOOK_EVERY_S
            doors = read_doors(self._complaint.state, number)
        return doors

    async def _seen(self, number: str, visits: Visits) -> tuple[Door, ...]:
        """What the doors saw, once the last request of a crawler's is among it."""
        waited, doors = 0.0, read_doors(self._complaint.state, number) if number else ()
        last = (visits.nonce, *visits.open_to_crawler)[-1]
        while doors and waited < _SEEN_WITHIN_S:
            if any(each.target == last for door in doors for each in door.seen):
                break
            await asyncio.sleep(_LOOK_EVERY_S)
            waited += _LOOK_EVERY_S
            doors = read_doors(self._complaint.state, number)
        if len(doors) > 1:  # each saw a part, and writes it down when it looks the next time
            await asyncio.sleep(_ALL_LOOKED_S)
            doors = read_doors(self._complaint.state, number)
        return doors

    async def _visit(self, target: Target, number: str, policies: PolicySet | None) -> tuple[Visits | None, Visited]:
        async with Fetcher(tls=trusting_anybody()) as fetcher:
            target, landed = await arrive(fetcher, target)
        is_trusted = await self._look_at_certificate(target)
        if not landed.status:
            return None, landed
        async with Fetcher(tls=True if is_trusted else trusting_anybody()) as fetcher:
            opened = [ROBOTS_PATH, TDMREP_PATH]
            named = policies.find(target.authority) if policies is not None else None
            opened += sorted(named.always_open - set(opened)) if named is not None else []
            visits = await visit_all(
                fetcher,
                target,
                crawler=self._crawler,
                search=self._search,
                number=number,
                opened=tuple(opened),
            )
        return visits, landed

    async def _look_at_certificate(self, target: Target) -> bool:
        """Whether the certificate is good; a finding says so."""
        if target.scheme != "https" and not is_loopback(target):
            why = "anybody on the way can change what is declared"
            self._findings.append(warning("certificate", "the site is asked without TLS", why))
        if target.scheme != "https":
            return True
        at, port = _host_and_port(target.connect or target.netloc)
        name, _ = _host_and_port(target.netloc)
        shown = await look(at, port, name)
        self._findings += judge(shown, name, now_us())
        return not shown.fault

    def _of_door(self, doors: tuple[Door, ...], number: str, visits: Visits) -> Iterator[Finding]:
        if doors:
            kinds = ", ".join(sorted({f"{door.software} (process {door.pid})" for door in doors}))
            yield ok("door", f"running: {kinds}")
            if any(door.observe_only for door in doors):
                yield ok("mode", "it only observes: nobody is refused, whatever a policy says")
        elif number and is_refusal(visits.nonce_crawled):
            yield ok("door", "no door runs with this state directory: a front end answers by itself")
        elif number:
            why = "if one runs, its state directory is another one"
            state = self._complaint.state
            yield warning("door", f"no door answers in {state}", why, "optout doctor URL --state DIR")

    def _of_declaration(self, visits: Visits, policies: PolicySet | None) -> Iterator[Finding]:
        """Whether what is refused stands in the live robots.txt."""
        robots, tdmrep = (visits.open_to_person.get(path, Visited()) for path in (ROBOTS_PATH, TDMREP_PATH))
        authority = visits.target.authority
        published = parse_published(
            parse_answer(ROBOTS_NAME, robots.status, robots.body),
            parse_answer(TDMREP_NAME, tdmrep.status, tdmrep.body),
            authority=authority,
        )
        tokens: tuple[str, ...] = ()
        if policies is not None:
            tokens = Engine(policies, self._registry).undeclared(authority, published)
        elif is_refusal(visits.crawled):
            own = self._crawler.robots_tokens
            is_declared = published.robots is not None and not published.robots.match(own, visits.target.page).allowed
            tokens = () if is_declared else own[:1]
        if tokens:
            why = "crawlers that obey would not even come, and a court asks what was declared"
            what = (
                f"robots.txt lets in {len(tokens)} crawlers that are refused"
                if len(tokens) > 1
                else (f"robots.txt lets {tokens[0]} in, which is refused")
            )
            lines = (*(f"User-agent: {token}" for token in tokens), "Disallow: /")
            yield warning("declared", what, why, *lines)
        else:
            yield ok("declared", "robots.txt lets in nobody who is refused")


def _host_and_port(netloc: str) -> tuple[str, int]:
    host, colon, port = netloc.rpartition(":")
    if colon and port.isdecimal():
        return host.strip("[]"), int(port)
    return netloc.strip("[]"), 443
