"""Shared by tests of what a door tells: a value with something in every place."""

from __future__ import annotations

from optout.adapters.stats import (
    WAIT_BOUNDS_US,
    AnswerCount,
    DeclarationStats,
    DiskWait,
    FaultPlace,
    LogStats,
    Stats,
)
from optout.crawlers.model import Purpose
from optout.evidence.receipt import Loss
from optout.identity import Standing
from optout.policy.model import Action, Mode

SEARCH_REFUSED = AnswerCount(
    purpose=Purpose.SEARCH,
    standing=Standing.UNVERIFIED,
    action=Action.DENY,
    enforced=True,
    status=403,
    count=2,
)
TRAIN_PASSED = AnswerCount(
    purpose=Purpose.TRAIN,
    standing=Standing.VERIFIED,
    action=Action.ALLOW,
    enforced=False,
    status=None,
    count=5,
)


def full(**changes: object) -> Stats:
    """A door that has seen everything, but for `changes`."""
    told: dict[str, object] = {
        "taken_us": 1_800_000_000_000_000,
        "software": "optout test",
        "mode": Mode.ENFORCE,
        "answers": (SEARCH_REFUSED, TRAIN_PASSED),
        "left_alone": {Purpose.SEARCH: 7},
        "without_policy": 3,
        "disk_wait": DiskWait(counts=(*range(len(WAIT_BOUNDS_US)), 4), sum_us=1_500_000),
        "lost": {Loss.FLOOD: 9},
        "late": 1,
        "faults": {FaultPlace.JUDGEMENT: 1},
        "log": LogStats(
            writable=True,
            size=10,
            checkpoint_us=1_799_999_999_500_000,
            used_bytes=100,
            max_bytes=1000,
            spooled_bytes=7,
        ),
        "off_since_us": 1_799_999_990_000_000,
        "policies": {Mode.ENFORCE: 2, Mode.OBSERVE: 1},
        "policy_problems": 1,
        "declarations": DeclarationStats(sites=5, unknown=3, unknown_named=1, silent_s=60),
        "registry_date": "2026-11-24",
    }
    return Stats(**{**told, **changes})  # type: ignore[arg-type]
