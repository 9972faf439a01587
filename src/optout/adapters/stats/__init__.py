"""What a door can tell of itself at a moment: values, how several become one, and how they travel.

Every name in them is one of our own few words, a date, or a number. Nothing that a stranger sent and no site's name is
in here, so whoever may see the numbers learns nothing about a visitor, and no visitor can make the numbers many.
People are not counted at all: only requests of recognized crawlers are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import msgspec

from optout.crawlers.model import Purpose
from optout.evidence.receipt import Loss
from optout.identity import Standing
from optout.policy.model import Action, Mode

WAIT_BOUNDS_US = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
"""Upper bounds of the classes of `DiskWait`. A crawler waits 250 ms at most, so the last class tells who waited so."""

_Word = TypeVar("_Word", bound=StrEnum)


class FaultPlace(StrEnum):
    """Where a fault of our own was caught."""

    RECOGNITION = "recognition"
    JUDGEMENT = "judgement"
    EVIDENCE = "evidence"
    DECLARATION = "declaration"
    DOOR = "door"
    OBSERVER = "observer"  # the application's own function, given to `optout.on_decision`


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCount:
    """How many requests of one kind were answered in one way. `status` None means that the request went on."""

    purpose: Purpose
    standing: Standing
    action: Action
    enforced: bool
    status: int | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskWait:
    """How long answers to crawlers waited for their record.

    `counts` has one number for each of `WAIT_BOUNDS_US`, of waits up to it and over the one before, and a last one for
    longer waits. `sum_us` is the sum of all waits in microseconds.
    """

    counts: tuple[int, ...] = (0,) * (len(WAIT_BOUNDS_US) + 1)
    sum_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStats:
    """How the evidence log is doing. Sizes in bytes, `checkpoint_us` in microseconds since 1970 UTC.

    `holds_log` is False in a process that records into a spool beside whoever holds the log: `size` is then of its
    spool, `used_bytes` and `max_bytes` of all spools. `size` is the number of records. `gap_open` says that records are
    missing and the log could not tell so yet. `spooled_bytes` is what all spools take on disk: records that wait to be
    taken over into the log, and up to a megabyte for each process of those that have been.
    """

    writable: bool
    holds_log: bool = True
    trouble: str = ""
    gap_open: bool = False
    size: int = 0
    queue_depth: int = 0
    checkpoint_us: int = 0
    used_bytes: int = 0
    max_bytes: int = 0
    spooled_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationStats:
    """How the sites answer for their robots.txt and tdmrep.json.

    `sites` were asked. Of `unknown` ones a document could never be read; `unknown_named` are those that a policy names.
    `silent_s` is for how many seconds a site that once answered has not, the longest; 0 while all answer.
    """

    sites: int = 0
    unknown: int = 0
    unknown_named: int = 0
    silent_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """One door at a moment, or several as one. Counts are since the start; times are microseconds since 1970 UTC.

    `doors` is how many doors these numbers are of. `log` None: no evidence is kept. `left_alone` are requests that were
    neither answered nor recorded, such as search engines'; `without_policy` those for sites that no policy is for.
    `late` records came after their request had been answered. `off_since_us` 0: no site is off. `registry_date` is the
    newest day (ISO 8601) on which a fact about a crawler was read.
    """

    taken_us: int
    software: str
    mode: Mode
    doors: int = 1
    answers: tuple[AnswerCount, ...] = ()
    left_alone: Mapping[Purpose, int] = field(default_factory=dict)
    without_policy: int = 0
    disk_wait: DiskWait = DiskWait()
    lost: Mapping[Loss, int] = field(default_factory=dict)
    late: int = 0
    faults: Mapping[FaultPlace, int] = field(default_factory=dict)
    log: LogStats | None = None
    off_since_us: int = 0
    policies: Mapping[Mode, int] = field(default_factory=dict)
    policy_problems: int = 0
    declarations: DeclarationStats = DeclarationStats()
    registry_date: str = ""

    @property
    def search_refused(self) -> int:
        """How many requests under a search engine's name were refused; not those that were proven forged."""
        return sum(
            each.count
            for each in self.answers
            if each.purpose is Purpose.SEARCH and each.standing is not Standing.CONTRADICTED and each.status is not None
        )


def encode_stats(stats: Stats) -> bytes:
    """As JSON, for a file or another process."""
    return msgspec.json.encode(stats)


def decode_stats(data: bytes) -> Stats | None:
    """What `encode_stats` made; None where `data` is something else, such as half of it."""
    try:
        stats = msgspec.json.decode(data, type=Stats)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return stats if len(stats.disk_wait.counts) == len(WAIT_BOUNDS_US) + 1 else None


def merged(several: Sequence[Stats]) -> Stats | None:
    """The doors of one service as one, such as those of its workers; None where there is none.

    What each door counts is added. Of what they share, such as policies, the largest or the oldest stands: workers read
    the same files.
    """
    if len(several) <= 1:
        return several[0] if several else None
    return Stats(
        taken_us=max(each.taken_us for each in several),
        software=", ".join(dict.fromkeys(each.software for each in several)),
        mode=Mode.ENFORCE if any(each.mode is Mode.ENFORCE for each in several) else Mode.OBSERVE,
        doors=sum(each.doors for each in several),
        answers=_answers(several),
        left_alone=_added(each.left_alone for each in several),
        without_policy=sum(each.without_policy for each in several),
        disk_wait=_waits([each.disk_wait for each in several]),
        lost=_added(each.lost for each in several),
        late=sum(each.late for each in several),
        faults=_added(each.faults for each in several),
        log=_log([each.log for each in several if each.log is not None]),
        off_since_us=min((each.off_since_us for each in several if each.off_since_us), default=0),
        policies={mode: max(each.policies.get(mode, 0) for each in several) for mode in Mode},
        policy_problems=max(each.policy_problems for each in several),
        declarations=_declarations([each.declarations for each in several]),
        registry_date=min((each.registry_date for each in several if each.registry_date), default=""),
    )


def _answers(several: Sequence[Stats]) -> tuple[AnswerCount, ...]:
    kinds: dict[tuple[Purpose, Standing, Action, bool, int | None], int] = {}
    for answer in (answer for each in several for answer in each.answers):
        kind = (answer.purpose, answer.standing, answer.action, answer.enforced, answer.status)
        kinds[kind] = kinds.get(kind, 0) + answer.count
    return answer_counts(kinds)


def answer_counts(
    kinds: Mapping[tuple[Purpose, Standing, Action, bool, int | None], int],
) -> tuple[AnswerCount, ...]:
    """The counts of each kind of request and answer, as they are kept while counting."""
    return tuple(
        AnswerCount(purpose=purpose, standing=standing, action=action, enforced=enforced, status=status, count=count)
        for (purpose, standing, action, enforced, status), count in kinds.items()
    )


def _added(several: Iterable[Mapping[_Word, int]]) -> dict[_Word, int]:
    total: Counter[_Word] = Counter()
    for each in several:
        total.update(each)
    return dict(total)


def _waits(several: Sequence[DiskWait]) -> DiskWait:
    counts = zip(*(each.counts for each in several), strict=True)
    return DiskWait(counts=tuple(map(sum, counts)), sum_us=sum(each.sum_us for each in several))


def _log(several: Sequence[LogStats]) -> LogStats | None:
    """The logs of all as one. Spools are ways into the log: their sizes count only where nobody here holds it."""
    if not several:
        return None
    holders = [each for each in several if each.holds_log]
    counted = holders or several
    room = sum if holders else max  # several logs have a place each; several spools share one
    return LogStats(
        writable=all(each.writable for each in several),
        holds_log=bool(holders),
        trouble="; ".join(dict.fromkeys(each.trouble for each in several if each.trouble)),
        gap_open=any(each.gap_open for each in several),
        size=sum(each.size for each in counted),
        queue_depth=sum(each.queue_depth for each in several),
        checkpoint_us=min(each.checkpoint_us for each in counted),
        used_bytes=room(each.used_bytes for each in counted),
        max_bytes=room(each.max_bytes for each in counted),
        spooled_bytes=room(each.spooled_bytes for each in counted),
    )


def _declarations(several: Sequence[DeclarationStats]) -> DeclarationStats:
    return DeclarationStats(
        sites=max(each.sites for each in several),
        unknown=max(each.unknown for each in several),
        unknown_named=max(each.unknown_named for each in several),
        silent_s=max(each.silent_s for each in several),
    )
