"""Bars within the drawing, whatever the numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optout.review.pages.chart import HEIGHT, WIDTH, chart

_DAY = st.fixed_dictionaries(
    {
        "day": st.just("2026-11-18"),
        "actions": st.dictionaries(st.sampled_from(["allow", "deny", "odd"]), st.integers(0, 10**9)),
    }
)


@given(st.lists(_DAY, max_size=200))
def test_every_bar_lies_within_the_drawing(days: list[dict[str, object]]) -> None:
    for day in days:
        day["count"] = sum(day["actions"].values())  # type: ignore[attr-defined]
    told = chart(days)
    for bar in told["bars"]:
        assert -1 <= bar["x"] <= WIDTH
        assert -2 <= bar["y"] <= HEIGHT
        assert bar["height"] >= 1
    assert told["left_out"] in (0, len(days) - 120)


def test_a_bar_says_its_number() -> None:
    told = chart([{"day": "2026-11-18", "count": 5, "actions": {"deny": 3, "odd": 2}}])
    assert [bar["says"] for bar in told["bars"]] == ["2026-11-18: 3 deny", "2026-11-18: 2 odd"]
    assert [bar["action"] for bar in told["bars"]] == ["deny", "other"]
