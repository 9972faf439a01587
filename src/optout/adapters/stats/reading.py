"""The doors that run in this process, and what each of them can tell now.

Reading waits for nothing and may be done in any thread. Drivers enter when they have started and leave when they stop;
a forked child does not speak for its parent's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from optout.adapters.intake import now_us
from optout.adapters.stats import DeclarationStats, FaultPlace, LogStats, Stats
from optout.evidence.log import EvidenceLog
from optout.policy.model import Mode

if TYPE_CHECKING:
    from optout.adapters.documents import PublishedCache
    from optout.adapters.stats.tally import Tally
    from optout.adapters.upkeep import Upkeep
    from optout.crawlers.registry import Registry
    from optout.engine import Engine
    from optout.evidence.recorder import Recorder


class Wanted(Protocol):
    """What reading needs to know of how a door was started."""

    @property
    def software(self) -> str:
        """What the log says is writing it."""

    @property
    def evidence(self) -> Path | None:
        """The log's directory; None keeps no record."""


class Telling(Protocol):
    """What reading needs of a driver."""

    @property
    def settings(self) -> Wanted:
        """How the door was started."""

    engine: Engine
    log: Recorder | None
    published: PublishedCache
    tally: Tally
    upkeep: Upkeep

    @property
    def counts(self) -> Mapping[str, int]:
        """The faults of our own."""


_running: WeakKeyDictionary[Telling, int] = WeakKeyDictionary()  # with the process in which it was started
_guard = threading.Lock()


def enter(driver: Telling) -> None:
    """A driver has started."""
    with _guard:
        _running[driver] = os.getpid()


def leave(driver: Telling) -> None:
    """A driver has stopped. Safe to call twice."""
    with _guard:
        _running.pop(driver, None)


def stats() -> tuple[Stats, ...]:
    """The numbers of each door that runs in this process; `optout.adapters.stats.merged` makes them one."""
    with _guard:
        found = [driver for driver, process in _running.items() if process == os.getpid()]
    return tuple(read_stats(driver) for driver in found)


def read_stats(driver: Telling) -> Stats:
    """The numbers of one door."""
    engine, upkeep, tally = driver.engine, driver.upkeep, driver.tally
    policies = tuple(engine.policies)
    enforcing = 0 if engine.observe_only else sum(policy.mode is Mode.ENFORCE for policy in policies)
    return Stats(
        taken_us=now_us(),
        software=driver.settings.software,
        mode=Mode.ENFORCE if enforcing else Mode.OBSERVE,
        answers=tally.answers,
        left_alone=tally.left_alone,
        without_policy=tally.without_policy,
        disk_wait=tally.disk_wait,
        lost=tally.lost,
        late=tally.late,
        faults={place: driver.counts.get(f"fault.{place}", 0) for place in FaultPlace},
        log=_log(driver),
        off_since_us=min((off.since_us for off in upkeep.bypasses), default=0),
        policies={Mode.ENFORCE: enforcing, Mode.OBSERVE: len(policies) - enforcing},
        policy_problems=len(upkeep.problems),
        declarations=_declarations(driver),
        registry_date=registry_date(engine.registry),
    )


def _log(driver: Telling) -> LogStats | None:
    if driver.settings.evidence is None:
        return None
    if driver.log is None:
        return LogStats(writable=False, trouble="the log is not open", gap_open=True)
    return read_log(driver.log)


def read_log(log: Recorder) -> LogStats:
    """How an open log is doing, or a spool beside it."""
    health = log.health
    return LogStats(
        writable=health.writable,
        holds_log=isinstance(log, EvidenceLog),
        trouble=health.trouble,
        gap_open=not health.writable or health.notes_pending > 0,
        size=health.size,
        queue_depth=health.queue_depth,
        checkpoint_us=health.checkpoint_us,
        used_bytes=health.used_bytes,
        max_bytes=health.max_bytes,
        spooled_bytes=health.spooled_bytes,
    )


def _declarations(driver: Telling) -> DeclarationStats:
    silent = driver.published.silent()
    unknown = [authority for authority, seconds in silent.items() if seconds is None]
    return DeclarationStats(
        sites=len(driver.published),
        unknown=len(unknown),
        unknown_named=sum(driver.upkeep.is_named(authority) for authority in unknown),
        silent_s=int(max((seconds for seconds in silent.values() if seconds is not None), default=0)),
    )


@cache  # a process has one registry, or two after an update
def registry_date(registry: Registry) -> str:
    """The newest day on which a fact of the registry was read (ISO 8601); "" where none is dated."""
    return max((source.date for crawler in registry.crawlers for source in crawler.sources), default="")
