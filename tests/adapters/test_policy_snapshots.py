"""adapters.policy_snapshots: a few at once, each before the first record that rests on it, none twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from optout.adapters import policy_snapshots
from optout.adapters.policy_snapshots import PolicySnapshots
from optout.evidence.log import EvidenceLog
from tests.judge import leaves


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EvidenceLog]:
    log = EvidenceLog.open(tmp_path, software="test")
    yield log
    log.close()


def _kept(log: EvidenceLog, place: Path) -> list[object]:
    """The names of the policies on record, in order, once the log has written them."""
    log.sign().result(timeout=30)
    return [leaf["file"] for leaf in leaves(place) if leaf["type"] == "policy.snapshot"]


def _files(*names: str, text: str = "a") -> dict[str, bytes]:
    return {name: f"{name} {text}".encode() for name in names}


def test_a_few_files_are_kept_at_once(log: EvidenceLog, tmp_path: Path) -> None:
    PolicySnapshots().add(_files("a.yaml", "b.yaml"), log)
    assert _kept(log, tmp_path) == ["a.yaml", "b.yaml"]


def test_many_files_are_kept_a_few_at_a_time_and_each_once(
    log: EvidenceLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_snapshots, "_AT_ONCE", 2)
    monkeypatch.setattr(policy_snapshots, "_AT_A_LOOK", 3)
    snapshots = PolicySnapshots()
    names = [f"{number}.yaml" for number in range(9)]
    snapshots.add(_files(*names), log)
    assert _kept(log, tmp_path) == names[:2]
    snapshots.go_on(log)
    assert _kept(log, tmp_path) == names[:5]
    for _ in range(5):
        snapshots.go_on(log)
    assert _kept(log, tmp_path) == names


def test_the_policy_that_a_record_rests_on_comes_first(
    log: EvidenceLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_snapshots, "_AT_ONCE", 0)
    snapshots = PolicySnapshots()
    snapshots.add(_files("a.yaml", "b.yaml", "c.yaml"), log)
    for _ in range(2):
        snapshots.before_record("c.yaml", log)
    snapshots.before_record("unknown.yaml", log)
    assert _kept(log, tmp_path) == ["c.yaml"]
    snapshots.go_on(log)
    assert _kept(log, tmp_path) == ["c.yaml", "a.yaml", "b.yaml"]


def test_a_text_that_is_replaced_before_its_turn_is_kept_as_well(
    log: EvidenceLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_snapshots, "_AT_ONCE", 0)
    snapshots = PolicySnapshots()
    snapshots.add(_files("a.yaml", "b.yaml"), log)
    snapshots.add(_files("a.yaml", text="new"), log)
    assert _kept(log, tmp_path) == ["a.yaml"]
    snapshots.go_on(log)
    assert sorted(map(str, _kept(log, tmp_path))) == ["a.yaml", "a.yaml", "b.yaml"]
