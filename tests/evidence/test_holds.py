"""Holds: what they cover, and that a damaged list stops every erasure."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.holds import Hold, held_by, lift_hold, read_holds, set_hold
from optout.evidence.keys import TenantMonth

HOLD = Hold(case="7 O 1/26", tenant="alice", since="2026-03", until="2026-05", by="counsel", time_us=1)


@pytest.mark.parametrize(
    ("tenant", "month", "held"),
    [
        ("alice", "2026-03", True),
        ("alice", "2026-05", True),
        ("alice", "2026-02", False),
        ("alice", "2026-06", False),
        ("bob", "2026-04", False),
    ],
)
def test_a_hold_covers_its_tenant_and_its_months(tenant: str, month: str, held: bool) -> None:
    assert bool(held_by((HOLD,), TenantMonth(tenant, month))) is held
    assert held_by((Hold(case="all", by="c", time_us=1),), TenantMonth(tenant, month)) == ("all",)


def test_holds_are_set_replaced_and_lifted(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    assert read_holds(keys) == ()
    set_hold(keys, HOLD)
    set_hold(keys, Hold(case="7 O 1/26", by="counsel", time_us=2))
    set_hold(keys, Hold(case="other", by="counsel", time_us=3))
    assert [each.time_us for each in read_holds(keys)] == [2, 3]
    assert lift_hold(keys, "none") is None
    assert lift_hold(keys, "other") is not None
    assert [each.case for each in read_holds(keys)] == ["7 O 1/26"]


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'[{"case":1}]', b"[" * 100_000, b"\xff"])
def test_a_damaged_list_is_no_empty_list(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "holds.json").write_bytes(data)
    with pytest.raises(EvidenceError, match="holds"):
        read_holds(tmp_path)


def test_a_month_is_a_month(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="is not a month"):
        set_hold(tmp_path, Hold(case="x", since="March", by="c", time_us=1))
