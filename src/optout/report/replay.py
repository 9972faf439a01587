"""What another policy would have answered: recorded requests, judged again under two policies.

    replay(before, after, requests, published)

Nothing is read here: requests come as an iterator, one at a time, and documents from a function, so a log of any
length takes the memory of its answers, not of its records. Judging is the engine's, with all that it remembers.

The log holds crawlers that its policy concerned. Who was let through unrecorded, people above all, is in no figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec

from optout.crawlers.model import Claim
from optout.engine import Engine
from optout.identity import Agent, Method, Standing, identify
from optout.messages import Fields, Request
from optout.signals.declaration import Published

_MOST_EXAMPLES = 3
_LONGEST_EXAMPLE = 512  # characters
_MOST_KEPT = 2_048  # agents and heads: strangers write their keys, so memory is bounded
_STANDINGS = {each.value: each for each in Standing}


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """The public facts of one `crawl.request`.

    `path` None is one that stands in the private part alone, or is no text; `is_cut` says that its end is missing.
    `robots` and `tdmrep` name the documents in force by
    their SHA-256 (hex), "" where nothing was known.
    """

    type: str
    host: str = msgspec.field(name="server.address", default="")
    port: int | None = msgspec.field(name="server.port", default=None)
    scheme: str = msgspec.field(name="url.scheme", default="https")
    method: str = msgspec.field(name="http.request.method", default="GET")
    path: str | None = msgspec.field(name="url.path", default=None)
    is_cut: bool = msgspec.field(name="url.path.truncated", default=False)
    user_agent: str = msgspec.field(name="user_agent.original", default="")
    signature_agent: tuple[str, ...] = msgspec.field(name="http.request.header.signature-agent", default=())
    standing: str = msgspec.field(name="identity.standing", default="unverified")
    robots: str = msgspec.field(name="robots.sha256", default="")
    tdmrep: str = msgspec.field(name="tdm.sha256", default="")

    @property
    def authority(self) -> str:
        """The site, as policies name it."""
        return self.host if self.port is None else f"{self.host}:{self.port}"


_decoder = msgspec.json.Decoder(Recorded)


def parse_recorded(record: bytes) -> Recorded | None:
    """The facts of stored bytes; None if they are no request of a crawler. Never raises."""
    try:
        found = _decoder.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.type == "crawl.request" else None


class Answer(NamedTuple):
    """What a crawler gets; `enforced` False is only observed."""

    action: str
    status: int
    enforced: bool

    def __str__(self) -> str:
        return f"{self.action} ({self.status}){'' if self.enforced else ', only observed'}"


@dataclass(slots=True, kw_only=True)
class Change:
    """Requests that claimed one name, with one standing, whose answer changes in one way.

    `content_bytes` were sent to them, as far as it is on record; `why` is what decides under the new policy.
    """

    crawler: str
    operator: str
    purpose: str
    standing: str
    before: Answer
    after: Answer
    why: str
    count: int = 0
    content_bytes: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """All changes, the most frequent first, and what they were found among.

    `judged` requests were judged under both policies. `without_path` could not be, because their path is private or
    cut; `unknown`, because what they said names no crawler today.
    """

    changes: tuple[Change, ...]
    judged: int
    without_path: int
    unknown: int

    @property
    def changed(self) -> int:
        """How many requests would have been answered otherwise."""
        return sum(change.count for change in self.changes)


_PASSES = Answer("allow", 200, enforced=True)


def replay(
    before: Engine,
    after: Engine,
    requests: Iterable[tuple[Recorded, int | None]],
    published: Callable[[Recorded], Published],
) -> Replayed:
    """What changes from one engine's policies to another's for `requests`, each with the content bytes sent to it.

    `published` gives what a site published then, the same object for the same documents. A crawler keeps the standing
    that it had: addresses are not public, and need not be known.
    """
    agents = _Agents(before)
    changes: dict[tuple[object, ...], Change] = {}
    judged = without_path = unknown = 0
    for recorded, size in requests:
        if recorded.path is None or recorded.is_cut:
            without_path += 1
            continue
        found = agents.find(recorded)
        if found is None:
            unknown += 1
            continue
        judged += 1
        claim, agent, head = found
        request = Request(
            id="",
            received_us=0,
            mono_us=0,
            method=recorded.method,
            scheme=recorded.scheme,
            authority=recorded.authority,
            target=recorded.path,
            fields=head,
        )
        documents = published(recorded)
        old, _ = _answer(before, request, claim, agent, documents)
        new, why = _answer(after, request, claim, agent, documents)
        if old != new:
            crawler = claim.crawler
            key = (crawler.name, agent.standing, old, new)
            change = changes.get(key)
            if change is None:
                change = changes[key] = Change(
                    crawler=crawler.name,
                    operator=crawler.operator,
                    purpose=crawler.purpose.value,
                    standing=agent.standing.value,
                    before=old,
                    after=new,
                    why=why,
                )
            _count(change, f"{recorded.authority}{recorded.path}"[:_LONGEST_EXAMPLE], size or 0)
    ordered = sorted(
        changes.values(),
        key=lambda change: (-change.count, change.crawler, change.standing, change.before, change.after),
    )
    return Replayed(changes=tuple(ordered), judged=judged, without_path=without_path, unknown=unknown)


def _count(change: Change, place: str, size: int) -> None:
    change.count += 1
    change.content_bytes += size
    if len(change.examples) < _MOST_EXAMPLES and place not in change.examples:
        change.examples.append(place)


def _answer(engine: Engine, request: Request, claim: Claim, agent: Agent, published: Published) -> tuple[Answer, str]:
    case = engine.examine(request, claim, agent)
    if case is None:
        return _PASSES, "it passes without a trace"
    outcome = engine.conclude(case, {case.lookups[0]: published}, is_recorded=False)
    decision = outcome.decision
    status = 200 if outcome.response is None else outcome.response.status
    return Answer(decision.action.value, status, decision.enforced), str(decision.deciding)


class _Agents:
    """Who made a request, from what it said and the standing on record; the same objects for the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[tuple[str, tuple[str, ...], str], tuple[Claim, Agent, Fields]] = {}

    def find(self, recorded: Recorded) -> tuple[Claim, Agent, Fields] | None:
        """Claim, agent and header fields; None where nothing is claimed."""
        key = (recorded.user_agent, recorded.signature_agent, recorded.standing)
        kept = self._kept.get(key)
        if kept is None:
            signature_agent = ", ".join(recorded.signature_agent) or None
            claim = self._engine.recognize(recorded.user_agent, signature_agent)
            if claim is None:
                return None
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            signed = (("Signature-Agent", value) for value in recorded.signature_agent)
            fields = Fields((("User-Agent", recorded.user_agent), *signed))
            kept = self._kept[key] = claim, _standing(identify(claim), recorded.standing), fields
        return kept


def _standing(agent: Agent, recorded: str) -> Agent:
    """The agent as it stood then; a standing of another day's words is none."""
    standing = _STANDINGS.get(recorded, agent.standing)
    if agent.claim.contradiction or standing is agent.standing:
        return agent
    return replace(agent, standing=standing, method=Method.NONE)
