"""Forward-confirmed reverse DNS: the name of a crawler's address, and whether it leads back (RFC 1912 section 2.1).

Rule 1: only addresses of recognized crawlers are asked about, and only for suffixes of the registry. A name is compared
        on the boundary of a label: `crawl.example.com.evil.org` and `evilexample.com` end in no `.example.com`.
Rule 2: a request waits at most `WITHIN_S`; the question goes on behind it, and the next request finds its answer.
Rule 3: an answer is "confirmed", "other", or none. A resolver that is silent, slow, broken or lying proves nothing.
Rule 4: memory and questions are bounded; there is one question at a time about one address.

By dnspython, from `[dns]`. Turned on by `OPTOUT_REVERSE_DNS=on` in the environment of a door.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from optout.identity import Named
from optout.lookups import ReverseDns

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

LOG = logging.getLogger("optout")
WITHIN_S = 0.15  # that a crawler waits
_LIFETIME_S = 3.0  # of a question with all its parts
_MOST_KEPT = 20_000
_MOST_IN_FLIGHT = 64
_MOST_NAMES = 8  # of one address that are looked at
_MOST_FORWARD = 3  # of them that are asked in their turn
_MOST_ADDRESSES = 64
_LONGEST_TTL_S, _SHORTEST_TTL_S = 86_400.0, 60.0
_NEGATIVE_S = 300.0
_FAILED_S = 30.0


def are_names_asked() -> bool:
    """Whether the environment asks for reverse DNS, and dnspython is there to do it; told once where it is not."""
    if os.environ.get("OPTOUT_REVERSE_DNS", "").lower() != "on":
        return False
    try:
        import dns.asyncresolver  # noqa: F401, PLC0415  an extra, and slow to import
    except ImportError:
        LOG.warning("OPTOUT_REVERSE_DNS=on, and dnspython is missing: pip install 'optout[dns]'")
        return False
    return True


class _Kept(NamedTuple):
    """An answer and the time until which it counts; None is kept, too: nobody answered."""

    named: Named | None
    until: float


class ReverseNames:
    """Asks and remembers. Belongs to one event loop. `nameservers` are addresses; those of the system if none."""

    def __init__(
        self,
        *,
        nameservers: Sequence[str] = (),
        port: int = 53,
        within_s: float = WITHIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nameservers, self._port = tuple(nameservers), port
        self._within_s, self._clock = within_s, clock
        self._made: Resolver | None = None
        self._kept: OrderedDict[ReverseDns, _Kept] = OrderedDict()
        self._running: dict[ReverseDns, asyncio.Task[None]] = {}

    def at_hand(self, lookup: ReverseDns) -> Named | None:
        """The answer that is known, without waiting."""
        kept = self._kept.get(lookup)
        if kept is None or kept.until <= self._clock():
            return None
        self._kept.move_to_end(lookup)
        return kept.named

    async def ask(self, lookup: ReverseDns) -> Named | None:
        """The answer that could be had in time."""
        kept = self._kept.get(lookup)
        if kept is not None and kept.until > self._clock():
            self._kept.move_to_end(lookup)
            return kept.named
        task = self._running.get(lookup) or self._start(lookup)
        if task is None:
            return None
        await asyncio.wait({task}, timeout=self._within_s)
        kept = self._kept.get(lookup) if task.done() else None
        return None if kept is None else kept.named

    async def close(self) -> None:
        """End every question."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, lookup: ReverseDns) -> asyncio.Task[None] | None:
        if len(self._running) >= _MOST_IN_FLIGHT:
            return None
        task = asyncio.get_running_loop().create_task(self._find(lookup), name="optout-reverse-dns")
        self._running[lookup] = task
        task.add_done_callback(lambda _: self._running.pop(lookup, None))
        return task

    async def _find(self, lookup: ReverseDns) -> None:
        try:
            async with asyncio.timeout(_LIFETIME_S):
                named, for_s = await self._confirm(lookup)
        except Exception:  # whatever a stranger's name server says, and whatever the library makes of it
            named, for_s = None, _FAILED_S
        self._kept[lookup] = _Kept(named, self._clock() + for_s)
        self._kept.move_to_end(lookup)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    async def _confirm(self, lookup: ReverseDns) -> tuple[Named | None, float]:
        """What DNS says, and for how long; None where a part of it was not had. Raises what the library raises."""
        import dns.exception  # noqa: PLC0415
        import dns.reversename  # noqa: PLC0415

        names, for_s = await self._values(str(dns.reversename.from_address(lookup.address)), "PTR", _MOST_NAMES)
        fitting = [each for each in names if ends_in(each, lookup.suffixes)]
        kind = "AAAA" if ":" in lookup.address else "A"
        is_whole = len(names) < _MOST_NAMES and len(fitting) <= _MOST_FORWARD
        for each in fitting[:_MOST_FORWARD]:
            try:
                addresses, also_s = await self._values(each, kind, _MOST_ADDRESSES)
            except dns.exception.DNSException:
                is_whole = False
                continue
            if any(_is_same(found, lookup.address) for found in addresses):
                return Named.CONFIRMED, min(for_s, also_s)
            is_whole = is_whole and len(addresses) < _MOST_ADDRESSES
        return (Named.OTHER, min(for_s, _NEGATIVE_S)) if is_whole else (None, _FAILED_S)

    async def _values(self, question: str, kind: str, most: int) -> tuple[list[str], float]:
        """At most `most` values of a name, and the seconds for which they count; none where there is no such name."""
        import dns.resolver  # noqa: PLC0415

        try:
            answer = await self._resolver().resolve(question, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return [], _NEGATIVE_S
        if answer.rrset is None:
            return [], _NEGATIVE_S
        ttl = min(max(float(answer.rrset.ttl), _SHORTEST_TTL_S), _LONGEST_TTL_S)
        return [each.to_text() for each, _ in zip(answer.rrset, range(most), strict=False)], ttl

    def _resolver(self) -> Resolver:
        if self._made is None:
            from dns.asyncresolver import Resolver  # noqa: PLC0415

            self._made = Resolver(configure=not self._nameservers)
            if self._nameservers:
                self._made.nameservers = list(self._nameservers)
                self._made.port = self._port
            self._made.lifetime = _LIFETIME_S
        return self._made


def ends_in(name: str, suffixes: Sequence[str]) -> bool:
    """Whether a name lies below one of these domains; case and a dot at the end mean nothing (RFC 4343)."""
    lower = name.rstrip(".").lower()
    return any(lower.endswith(f".{suffix.strip('.').lower()}") for suffix in suffixes)


def _is_same(one: str, other: str) -> bool:
    from ipaddress import ip_address  # noqa: PLC0415

    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return False
