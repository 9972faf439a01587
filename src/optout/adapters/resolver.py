"""The answers to judgement's questions: what a site publishes, what a license server says of a token, who signed.

This is the only I/O before a crawler's answer, and it is boxed in time. A question that could not be answered is
missing from the answers. Tokens are kept only as keyed digests.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from optout.adapters.documents import HOT_WITHIN, PublishedCache
from optout.licensing.token import Grant, GrantState, parse_introspection
from optout.lookups import Answers, Introspection, Lookup, PublishedDocuments, ReverseDns, SignatureCheck

if TYPE_CHECKING:
    from optout.adapters.fetcher import Fetcher
    from optout.adapters.key_directories import KeyDirectories
    from optout.adapters.reverse_dns import ReverseNames

INTROSPECTION_WITHIN = 2.0  # seconds that a crawler waits for the license server
VALID_FOR = 60.0  # seconds: how long a revoked token may still be taken for good
REFUSED_FOR = 5.0  # seconds: long enough to bear a loop, short enough for who has just paid
MOST_GRANTS = 10_000
MOST_IN_FLIGHT = 32


class _Kept(NamedTuple):
    """A grant and the time until which it counts; None is kept, too: the server gave no answer."""

    grant: Grant | None
    until: float


class Resolver:
    """Answers from caches, or in a time box. Belongs to one event loop.

    `documents_within` and `introspection_within` are seconds. Without a fetcher no license server is asked, without
    `keys` no key directory, without `names` no DNS.
    """

    def __init__(
        self,
        published: PublishedCache,
        fetcher: Fetcher | None = None,
        *,
        keys: KeyDirectories | None = None,
        names: ReverseNames | None = None,
        documents_within: float = HOT_WITHIN,
        introspection_within: float = INTROSPECTION_WITHIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._published = published
        self._fetcher = fetcher
        self._signatures = keys
        self._names = names
        self._documents_within = documents_within
        self._introspection_within = introspection_within
        self._clock = clock
        self._grants: OrderedDict[bytes, _Kept] = OrderedDict()
        self._running: dict[bytes, asyncio.Task[Grant | None]] = {}
        self._key = secrets.token_bytes(32)

    async def resolve(self, lookups: Collection[Lookup]) -> Answers:
        """The answers that could be had in time, all asked at once. Never raises for what the world does."""
        asked = [self._answer(lookup) for lookup in lookups]
        found = await asyncio.gather(*asked) if len(asked) > 1 else [await answer for answer in asked]
        return {lookup: answer for lookup, answer in zip(lookups, found, strict=True) if answer is not None}

    def at_hand(self, lookups: Collection[Lookup]) -> Answers | None:
        """What `resolve` would answer without waiting, as it can for almost every request; None where it would wait."""
        found: dict[Lookup, object] = {}
        for lookup in lookups:
            match lookup:
                case PublishedDocuments():
                    answer: object | None = self._published.at_hand(lookup.authority)
                case ReverseDns() if self._names is not None:
                    answer = self._names.at_hand(lookup)
                case _:
                    return None
            if answer is None:
                return None
            found[lookup] = answer
        return found

    async def close(self) -> None:
        """Ends every question to a license server."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, lookup: Lookup) -> object | None:
        match lookup:
            case PublishedDocuments():
                return await self._published.ask(lookup.authority, self._documents_within)
            case Introspection():
                return await self._grant(lookup)
            case SignatureCheck():
                return None if self._signatures is None else await self._signatures.check(lookup)
            case ReverseDns():
                return None if self._names is None else await self._names.ask(lookup)

    async def _grant(self, lookup: Introspection) -> Grant | None:
        key = self._digest(lookup)
        kept = self._grants.get(key)
        if kept is not None and kept.until > self._clock():
            self._grants.move_to_end(key)
            return kept.grant
        task = self._running.get(key) or self._start(key, lookup)
        if task is None:
            return None
        await asyncio.wait({task}, timeout=self._introspection_within)
        failed = not task.done() or task.cancelled() or task.exception() is not None
        return None if failed else task.result()

    def _digest(self, lookup: Introspection) -> bytes:
        text = "\0".join((lookup.server, lookup.token, lookup.resource))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()

    def _start(self, key: bytes, lookup: Introspection) -> asyncio.Task[Grant | None] | None:
        # Made-up tokens must not become a flood upon the license server: over the limit, nothing is asked.
        if self._fetcher is None or len(self._running) >= MOST_IN_FLIGHT:
            return None
        task = asyncio.get_running_loop().create_task(
            self._introspect(self._fetcher, key, lookup), name="optout-introspection"
        )
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key, None))
        return task

    async def _introspect(self, fetcher: Fetcher, key: bytes, lookup: Introspection) -> Grant | None:
        answer = await fetcher.introspect(lookup.server, lookup.token, lookup.resource)
        grant = None if answer is None else parse_introspection(answer)
        is_valid = grant is not None and grant.state is GrantState.VALID
        self._grants[key] = _Kept(grant, self._clock() + (VALID_FOR if is_valid else REFUSED_FOR))
        self._grants.move_to_end(key)
        while len(self._grants) > MOST_GRANTS:
            self._grants.popitem(last=False)
        return grant
