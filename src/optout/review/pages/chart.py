"""Attempts over time as bars, drawn by the server: places and sizes only, so that no script and no style is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT = 960, 220
_FOOT = 24
ORDER = ("allow", "throttle", "require-license", "deny")
_MOST_BARS = 120
_WIDEST = 80  # a single day is a bar, not a wall


def chart(days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Bars for the last days: x, y, width and height in units of the drawing, the action, and what a bar says."""
    shown = list(days)[-_MOST_BARS:]
    highest = max((int(day["count"]) for day in shown), default=0)
    if not highest:
        return {"bars": [], "labels": [], "highest": 0, "width": WIDTH, "height": HEIGHT, "left_out": 0}
    step = min(WIDTH / len(shown), _WIDEST)
    bars, labels = [], []
    for place, day in enumerate(shown):
        y = float(HEIGHT - _FOOT)
        for action in (*ORDER, *sorted(set(day["actions"]) - set(ORDER))):
            count = day["actions"].get(action, 0)
            if not count:
                continue
            height = max(1.0, count * (HEIGHT - _FOOT - 8) / highest)
            y -= height
            bars.append(
                {
                    "x": round(place * step + step * 0.1, 1),
                    "y": round(y, 1),
                    "width": round(max(1.0, step * 0.8), 1),
                    "height": round(height, 1),
                    "action": action if action in ORDER else "other",
                    "says": f"{day['day']}: {count} {action}",
                }
            )
        if place % max(1, len(shown) // 8) == 0:
            labels.append({"x": round(place * step, 1), "text": day["day"]})
    left_out = len(days) - len(shown)
    return {"bars": bars, "labels": labels, "highest": highest, "width": WIDTH, "height": HEIGHT, "left_out": left_out}
