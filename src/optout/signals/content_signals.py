"""Content Signals: the record Content-Signal of robots.txt (contentsignals.org, 2025-09-24; `use=` since 2026-07-01).

The policy is prose and samples; there is no grammar, and no section to name. What is read: `[path] key=value, ...`
inside a group. Where the policy is silent the reading that restricts more stands, and a fault says so: the longest
path decides, restrictively; what a record forbids binds every user agent that it could be meant for, what it permits
only those that it binds in every reading; in a spelling that no sample has, "no" stands and "yes" does not.

The response field of the same name, which one product sends by itself, is not part of the policy and not read.
Nothing here raises for what a stranger published.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from optout.robots.matcher import Match, PatternIndex
from optout.robots.model import OtherRecord, RobotsTxt, as_octets, normalize_path
from optout.signals.path_records import LONGEST_VALUE, PathRecord, PathRecords, restrictions, split_path
from optout.signals.preference import Preference, SignalFault, Statement, Usage, excerpt

SIGNALS = {"search": Usage.SEARCH, "ai-input": Usage.INPUT, "ai-train": Usage.TRAIN}
"""The policy's signals, and the uses that they are taken for."""

ROBOTS = "robots.txt Content-Signal"
EVERYONE = -1
"""The `group` of a record that stands before the first user-agent line."""

_VALUES = {"yes": Preference.ALLOWED, "no": Preference.DISALLOWED}
_PREFERENCES = {"train-ai": "ai-train", "ai-use": "ai-input"}  # AIPREF's words for the same
# Within one record an unknown value beats a permission: it grants nothing.
_STRICTEST_FIRST = (Preference.DISALLOWED, Preference.UNKNOWN, Preference.ALLOWED)


class ContentUse(StrEnum):
    """`use`: at most how content may be consumed, least first. It permits no crawling and forbids none."""

    IMMEDIATE = "immediate"
    REFERENCE = "reference"
    FULL = "full"


class SignalFaultCode(StrEnum):
    """What can be wrong with a Content-Signal. Permanent; all since 0.1."""

    TOO_LONG = "too-long"
    NO_SIGNAL = "no-signal"
    UNKNOWN_KEY = "unknown-key"
    FOREIGN_KEY = "foreign-key"
    BAD_VALUE = "bad-value"
    DUPLICATE_KEY = "duplicate-key"
    LOOSE_SPELLING = "loose-spelling"
    OUTSIDE_GROUP = "outside-group"
    BETWEEN_USER_AGENTS = "between-user-agents"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord(PathRecord):
    """One Content-Signal record. `use` is None where it says nothing of that."""

    use: ContentUse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSignals:
    """The Content-Signal records of a robots.txt in file order, and all that is wrong with them."""

    records: tuple[SignalRecord, ...] = ()
    faults: tuple[SignalFault, ...] = ()


def parse_content_signals(robots: RobotsTxt) -> ContentSignals:
    """The Content-Signal records of a robots.txt. Never raises; linear time."""
    records: list[SignalRecord] = []
    faults: list[SignalFault] = []
    for record in robots.others:
        if record.key != "content-signal":
            continue
        reading = _Reading(record, faults.append)
        records.append(reading.read())
        if record.group is None:
            text = "no user-agent line comes before it: what it forbids binds everybody, what it permits nobody"
            reading.report(SignalFaultCode.OUTSIDE_GROUP, -1, text)
        elif record.tokens < len(robots.groups[record.group].tokens):
            text = (
                "user-agent lines follow in the same group: what it forbids binds those, too; what it permits does not"
            )
            reading.report(SignalFaultCode.BETWEEN_USER_AGENTS, -1, text)
    return ContentSignals(records=tuple(records), faults=tuple(faults))


class ContentSignalMatcher:
    """The Content-Signal records of one robots.txt, found by crawler and path."""

    __slots__ = ("_everyone", "_index", "_records")

    def __init__(self, robots: RobotsTxt, signals: ContentSignals) -> None:
        self._records = PathRecords(robots, [record for record in signals.records if record.group != EVERYONE])
        self._everyone = [restrictions(record) for record in signals.records if record.group == EVERYONE]
        self._index = PatternIndex([record.path for record in self._everyone])

    def match(self, bound: Match, target: str) -> tuple[Statement, ...]:
        """What is said of a path to the crawler for which `RobotsMatcher` answered `bound`; to be combined."""
        return tuple(statement for record in self._deciding(bound, target) for statement in record.statements)

    def use(self, bound: Match, target: str) -> ContentUse | None:
        """How the content may be consumed at most, as far as it is said."""
        said = {record.use for record in self._deciding(bound, target)}
        return next((use for use in ContentUse if use in said), None)

    def _deciding(self, bound: Match, target: str) -> list[SignalRecord]:
        # To the policy a record is no rule, so it ends no list of user agents; its writer may have meant that it does.
        own = {record.line: record for record in self._records.deciding(bound, target, own_tokens=True)}
        group = {record.line: record for record in self._records.deciding(bound, target, own_tokens=False)}
        everyone = [self._everyone[number] for number in self._index.matching(normalize_path(target))]
        in_doubt = own.keys() ^ group.keys()
        found = (restrictions(record) if record.line in in_doubt else record for record in (own | group).values())
        return [*everyone, *sorted(found, key=lambda record: record.line)]


# A word with or without a value. It is taken whole either way and never looked at again, so the scan is linear.
_ENTRY = re.compile(r"([^ \t=,;]++)(?:([ \t]*+)=([ \t]*+)([^ \t=,;]*+))?+")
_COMMA = re.compile(r"[ \t]*+,[ \t]*+")


class _Reading:
    """One record while it is read. Of each kind of fault the first is reported."""

    def __init__(self, record: OtherRecord, report: Callable[[SignalFault], None]) -> None:
        self._record = record
        self._report = report
        self._reported: set[SignalFaultCode] = set()
        self._path, self._text, self._before = split_path(record.value)
        self._found: dict[str, list[str]] = {}

    def report(self, code: SignalFaultCode, at: int, text: str) -> None:
        """Notes a fault at an offset in the text behind the path; -1 is the record as a whole."""
        if code not in self._reported:
            self._reported.add(code)
            column = self._before + len(as_octets(self._text[:at])) + 1 if at >= 0 else 0
            self._report(SignalFault(line=self._record.line, code=code, text=text, column=column))

    def read(self) -> SignalRecord:
        """The record."""
        if len(as_octets(self._text)) > LONGEST_VALUE:
            self.report(SignalFaultCode.TOO_LONG, -1, f"longer than {LONGEST_VALUE} octets: not read")
        else:
            self._entries()
        is_loose = SignalFaultCode.LOOSE_SPELLING in self._reported
        statements = tuple(
            self._statement(key, usage, is_loose=is_loose) for key, usage in SIGNALS.items() if key in self._found
        )
        use = next((use for use in ContentUse if use in self._found.get("use", ())), None)
        return SignalRecord(
            line=self._record.line,
            group=self._record.group if self._record.group is not None else EVERYONE,
            tokens=self._record.tokens,
            path=self._path,
            statements=statements,
            readable=bool(statements) or use is not None,
            use=use,
        )

    def _statement(self, key: str, usage: Usage, *, is_loose: bool) -> Statement:
        said = {_VALUES.get(value, Preference.UNKNOWN) for value in self._found[key]}
        preference = next(value for value in _STRICTEST_FIRST if value in said)
        if is_loose and preference is Preference.ALLOWED:
            preference = Preference.UNKNOWN
        text = excerpt(self._text)
        return Statement(usage=usage, preference=preference, source=ROBOTS, line=self._record.line, text=text)

    def _entries(self) -> None:
        end = 0
        for entry in _ENTRY.finditer(self._text):
            gap = self._text[end : entry.start()]
            if (gap != "") if end == 0 else _COMMA.fullmatch(gap) is None:
                self._loose(entry.start())
            end = entry.end()
            self._entry(entry)
        if not end:
            self.report(SignalFaultCode.NO_SIGNAL, -1, "no signal follows: it says nothing")
        elif end < len(self._text):
            self._loose(end)

    def _entry(self, entry: re.Match[str]) -> None:
        at = entry.start()
        key, value = entry[1].lower(), (entry[4] or "").lower()
        if key not in SIGNALS and key != "use":
            if key in _PREFERENCES:
                text = f"{key} is a word of Content-Usage: say {_PREFERENCES[key]} here"
                self.report(SignalFaultCode.FOREIGN_KEY, at, text)
            else:
                self.report(SignalFaultCode.UNKNOWN_KEY, at, f"{excerpt(entry[1])} is no signal: it says nothing")
            return
        if (key, value) != (entry[1], entry[4] or "") or entry[2] or entry[3]:
            self._loose(at)
        known: tuple[str, ...] = tuple(ContentUse) if key == "use" else tuple(_VALUES)
        if value not in known:
            self.report(SignalFaultCode.BAD_VALUE, at, f"the value of {key} is not one of {', '.join(known)}: unknown")
        values = self._found.setdefault(key, [])
        if values:
            self.report(SignalFaultCode.DUPLICATE_KEY, at, f"{key} is given twice: the stricter stands")
        values.append(value)

    def _loose(self, at: int) -> None:
        text = "not spelled key=value, key=value in small letters: what it forbids stands, what it permits does not"
        self.report(SignalFaultCode.LOOSE_SPELLING, at, text)
