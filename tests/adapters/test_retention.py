"""The daily end of private parts: by the shortest term of a tenant, once, and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.retention import RetentionJob
from optout.crawlers.registry import bundled_registry
from optout.evidence.directory import Layout
from optout.evidence.holds import Hold, set_hold
from optout.evidence.keys import KeyStore
from optout.policy.loader import load_policy
from optout.policy.model import Policy
from tests.evidence.setting import open_log, records

NOW_US = 1_795_000_000_000_000  # 2026-11-18


def _policy(tenant: str, days: int) -> Policy:
    text = (
        f"version: 1\nsites: [{tenant}.example]\ndefault: allow\non_error: allow\ntenant: {tenant}\n"
        f"evidence: {{retention_days: {days}}}\n"
    )
    return load_policy(text.encode(), "policy.yaml", bundled_registry())


def test_it_is_due_once_a_day_and_not_at_the_start(tmp_path: Path) -> None:
    job = RetentionJob(tmp_path, 0)
    due = [job.is_due(minute * 60_000_000) for minute in range(2 * 24 * 60 + 5)]
    assert [minute for minute, is_due in enumerate(due) if is_due] == [1, 24 * 60 + 1, 2 * 24 * 60 + 1]


def test_what_is_over_goes_and_what_is_held_stays(tmp_path: Path) -> None:
    log = open_log(tmp_path / "evidence")
    layout = Layout(tmp_path / "evidence")
    keys = KeyStore(layout.keys)
    for tenant in ("alice", "bob", "carol"):
        for month in ("2026-09", "2026-11"):
            keys.get(tenant, month, 0)
    set_hold(layout.keys, Hold(case="c", tenant="carol", by="counsel", time_us=1))
    job = RetentionJob(tmp_path / "evidence", 0)
    policies = [_policy("alice", 30), _policy("alice", 365), _policy("bob", 180), _policy("carol", 30)]
    assert job.run(log, policies, NOW_US) == 1
    assert job.run(log, policies, NOW_US) == 0
    left = {(where.tenant, where.month) for where in keys.list()}
    assert left == {(tenant, month) for tenant in ("alice", "bob", "carol") for month in ("2026-09", "2026-11")} - {
        ("alice", "2026-09")
    }
    log.close()
    (notice,) = records(tmp_path / "evidence", "erase.notice")
    assert (notice["tenant"], notice["erase.month"], notice["erase.by"]) == ("alice", "2026-09", "retention")


def test_a_fault_is_told_to_the_owner_and_to_nobody_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = open_log(tmp_path / "evidence")
    layout = Layout(tmp_path / "evidence")
    KeyStore(layout.keys).get("alice", "2020-01", 0)
    (layout.keys / "holds.json").write_bytes(b"damaged")
    assert RetentionJob(tmp_path / "evidence", 0).run(log, [], NOW_US) == 0
    assert "tried again tomorrow" in caplog.text
    log.close()
    assert [where.month for where in KeyStore(layout.keys).list()] == ["2020-01"]
