"""The picture of benchmarks/doors.py: each door's ratio to its counterpart as a bar, with the range of its rounds."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

_ROW, _LEFT, _UNIT, _TOP = 34, 330, 300, 46  # pixels; _UNIT is the length of a ratio of 1
_MOST = 1.6
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1a1a1a; }
.small { font-size: 11px; fill: #555; }
.person { fill: #3b7a57; } .crawler { fill: #8a4b2a; }
.range { stroke: #1a1a1a; } .goal { stroke: #1a1a1a; stroke-dasharray: 2 3; } .one { stroke: #999; }
.back { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #eee; } .small { fill: #aaa; } .range, .goal { stroke: #eee; } .back { fill: #16181a; }
  .person { fill: #6fbf93; } .crawler { fill: #d08a5f; }
}
"""


def draw(rows: list[dict[str, object]]) -> str:
    """The picture as SVG."""
    height = _TOP + _ROW * len(rows) + 24
    width = _LEFT + round(_UNIT * _MOST) + 70
    body = "\n".join(part for place, row in enumerate(rows) for part in _bar(row, _TOP + place * _ROW))
    one = f'<line class="one" x1="{_LEFT + _UNIT}" x2="{_LEFT + _UNIT}" y1="{_TOP - 8}" y2="{height - 24}"/>'
    title = "Requests a second, as a ratio to the same without Optout; line: range of the rounds, dashes: goal"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">\n'
        f'<style>{_STYLE}</style>\n<rect class="back" width="{width}" height="{height}"/>\n'
        f'<text x="16" y="24">{title}</text>\n{one}\n{body}\n</svg>\n'
    )


def _bar(row: dict[str, object], top: int) -> Iterator[str]:
    ratio, least, most = (float(str(row[key])) for key in ("ratio", "from", "to"))
    middle = top + 11
    yield f'<text x="16" y="{top + 11}">{escape(str(row["door"]))}, {row["visitor"]}</text>'
    yield f'<text class="small" x="16" y="{top + 25}">beside {escape(str(row["beside"]))}</text>'
    yield f'<rect class="{row["visitor"]}" x="{_LEFT}" y="{top}" width="{_length(ratio)}" height="22" rx="2"/>'
    yield (
        f'<line class="range" x1="{_LEFT + _length(least)}" x2="{_LEFT + _length(most)}" y1="{middle}" y2="{middle}"/>'
    )
    if row["bar"] is not None:
        goal = _LEFT + _length(float(str(row["bar"])))
        yield f'<line class="goal" x1="{goal}" x2="{goal}" y1="{top - 4}" y2="{top + 26}"/>'
    yield f'<text x="{_LEFT + _length(max(ratio, most)) + 8}" y="{top + 16}">{ratio}</text>'


def _length(ratio: float) -> int:
    return round(min(ratio, _MOST) * _UNIT)
