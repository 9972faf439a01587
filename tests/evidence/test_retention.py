"""When a month's private parts are due, and what keeps them longer."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from optout.evidence.holds import Hold
from optout.evidence.keys import KeyStore
from optout.evidence.retention import DEFAULT_DAYS, LEAST_DAYS, MOST_DAYS, terms

NOW_US = 1_795_000_000_000_000  # 2026-11-18


def test_a_month_is_due_days_after_its_end(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    for month in ("2026-04", "2026-05", "2026-12", "9999-12"):
        store.get("alice", month, 0)
    found = {term.where.month: term for term in terms(store, (), now_us=NOW_US)}
    assert found["2026-04"].due == date(2026, 10, 28)
    assert [month for month, term in found.items() if term.is_over] == ["2026-04"]
    assert found["2026-12"].due == date(2027, 6, 30)
    assert LEAST_DAYS <= DEFAULT_DAYS <= MOST_DAYS


def test_tenants_may_differ_and_a_hold_keeps(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    for tenant in ("alice", "bob"):
        store.get(tenant, "2026-09", 0)
    hold = Hold(case="c", tenant="bob", by="x", time_us=1)
    found = terms(store, (hold,), now_us=NOW_US, by_tenant={"alice": 30, "bob": 30})
    assert [(term.where.tenant, term.is_over, term.held_by) for term in found] == [
        ("alice", True, ()),
        ("bob", False, ("c",)),
    ]
    assert not any(term.is_over for term in terms(store, (), now_us=NOW_US))
