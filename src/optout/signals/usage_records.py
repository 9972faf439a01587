"""What the records of a robots.txt say of uses: Content-Usage and Content-Signal, ready to be asked for each request.

Whether a page may be fetched is the matter of Allow and Disallow, and not answered here.
"""

from __future__ import annotations

from optout.robots.matcher import Match
from optout.robots.model import RobotsTxt
from optout.signals.aipref import ContentUsageMatcher, parse_content_usage
from optout.signals.content_signals import ContentSignalMatcher, parse_content_signals
from optout.signals.preference import Statement

_MOST_KEPT = 1024  # sets of statements: a file has few, but its author is not always the owner's friend


class UsageRecords:
    """The usage records of one robots.txt.

    Whoever gets the same statements twice gets the same tuple, so that decisions which rest on it can be told apart by
    its identity. Memory is bounded.
    """

    __slots__ = ("_kept", "_signals", "_usage")

    def __init__(self, robots: RobotsTxt) -> None:
        self._usage = ContentUsageMatcher(robots, parse_content_usage(robots))
        self._signals = ContentSignalMatcher(robots, parse_content_signals(robots))
        self._kept: dict[tuple[Statement, ...], tuple[Statement, ...]] = {}

    def match(self, bound: Match, target: str) -> tuple[Statement, ...]:
        """What is said of a path to the crawler for which `RobotsMatcher` answered `bound`; to be combined."""
        found = (*self._usage.match(bound, target), *self._signals.match(bound, target))
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        return self._kept.setdefault(found, found)


def usage_records(robots: RobotsTxt) -> UsageRecords | None:
    """The usage records of a robots.txt; None where it has none, which is almost always."""
    has_any = any(record.key in ("content-usage", "content-signal") for record in robots.others)
    return UsageRecords(robots) if has_any else None
