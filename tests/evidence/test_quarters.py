"""Names of a node's logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.quarters import is_over, label_of, next_name, quarter_of, quarterly

NOV_2026 = 1_795_000_000_000_000
FEB_2027 = 1_802_000_000_000_000


def test_a_quarter_has_three_months() -> None:
    assert quarter_of(NOV_2026) == "2026q4"
    assert quarter_of(FEB_2027) == "2027q1"
    assert quarter_of(0) == "1970q1"


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("example.org/node", "example.org/node/2027q1"),
        ("example.org/node/2026q4", "example.org/node/2027q1"),
        ("example.org/node/2026q4-07", "example.org/node/2027q1"),
        ("example.org/node/2027q1", "example.org/node/2027q1-02"),
        ("example.org/node/2027q1-02", "example.org/node/2027q1-03"),
    ],
)
def test_the_next_name(name: str, following: str) -> None:
    assert next_name(name, FEB_2027) == following


def test_only_a_name_with_a_quarter_is_ever_over() -> None:
    assert is_over("example.org/node/2026q4", FEB_2027)
    assert not is_over("example.org/node/2026q4", NOV_2026)
    assert not is_over("example.org/node/2027q1", NOV_2026)  # a clock that was ahead for a while
    assert not is_over("example.org/node", FEB_2027)


def test_a_name_is_made_quarterly_once() -> None:
    assert quarterly("example.org/node", NOV_2026) == "example.org/node/2026q4"
    assert quarterly("example.org/node/2025q1", NOV_2026) == "example.org/node/2025q1"


def test_labels_sort_as_the_logs_followed() -> None:
    names = ["example.org/n", "example.org/n/2026q4", "example.org/n/2026q4-02", "example.org/n/2027q1"]
    labels = [label_of(name) for name in names]
    assert labels == sorted(labels)


@given(st.text(), st.integers())
def test_no_name_and_no_time_raise(name: str, time_us: int) -> None:
    assert isinstance(is_over(name, time_us), bool)
    assert label_of(next_name(name, time_us))
