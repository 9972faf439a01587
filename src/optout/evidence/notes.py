"""What the log has to say of itself: its start, gaps, faults, steps of the clock (evidence.md parts 5.1 and 5.4).

Notes wait here until they are on disk, so that a full disk delays them and loses none. Losses and faults are
counted, per reason, crawler and action, and told at most once a minute for each reason: a log that cannot write
must not fill the disk with saying so.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from optout.evidence.receipt import Loss
from optout.evidence.schema import Value

_TELL_EVERY_US = 60_000_000
_MOST_KINDS = 64  # names in one gap record; further ones are counted together, so that the record stays small
_LONGEST_NAME = 64
_MOST_READY = 16  # while these cannot be written, further losses are only counted
_OTHERS = "other other"
_NOT_A_WORD = re.compile(r"[^!-~]")


@dataclass(slots=True)
class _Tally:
    """What was counted for one reason since it was last told."""

    told_us: int | None = None
    from_us: int = 0
    to_us: int = 0
    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, time_us: int) -> None:
        self.from_us = min(self.from_us, time_us) if self.count else time_us
        self.to_us = max(self.to_us, time_us) if self.count else time_us
        self.count += 1
        if kind:
            self.kinds[kind if kind in self.kinds or len(self.kinds) < _MOST_KINDS else _OTHERS] += 1

    def tell(self, now_us: int) -> dict[str, Value]:
        told: dict[str, Value] = {"from_us": self.from_us, "to_us": self.to_us, "count": self.count}
        if self.kinds:
            told["counts"] = [f"{kind} {count}" for kind, count in sorted(self.kinds.items())]
        self.told_us, self.count = now_us, 0
        self.kinds.clear()
        return told


class Notes:
    """The waiting notes of one start of the log. Any thread may add; the writer takes."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._ready: deque[dict[str, Value]] = deque()
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._written = 0

    def say(self, kind: str, fields: Mapping[str, Value]) -> int:
        """Add a note of its own, such as `log.start`; the ticket for `has_written`."""
        with self._guard:
            self._ready.append({**fields, "type": kind})
            return self._written + len(self._ready)

    def lost(self, reason: Loss | str, *, crawler: str, action: str, time_us: int) -> None:
        """Count a record that is not on disk and never will be."""
        with self._guard:
            self._tally("log.gap", str(reason)).add(f"{_name(crawler)} {_name(action)}", time_us)

    def lost_record(self, loss: Loss, fields: Mapping[str, object], time_us: int) -> None:
        """Count a refused record under the crawler and the action that it names."""
        action = fields.get("decision.action", fields.get("type", ""))
        self.lost(loss, crawler=str(fields.get("crawl.product", "")), action=str(action), time_us=time_us)

    def fault(self, what: str, time_us: int) -> None:
        """Count something that went wrong with the log itself."""
        with self._guard:
            self._tally("log.fault", what).add("", time_us)

    def _tally(self, kind: str, reason: str) -> _Tally:
        return self._tallies.setdefault((kind, reason), _Tally())

    def due(self, mono_us: int, *, everything: bool = False) -> list[dict[str, Value]]:
        """The notes to write now, oldest first. They stay until `written` is told."""
        with self._guard:
            if len(self._ready) < _MOST_READY or everything:
                self._tell(mono_us, everything)
            return list(self._ready)

    def _tell(self, mono_us: int, everything: bool) -> None:
        for (kind, reason), tally in self._tallies.items():
            waited = tally.told_us is None or mono_us - tally.told_us >= _TELL_EVERY_US
            if tally.count and (waited or everything):
                self._ready.append({**tally.tell(mono_us), "type": kind, "reason": reason})

    def written(self, count: int) -> None:
        """The first `count` notes are on disk."""
        with self._guard:
            for _ in range(count):
                self._ready.popleft()
            self._written += count

    def has_written(self, ticket: int) -> bool:
        """Whether the note with this ticket is on disk."""
        with self._guard:
            return self._written >= ticket

    def pending(self) -> int:
        """How many notes and how many untold counts wait."""
        with self._guard:
            return len(self._ready) + sum(1 for tally in self._tallies.values() if tally.count)


def _name(text: str) -> str:
    """A crawler's or action's name as one printable word of a count."""
    return _NOT_A_WORD.sub("_", text[:_LONGEST_NAME]) or "-"
