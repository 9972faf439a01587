"""Another stance over the latest requests: the same answers as the engine would give, with their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.engine import Engine
from optout.policy.loader import load_policy, policy_set
from optout.review.pages import stance as room
from optout.review.pages.stance import stance
from optout.review.reader import Reader
from tests.judge import bundled_registry
from tests.review.setting import log_of_visits

OPEN = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\n"


def _engine(more: str = "") -> Engine:
    registry = bundled_registry()
    return Engine(policy_set([load_policy((OPEN + more).encode(), "policy.yaml", registry)]), registry)


CLOSED = "clauses: [{id: none, action: deny, purpose: [train, dataset]}]\n"


def test_who_would_be_answered_otherwise_is_counted_once(tmp_path: Path) -> None:
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    told = stance(reader, _engine(), _engine(CLOSED), "closed", "")
    assert told["judged"] == 5  # one user agent names nobody
    changes = {(each["crawler"], each["before"], each["after"]): each["count"] for each in told["changes"]}
    assert ("CCBot", "allow (200)", "deny (403)") in changes
    assert sum(changes.values()) == told["changed"]


def test_the_same_policy_changes_nothing(tmp_path: Path) -> None:
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    assert stance(reader, _engine(), _engine(), "same", "")["changes"] == []


def test_a_tenant_sees_his_own(tmp_path: Path) -> None:
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    assert stance(reader, _engine(), _engine(CLOSED), "closed", "bob")["judged"] == 1


def test_more_than_can_be_waited_for_is_cut_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_JUDGED", 2)
    told = stance(Reader(log_of_visits(tmp_path / "evidence")), _engine(), _engine(CLOSED), "closed", "")
    assert told["is_cut"]
    assert told["judged"] <= 2
