"""Names of a node's logs: one a quarter, as `example.org/node/2026q4`, and further ones of it as `2026q4-02`.

The name tells the quarter, so that whoever holds a checkpoint can see which log it is of (evidence.md part 5.5).
A name that tells none is its owner's choice: such a log goes on until its key is changed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_QUARTERLY = re.compile(r"(.+)/([0-9]{4}q[1-4])(?:-([0-9]{2,4}))?\Z", re.DOTALL)
_NAMELESS = "0"  # the label of a log whose name tells no quarter: it is the first, and sorts so


def quarter_of(time_us: int) -> str:
    """The quarter (UTC) of a time in µs since 1970, as 2026q4; "" for a time without one."""
    try:
        moment = datetime.fromtimestamp(time_us / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{moment.year:04d}q{(moment.month + 2) // 3}"


def quarterly(name: str, now_us: int) -> str:
    """The name of a node's log in the quarter of `now_us`; a name that tells a quarter stays."""
    return name if _QUARTERLY.match(name) else f"{name}/{quarter_of(now_us)}"


def is_over(name: str, now_us: int) -> bool:
    """Whether the quarter that a log's name tells has passed; never for a name that tells none."""
    found = _QUARTERLY.match(name)
    return found is not None and quarter_of(now_us) > found.group(2)


def next_name(name: str, now_us: int) -> str:
    """The name of the log behind the one called `name`: of the quarter of `now_us`, or a further one of the same."""
    found = _QUARTERLY.match(name)
    if found is None:
        return f"{name}/{quarter_of(now_us)}"
    base, quarter, number = found.groups()
    if quarter_of(now_us) > quarter:
        return f"{base}/{quarter_of(now_us)}"
    return f"{base}/{quarter}-{int(number or 1) + 1:02d}"


def label_of(name: str) -> str:
    """What a log is called in `past/`; labels sort as the logs followed one another."""
    found = _QUARTERLY.match(name)
    return name[found.start(2) :] if found is not None else _NAMELESS
