"""What was counted in imported logs, as values. Everything in it is a claim: nobody checked who sent these requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """One file as it lay on the disk: name, size in octets, SHA-256 (hex), lines, and what ended it too early."""

    name: str
    size: int
    sha256: str
    lines: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is in no form: where it stands."""

    file: str
    number: int


@dataclass(slots=True, kw_only=True)
class Taken:
    """What one crawler's name took. Times are µs since 1970 UTC.

    `statuses` are the answers' classes, as `2xx`. `content_bytes` are those of answers in 2xx. `disallowed` are
    requests for what the robots.txt of that time forbade this crawler, `disallowed_served` those of them in 2xx;
    `lines` are the lines of robots.txt that say so. `read_robots` are fetches of robots.txt; `before_reading` are the
    pages taken before the first of them in these logs. `listed` came from the operator's own addresses, as its list is
    today, `unlisted` did not; without a list both are 0.
    """

    name: str
    operator: str
    purpose: str
    is_ai: bool
    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    content_bytes: int = 0
    first_us: int | None = None
    last_us: int | None = None
    read_robots: int = 0
    before_reading: int = 0
    disallowed: int = 0
    disallowed_served: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    listed: int = 0
    unlisted: int = 0
    paths: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)

    @property
    def served(self) -> int:
        """Requests that were answered with content."""
        return self.statuses["2xx"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """A robots.txt that the owner gave: the time from which it was in force (0: always) and its SHA-256 (hex)."""

    name: str
    since_us: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All of an import.

    `people` are lines that name no crawler, counted and nothing else; `without_agent` of them have no user agent, so
    that they can show none. `elsewhere` are crawlers' lines about other sites than the one asked for, `bad_lines` those
    in no form, of which the first few are in `bad`. `taken` stands by requests, AI crawlers first. `is_judged`: a
    robots.txt was given.
    """

    files: tuple[LogFile, ...]
    robots: tuple[Robots, ...]
    lines: int
    people: int
    without_agent: int
    elsewhere: int
    bad_lines: int
    bad: tuple[BadLine, ...]
    taken: tuple[Taken, ...]
    first_us: int | None
    last_us: int | None
    are_paths_whole: bool
    made_us: int
    software: str

    @property
    def is_judged(self) -> bool:
        """Whether a robots.txt was at hand."""
        return bool(self.robots)

    @property
    def crawlers(self) -> tuple[Taken, ...]:
        """The AI crawlers."""
        return tuple(taken for taken in self.taken if taken.is_ai)
