"""The numbers as Prometheus reads them."""

from __future__ import annotations

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from optout.adapters.stats import WAIT_BOUNDS_US, DiskWait, FaultPlace, Stats
from optout.adapters.stats.metrics import COUNTERS, DISK_WAIT, GAUGES, READY, OptoutCollector, exposition
from optout.evidence.receipt import Loss
from optout.policy.model import Mode
from tests.adapters.stats_values import full

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _samples(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def _value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


FULL = _samples(exposition(full(), is_ready=True))


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        (
            "optout_requests_total",
            {"purpose": "search", "standing": "unverified", "action": "deny", "enforced": "true", "status": "403"},
            2,
        ),
        (
            "optout_requests_total",
            {"purpose": "train", "standing": "verified", "action": "allow", "enforced": "false", "status": "passed"},
            5,
        ),
        ("optout_requests_left_alone_total", {"purpose": "search"}, 7),
        ("optout_requests_without_policy_total", {}, 3),
        ("optout_search_refused_total", {}, 2),
        ("optout_records_lost_total", {"reason": "flood"}, 9),
        ("optout_records_lost_total", {"reason": "disk-full"}, 0),
        ("optout_records_late_total", {}, 1),
        ("optout_faults_total", {"place": "judgement"}, 1),
        ("optout_doors", {}, 1),
        ("optout_enforcing", {}, 1),
        ("optout_bypass_open_seconds", {}, 10),
        ("optout_policies", {"mode": "enforce"}, 2),
        ("optout_policies", {"mode": "observe"}, 1),
        ("optout_policy_problems", {}, 1),
        ("optout_declarations_sites", {}, 5),
        ("optout_declarations_unknown_sites", {"named": "true"}, 1),
        ("optout_declarations_unknown_sites", {"named": "false"}, 2),
        ("optout_declarations_age_seconds", {}, 60),
        ("optout_crawler_registry_timestamp_seconds", {}, 1_795_478_400),
        ("optout_log_writable", {}, 1),
        ("optout_log_gap_open", {}, 0),
        ("optout_log_records", {}, 10),
        ("optout_log_queue_records", {}, 0),
        ("optout_log_used_bytes", {}, 100),
        ("optout_log_max_bytes", {}, 1000),
        ("optout_log_spooled_bytes", {}, 7),
        ("optout_log_checkpoint_timestamp_seconds", {}, 1_799_999_999.5),
        ("optout_ready", {}, 1),
    ],
)
def test_each_number_is_told_in_base_units(name: str, labels: dict[str, str], value: float) -> None:
    assert _value(FULL, name, **labels) == value


def test_waits_are_a_cumulative_histogram_of_seconds() -> None:
    counts = [value for (name, _), value in FULL.items() if name == f"{DISK_WAIT}_bucket"]
    assert counts == sorted(counts)
    assert _value(FULL, f"{DISK_WAIT}_bucket", le="0.002") == 0 + 1 + 2
    assert _value(FULL, f"{DISK_WAIT}_bucket", le="+Inf") == _value(FULL, f"{DISK_WAIT}_count") == 45 + 4
    assert _value(FULL, f"{DISK_WAIT}_sum") == 1.5
    assert len(counts) == len(WAIT_BOUNDS_US) + 1


def test_what_an_alert_looks_at_is_there_before_it_happens() -> None:
    fresh = _samples(exposition(Stats(taken_us=1, software="x", mode=Mode.OBSERVE), is_ready=False))
    assert {labels for name, labels in fresh if name == "optout_records_lost_total"} == {
        frozenset({("reason", loss.value)}) for loss in Loss
    }
    assert {labels for name, labels in fresh if name == "optout_faults_total"} == {
        frozenset({("place", place.value)}) for place in FaultPlace
    }
    for name in ("optout_search_refused_total", "optout_bypass_open_seconds", "optout_policy_problems"):
        assert _value(fresh, name) == 0
    assert _value(fresh, READY) == 0
    assert _value(fresh, f"{DISK_WAIT}_count") == 0


def test_without_evidence_nothing_is_said_of_a_log() -> None:
    assert not any(name.startswith("optout_log_") for name, _ in _samples(exposition(full(log=None), is_ready=True)))


def test_before_a_door_has_opened_it_is_only_not_ready() -> None:
    assert _samples(exposition(None, is_ready=False)) == {(READY, frozenset()): 0}


def test_names_follow_the_conventions_and_each_says_what_it_is() -> None:
    assert all(measure.name.endswith("_total") for measure in COUNTERS)
    assert not any(measure.name.endswith("_total") for measure in GAUGES)
    for measure in (*COUNTERS, *GAUGES):
        assert re.fullmatch(r"optout(_[a-z]+)+", measure.name)
        assert measure.help.endswith(".")
        assert not re.search(r"_(us|ms|millis|micros|kb|mb)$", measure.name)


def test_an_application_s_own_registry_takes_them() -> None:
    registry = CollectorRegistry(auto_describe=True)
    told: list[Stats | None] = [None, full(disk_wait=DiskWait())]
    registry.register(OptoutCollector(lambda: told[-1]))
    assert _value(_samples(generate_latest(registry)), "optout_search_refused_total") == 2
    told.append(None)
    assert generate_latest(registry) == b""
