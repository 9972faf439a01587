"""The key directories of signers, fetched and kept; and the answer whether a signature is one of theirs.

Implements what draft-ietf-webbotauth-httpsig-protocol-01 asks of a verifier that fetches keys.
Rule 1: only hosts of the registry are ever asked, at their well-known directory, over TLS, at public addresses
        (`public_addresses`), without following a redirect, within limits of octets, keys and time.
Rule 2: nobody waits longer than the time box of his question; whoever comes later finds the answer here.
Rule 3: a refresh that fails takes no key away, until the keys are a day old; one that succeeds replaces them all.
Rule 4: made-up key names, made-up nonces and hosts that do not answer cost a bounded number of requests and memory.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from optout.adapters.fetcher import Visited
from optout.adapters.replays import Replays
from optout.lookups import SignatureCheck
from optout.messages import Fields
from optout.signatures.binding import Binding, binding_of
from optout.signatures.directory import (
    LONGEST_DIRECTORY,
    MEDIA_TYPE,
    WELL_KNOWN,
    KeySet,
    directory_fault,
    parse_directory,
)
from optout.signatures.verification import Checked, Verdict, check

KEYS_WITHIN = 1.0  # seconds that a crawler waits for a directory that is not at hand
KEPT_FOR = 3600.0  # seconds, where the directory does not say
KEPT_AT_LEAST, KEPT_AT_MOST = 300.0, 86_400.0
OLDEST = 86_400.0  # seconds that keys outlive a directory that has ceased to answer
RETRY = 60.0  # seconds between two requests to a host that failed, or that does not list a key
MOST_IN_FLIGHT = 8

OnKeys = Callable[[str, bytes], None]
"""`on_keys(host, document)`: told of each new directory before a signature is checked with it."""

_MAX_AGE = re.compile(r"(?:\A|[\s,])max-age=\"?([0-9]{1,9})", re.IGNORECASE)
_NOT_KEPT = re.compile(r"(?:\A|[\s,])no-(?:store|cache)\b", re.IGNORECASE)


class Visitor(Protocol):
    """What of a `Fetcher` is needed here."""

    async def visit(self, url: str, fields: dict[str, str], *, limit: int) -> Visited:
        """As `Fetcher.visit`."""
        ...


@dataclass(slots=True)
class _Entry:
    """What is known of one host; times are those of the clock.

    `fault` says why the last request gave nothing, `binding` what the directory's own signature says.
    """

    keys: KeySet | None = None
    good_at: float = 0.0
    due: float = 0.0  # no request before this
    asked_at: float = 0.0
    fault: str = ""
    binding: Binding = Binding.NONE


class KeyDirectories:
    """Belongs to one event loop. `hosts` are the signers of the registry.

    What is done in one process of a `state` directory, the others know of: a nonce counts once among all of them.
    """

    def __init__(
        self,
        visitor: Visitor,
        hosts: Collection[str],
        *,
        on_keys: OnKeys | None = None,
        within: float = KEYS_WITHIN,
        clock: Callable[[], float] = time.monotonic,
        state: Path | None = None,
    ) -> None:
        self._visitor = visitor
        self._hosts = hosts
        self._on_keys = on_keys
        self._within = within
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._replays = Replays(state)

    async def check(self, question: SignatureCheck) -> Checked | None:
        """Whether the signature is by a key of its host's directory, and new; None where no keys could be had."""
        keys = await self.keys(question.host, question.keyid)
        if keys is None:
            return None
        found = check(keyid=question.keyid, base=question.base, value=question.value, keys=keys, now_s=question.at_s)
        if found.verdict is not Verdict.VERIFIED or not question.nonce:
            return found
        is_first = self._replays.is_first(
            question.host, question.keyid, question.nonce, expires_s=question.expires_s, now_s=question.at_s
        )
        return (
            found
            if is_first
            else Checked(verdict=Verdict.REPLAYED, key=found.key, directory_sha256=found.directory_sha256)
        )

    async def keys(self, host: str, keyid: str) -> KeySet | None:
        """The keys of a host, `keyid` among them if it is listed; None where they cannot be had in time."""
        if host not in self._hosts:
            return None
        entry = self._entries.setdefault(host, _Entry())
        known = self._usable(entry)
        is_listed = known is not None and known.find(keyid) is not None
        if self._is_due(entry, is_listed=is_listed):
            self._start(host, entry)
        task = self._running.get(host)
        if task is not None and not is_listed:
            await asyncio.wait({task}, timeout=self._within)  # leaves the task running, whoever gives up
        return self._usable(entry)

    def faults(self) -> dict[str, str]:
        """The hosts that gave no directory when they were last asked, and why. For any thread."""
        return {host: entry.fault for host, entry in list(self._entries.items()) if entry.fault}

    def binding(self, host: str) -> Binding:
        """What the directory of `host` says of itself by its own signature. For any thread."""
        entry = self._entries.get(host)
        return Binding.NONE if entry is None else entry.binding

    async def close(self) -> None:
        """Ends every request that is under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._replays.close()

    def _usable(self, entry: _Entry) -> KeySet | None:
        is_old = self._clock() >= entry.good_at + OLDEST
        return None if entry.keys is None or is_old else entry.keys

    def _is_due(self, entry: _Entry, *, is_listed: bool) -> bool:
        """Whether to ask: the copy has had its time, or does not list a key that may be newer than it."""
        now = self._clock()
        return now >= entry.due or (not is_listed and entry.keys is not None and now >= entry.asked_at + RETRY)

    def _start(self, host: str, entry: _Entry) -> None:
        if host in self._running or len(self._running) >= MOST_IN_FLIGHT:
            return
        task = asyncio.get_running_loop().create_task(self._fetch(host, entry), name="optout-key-directory")
        self._running[host] = task
        task.add_done_callback(lambda _: self._running.pop(host, None))

    async def _fetch(self, host: str, entry: _Entry) -> None:
        entry.asked_at = self._clock()
        entry.due = entry.asked_at + RETRY
        entry.fault = "no answer yet"
        answer = await self._visitor.visit(
            f"https://{host}{WELL_KNOWN}", {"Accept": MEDIA_TYPE}, limit=LONGEST_DIRECTORY + 1
        )
        entry.due = self._clock() + RETRY
        entry.fault = answer.fault or directory_fault(answer.status, _media_type(answer.fields), answer.body)
        if entry.fault:
            return
        found = parse_directory(answer.body)
        entry.binding = binding_of(answer.fields, host, answer.body, found)
        if self._on_keys is not None and (entry.keys is None or entry.keys.sha256 != found.sha256):
            self._on_keys(host, answer.body)
        entry.keys, entry.good_at = found, self._clock()
        entry.due = entry.good_at + _kept_for(answer.fields)


def _media_type(fields: Fields) -> str:
    return (fields.first("content-type") or "").partition(";")[0].strip(" \t").lower()


def _kept_for(fields: Fields) -> float:
    """For how long a directory is not asked again, in seconds (RFC 9111 section 5.2.2), within our own limits."""
    said = ", ".join(fields.all("cache-control"))
    if _NOT_KEPT.search(said):
        return KEPT_AT_LEAST
    age = _MAX_AGE.search(said)
    return KEPT_FOR if age is None else min(max(float(age.group(1)), KEPT_AT_LEAST), KEPT_AT_MOST)
