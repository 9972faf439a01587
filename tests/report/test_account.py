"""What every page says of its time, if nobody says more: that nobody else has confirmed it."""

from __future__ import annotations

from tests.report.test_visits import ACCOUNT


def test_unless_told_otherwise_the_time_is_the_machines_own() -> None:
    assert "clock of the machine" in ACCOUNT.rests_on
    assert "no outside party" in ACCOUNT.rests_on
