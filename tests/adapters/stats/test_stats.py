"""What a door tells of itself: values that travel as JSON and can be added."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.stats import (
    WAIT_BOUNDS_US,
    DeclarationStats,
    DiskWait,
    FaultPlace,
    LogStats,
    decode_stats,
    encode_stats,
    merged,
)
from optout.crawlers.model import Purpose
from optout.evidence.receipt import Loss
from optout.identity import Standing
from optout.policy.model import Mode
from tests.adapters.stats_values import SEARCH_REFUSED, TRAIN_PASSED, full


def test_it_travels_as_json_and_comes_back_as_it_was() -> None:
    assert decode_stats(encode_stats(full())) == full()
    assert decode_stats(encode_stats(full(log=None))) == full(log=None)
    told = json.loads(encode_stats(full()))
    assert told["answers"][0]["purpose"] == "search"
    assert told["lost"] == {"flood": 9}


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        full().late = 0  # type: ignore[misc]


@given(st.binary(max_size=200) | st.integers(0, len(encode_stats(full())) - 1).map(lambda n: encode_stats(full())[:n]))
def test_what_was_not_encoded_so_is_none(data: bytes) -> None:
    assert decode_stats(data) is None


@pytest.mark.parametrize("data", [b"[" * 100_000, b'"\xff"', encode_stats(full(disk_wait=DiskWait(counts=(1, 2))))])
def test_what_is_too_deep_no_text_or_of_another_version_is_none(data: bytes) -> None:
    assert decode_stats(data) is None


def test_a_search_engine_counts_as_refused_unless_it_was_proven_forged() -> None:
    assert full().search_refused == 2
    forged = replace(SEARCH_REFUSED, standing=Standing.CONTRADICTED)
    passed = replace(SEARCH_REFUSED, status=None, enforced=False)
    assert full(answers=(forged, passed, TRAIN_PASSED)).search_refused == 0


def test_of_no_door_there_is_nothing_and_of_one_itself() -> None:
    assert merged([]) is None
    assert merged([full()]) == full()


def test_counts_are_added() -> None:
    other = full(
        answers=(replace(SEARCH_REFUSED, count=1), replace(SEARCH_REFUSED, status=402)),
        left_alone={Purpose.FEED: 1},
        lost={Loss.FLOOD: 1, Loss.BUDGET: 2},
        faults={FaultPlace.DOOR: 4},
        late=2,
        without_policy=1,
    )
    both = merged([full(), other])
    assert both is not None
    assert both.doors == 2
    assert {(each.purpose, each.status): each.count for each in both.answers} == {
        (Purpose.SEARCH, 403): 3,
        (Purpose.TRAIN, None): 5,
        (Purpose.SEARCH, 402): 2,
    }
    assert both.left_alone == {Purpose.SEARCH: 7, Purpose.FEED: 1}
    assert both.lost == {Loss.FLOOD: 10, Loss.BUDGET: 2}
    assert both.faults == {FaultPlace.JUDGEMENT: 1, FaultPlace.DOOR: 4}
    assert (both.late, both.without_policy) == (3, 4)
    assert both.disk_wait == DiskWait(counts=(*(2 * n for n in range(len(WAIT_BOUNDS_US))), 8), sum_us=3_000_000)


def test_of_what_doors_share_the_worst_stands() -> None:
    other = full(
        taken_us=1_700_000_000_000_000,
        mode=Mode.OBSERVE,
        off_since_us=0,
        policies={Mode.ENFORCE: 1, Mode.OBSERVE: 4},
        policy_problems=0,
        declarations=DeclarationStats(sites=9, unknown=1, unknown_named=2, silent_s=3),
        registry_date="2026-01-01",
    )
    both = merged([other, full()])
    assert both is not None
    assert (both.taken_us, both.mode, both.off_since_us) == (full().taken_us, Mode.ENFORCE, full().off_since_us)
    assert both.policies == {Mode.ENFORCE: 2, Mode.OBSERVE: 4}
    assert both.policy_problems == 1
    assert both.declarations == DeclarationStats(sites=9, unknown=3, unknown_named=2, silent_s=60)
    assert both.registry_date == "2026-01-01"
    assert both.software == "optout test"


def test_one_log_that_cannot_be_written_is_trouble_for_all() -> None:
    bad = LogStats(writable=False, trouble="no room", gap_open=True, size=1, checkpoint_us=5, used_bytes=7, max_bytes=8)
    both = merged([full(), full(log=bad), full(log=bad), full(log=None)])
    assert both is not None
    assert both.log == LogStats(
        writable=False,
        trouble="no room",
        gap_open=True,
        size=12,
        checkpoint_us=5,
        used_bytes=114,
        max_bytes=1016,
        spooled_bytes=7,
    )
    none = merged([full(log=None), full(log=None)])
    assert none is not None
    assert none.log is None


def test_spools_are_ways_into_a_log_and_count_only_where_nobody_holds_it() -> None:
    spool = LogStats(
        writable=True, holds_log=False, size=3, queue_depth=2, used_bytes=50, max_bytes=60, spooled_bytes=50
    )
    both = merged([full(log=spool), full(), full(log=spool)])
    assert both is not None
    assert both.log == replace(full().log, queue_depth=4)  # type: ignore[type-var]
    spools = merged([full(log=spool), full(log=spool)])
    assert spools is not None
    assert spools.log is not None
    assert (spools.log.holds_log, spools.log.size, spools.log.spooled_bytes) == (False, 6, 50)


def test_adding_three_at_once_or_one_after_the_other_is_the_same() -> None:
    three = [full(), full(late=5, lost={Loss.CLOSED: 1}), full(answers=(TRAIN_PASSED,), log=None)]
    first = merged(three[:2])
    assert first is not None
    assert merged([first, three[2]]) == merged(three)
