"""Counts the lines of access logs: those of recognized crawlers by name, all others as one number.

Most lines are people's, so what they cost is what matters: their user agent is cut out of the octets and looked up
among those that are known to name nobody. Only a crawler's line is read whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from optout.crawlers.address_book import AddressBook, Listing
from optout.crawlers.model import AI_PURPOSES, Claim, Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.messages import AddressSource, ClientAddress, as_text
from optout.review.importing.account import BadLine, Robots, Taken
from optout.review.importing.lines import Line, find_user_agent, parse_line
from optout.robots.matcher import RobotsMatcher

_MOST_AGENTS = 100_000  # user agents that are remembered; strangers write them
_LONGEST_AGENT = 1024
_MOST_PATHS = 20_000  # of one crawler; strangers choose which
_MOST_JUDGED = 50_000
_MOST_BAD = 5
_ROBOTS = "/robots.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One robots.txt that the owner has, ready to be asked."""

    about: Robots
    matcher: RobotsMatcher


class Counting:
    """The counts of one import.

    `versions` are in the order of their times; `lists` are operators' addresses today. With a `site`, crawlers' lines
    that name another host are counted in `elsewhere` alone. `without_agent` of the people's lines have no user agent.
    """

    def __init__(
        self,
        registry: Registry,
        versions: Sequence[Version] = (),
        lists: AddressBook | None = None,
        now_us: int = 0,
        *,
        site: str = "",
    ) -> None:
        self._recognize: Callable[[str], Claim | None] = registry.recognize
        self._versions = tuple(versions)
        self._since = [version.about.since_us for version in versions]
        self._lists, self._now_us, self._site = lists, now_us, site.lower()
        self._agents: dict[bytes, Claim | None] = {}
        self._taken: dict[str, Taken] = {}
        self._judged: dict[tuple[str, int, str], str] = {}
        self._listings: dict[tuple[str, str], Listing] = {}
        self.lines = 0
        self.people = 0
        self.without_agent = 0
        self.elsewhere = 0
        self.bad_lines = 0
        self.bad: list[BadLine] = []
        self.are_paths_whole = True
        self.first_us: int | None = None
        self.last_us: int | None = None

    @property
    def taken(self) -> tuple[Taken, ...]:
        """By requests, AI crawlers first."""
        return tuple(sorted(self._taken.values(), key=lambda each: (not each.is_ai, -each.requests, each.name)))

    def add(self, piece: bytes, file: str, before: int) -> int:
        """Count the lines of a piece of a file, of which `before` came earlier; how many they were."""
        agents = self._agents
        lines = piece.split(b"\n")
        if not lines[-1]:
            lines.pop()
        people = 0
        for number, line in enumerate(lines, before + 1):
            user_agent = find_user_agent(line)
            try:
                claim = agents[user_agent]  # type: ignore[index]
            except KeyError:
                if user_agent is None:
                    self._note_bad(line, file, number)
                    continue
                claim = self._look(user_agent)
            if claim is None:
                people += 1
                self.without_agent += not user_agent
            else:
                self._count(line, claim, file, number)
        self.people += people
        self.lines += len(lines)
        return len(lines)

    def _note_bad(self, line: bytes, file: str, number: int) -> None:
        if not line.strip():
            return  # an empty line is nobody's
        self.bad_lines += 1
        if len(self.bad) < _MOST_BAD:
            self.bad.append(BadLine(file, number))

    def _look(self, octets: bytes) -> Claim | None:
        claim = self._recognize(as_text(octets)) if octets else None
        if len(octets) <= _LONGEST_AGENT:
            if len(self._agents) >= _MOST_AGENTS:
                self._agents.clear()
            self._agents[octets] = claim
        return claim

    def _count(self, octets: bytes, claim: Claim, file: str, number: int) -> None:
        line = parse_line(octets)
        if line is None:
            self._note_bad(octets, file, number)
            return
        if self._site and line.host and line.host != self._site:
            self.elsewhere += 1
            return
        crawler = claim.crawler
        taken = self._taken.get(crawler.name)
        if taken is None:
            taken = self._taken[crawler.name] = Taken(
                name=crawler.name,
                operator=crawler.operator,
                purpose=crawler.purpose.value,
                is_ai=not crawler.acts_for.isdisjoint(AI_PURPOSES),
            )
        taken.requests += 1
        taken.statuses[f"{line.status // 100}xx"] += 1
        if line.status // 100 == 2:
            taken.content_bytes += line.size
        if line.time_us is not None:
            self._date(taken, line.time_us)
        if taken.is_ai:
            self._follow(taken, crawler, line)
            self._look_up(taken, claim, line)

    def _date(self, taken: Taken, time_us: int) -> None:
        taken.first_us = time_us if taken.first_us is None else min(taken.first_us, time_us)
        taken.last_us = time_us if taken.last_us is None else max(taken.last_us, time_us)
        self.first_us = time_us if self.first_us is None else min(self.first_us, time_us)
        self.last_us = time_us if self.last_us is None else max(self.last_us, time_us)
        taken.days[_day(time_us)] += 1

    def _follow(self, taken: Taken, crawler: Crawler, line: Line) -> None:
        """Where it went, whether it had asked for robots.txt, and whether that forbade it."""
        path = line.path
        if path == _ROBOTS:
            taken.read_robots += 1
            return
        if not taken.read_robots:
            taken.before_reading += 1
        if Purpose.USER_FETCH in crawler.purposes:
            pass  # a person asked for it: the path can tell what that person wanted to know
        elif path in taken.paths or len(taken.paths) < _MOST_PATHS:
            taken.paths[path] += 1
        else:
            self.are_paths_whole = False
        forbidden = self._forbids(crawler, line)
        if forbidden:
            taken.disallowed += 1
            taken.disallowed_served += line.status // 100 == 2
            taken.lines[forbidden] += 1

    def _forbids(self, crawler: Crawler, line: Line) -> str:
        """The file and line of the robots.txt of that time which forbids the request; "" if none does."""
        if not self._versions or not line.target.startswith("/"):
            return ""
        at = bisect_right(self._since, line.time_us if line.time_us is not None else 0) - 1
        if at < 0:
            return ""
        key = (crawler.name, at, line.target)
        known = self._judged.get(key)
        if known is None:
            version = self._versions[at]
            match = version.matcher.match(crawler.robots_tokens, line.target)
            is_rule = match.rule is not None and not match.allowed
            known = f"{version.about.name}:{match.rule.line}" if is_rule and match.rule is not None else ""
            if len(self._judged) >= _MOST_JUDGED:
                self._judged.clear()
            self._judged[key] = known
        return known

    def _look_up(self, taken: Taken, claim: Claim, line: Line) -> None:
        if self._lists is None or not line.address:
            return
        key = (claim.crawler.name, line.address)
        listing = self._listings.get(key)
        if listing is None:
            client = ClientAddress(address=line.address, source=AddressSource.PEER)
            if len(self._listings) >= _MOST_JUDGED:
                self._listings.clear()
            listing = self._listings[key] = self._lists.look(claim, client, self._now_us).listing
        taken.listed += listing is Listing.LISTED
        taken.unlisted += listing in (Listing.UNLISTED, Listing.ABSENT, Listing.DOUBTED)


def _day(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).date().isoformat()
