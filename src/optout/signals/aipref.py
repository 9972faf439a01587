"""AIPREF: usage preferences in the field Content-Usage and in robots.txt.

Implements draft-ietf-aipref-vocab-08 (2026-09-13), sections "Usage Category Labels" and "Preference Labels", and
draft-ietf-aipref-attach-05 (2026-08-18), sections "HTTP Content-Usage Header Field" and "Robots Exclusion Protocol
Content-Usage Rule". Both are drafts without consensus. Labels of earlier revisions say nothing and are reported.

A preference is a dictionary of RFC 9651; the library `http_sf` reads it. What cannot be read is unknown, never
consent. The drafts do not say what holds where the longest path's record cannot be read: shorter ones then still
restrict. Nothing here raises for what a stranger published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from http_sf import StructuredFieldError, Token, parse

from optout.messages import Fields
from optout.robots.matcher import Match
from optout.robots.model import RobotsTxt, as_octets
from optout.signals.path_records import EVERYWHERE, LONGEST_VALUE, PathRecord, PathRecords, split_path
from optout.signals.preference import Preference, SignalFault, Statement, Usage, excerpt

LABELS = {"train-ai": Usage.TRAIN, "ai-use": Usage.INPUT, "search": Usage.SEARCH}
"""The labels of vocab-08, and the uses that they are taken for."""

_VALUES = {"y": Preference.ALLOWED, "n": Preference.DISALLOWED}
_EARLIER = frozenset({"all", "ai", "ai-output", "bots", "genai", "inference", "tdm", "train-genai"})  # vocab-00 to -04
_SIGNALS = {"ai-train": "train-ai", "ai-input": "ai-use"}  # Content Signals' words for the same

FIELD = "Content-Usage"
ROBOTS = "robots.txt Content-Usage"


class AiprefFaultCode(StrEnum):
    """What can be wrong with a Content-Usage. Permanent; all since 0.1."""

    TOO_LONG = "too-long"
    NOT_A_DICTIONARY = "not-a-dictionary"
    NO_PREFERENCE = "no-preference"
    BAD_VALUE = "bad-value"
    DUPLICATE_LABEL = "duplicate-label"
    EARLIER_LABEL = "earlier-label"
    FOREIGN_LABEL = "foreign-label"
    UNKNOWN_LABEL = "unknown-label"
    OUTSIDE_GROUP = "outside-group"
    PARTIAL_SET = "partial-set"


_Report = Callable[[AiprefFaultCode, int, str], None]
"""Takes a code, an offset in the dictionary (-1: all of it) and a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentUsage:
    """The Content-Usage rules of a robots.txt in file order, and all that is wrong with them."""

    records: tuple[PathRecord, ...] = ()
    faults: tuple[SignalFault, ...] = ()


def parse_content_usage_fields(fields: Fields) -> tuple[tuple[Statement, ...], tuple[SignalFault, ...]]:
    """What a message's Content-Usage says of the bytes in that message, of nothing else. Never raises.

    Several lines are one dictionary (RFC 9651 section 4.2): if one cannot be read, none is.
    """
    faults: list[SignalFault] = []

    def report(code: AiprefFaultCode, at: int, text: str) -> None:
        faults.append(SignalFault(line=0, code=code, text=text, column=at + 1))

    values = fields.all("content-usage")
    if not values:
        return (), ()
    joined = ", ".join(value.strip(" \t") for value in values)
    return _preferences(joined, FIELD, 0, report) or (), tuple(faults)


def parse_content_usage(robots: RobotsTxt) -> ContentUsage:
    """The Content-Usage rules of a robots.txt. Never raises; linear time."""
    records: list[PathRecord] = []
    faults: list[SignalFault] = []
    for record in robots.others:
        if record.key != "content-usage":
            continue
        path, written, before = split_path(record.value)

        def report(code: AiprefFaultCode, at: int, text: str, line: int = record.line, before: int = before) -> None:
            faults.append(SignalFault(line=line, code=code, text=text, column=before + at + 1 if at >= 0 else 0))

        if record.group is None:
            report(AiprefFaultCode.OUTSIDE_GROUP, -1, "no user-agent line comes before the rule; it is ignored")
            continue
        found = _preferences(written, ROBOTS, record.line, report)
        records.append(
            PathRecord(
                line=record.line,
                group=record.group,
                tokens=record.tokens,
                path=path,
                statements=found or (),
                readable=found is not None,
            )
        )
    faults += _partial_sets(records)
    faults.sort(key=lambda fault: fault.line)
    return ContentUsage(records=tuple(records), faults=tuple(faults))


class ContentUsageMatcher:
    """The Content-Usage rules of one robots.txt, found by crawler and path."""

    __slots__ = ("_records",)

    def __init__(self, robots: RobotsTxt, usage: ContentUsage) -> None:
        self._records = PathRecords(robots, usage.records)

    def match(self, bound: Match, target: str) -> tuple[Statement, ...]:
        """What is said of a path to the crawler for which `RobotsMatcher` answered `bound`; to be combined.

        Nothing is said of a path that may not be crawled, nor by a group that does not bind the crawler.
        """
        if not bound.allowed:
            return ()
        deciding = self._records.deciding(bound, target, own_tokens=True)
        return tuple(statement for record in deciding for statement in record.statements)


def _preferences(text: str, source: str, line: int, report: _Report) -> tuple[Statement, ...] | None:
    """The statements of a dictionary; None where it cannot be read."""
    octets = as_octets(text)
    if len(octets) > LONGEST_VALUE:
        report(AiprefFaultCode.TOO_LONG, -1, f"longer than {LONGEST_VALUE} octets: not read")
        return None
    twice: list[str] = []
    try:
        members = parse(octets, tltype="dictionary", on_duplicate_key=lambda key, _: twice.append(key))
    except StructuredFieldError as error:
        at = error.position if error.position is not None else -1
        report(AiprefFaultCode.NOT_A_DICTIONARY, at, "no dictionary as RFC 9651 writes it: it says nothing")
        return None
    if not isinstance(members, dict) or not members:
        report(AiprefFaultCode.NO_PREFERENCE, -1, "no preference follows: it says nothing")
        return None
    _report_labels(members.keys(), report)
    if repeated := [label for label in LABELS if label in twice]:
        report(AiprefFaultCode.DUPLICATE_LABEL, -1, f"{repeated[0]} is given twice: the last stands (RFC 9651)")
    statements = []
    for label, usage in LABELS.items():
        if label not in members:
            continue
        member = members[label]
        value = member[0] if isinstance(member, tuple) else member
        preference = _VALUES.get(str(value), Preference.UNKNOWN) if isinstance(value, Token) else Preference.UNKNOWN
        if preference is Preference.UNKNOWN:
            report(AiprefFaultCode.BAD_VALUE, -1, f"the value of {label} is neither y nor n: unknown")
        statements.append(Statement(usage=usage, preference=preference, source=source, line=line, text=excerpt(text)))
    return tuple(statements)


def _report_labels(labels: Iterable[str], report: _Report) -> None:
    """One fault for each kind of label that says nothing. A key of RFC 9651 is printable ASCII."""
    earlier = [label for label in labels if label in _EARLIER]
    foreign = [label for label in labels if label in _SIGNALS]
    unknown = [label for label in labels if label not in LABELS and label not in _EARLIER and label not in _SIGNALS]
    if earlier:
        text = f"{earlier[0]} is a label of an earlier draft: no longer read, so it says nothing"
        report(AiprefFaultCode.EARLIER_LABEL, -1, text)
    if foreign:
        text = f"{foreign[0]} is a word of Content-Signal: say {_SIGNALS[foreign[0]]} here"
        report(AiprefFaultCode.FOREIGN_LABEL, -1, text)
    if unknown:
        report(AiprefFaultCode.UNKNOWN_LABEL, -1, f"{excerpt(unknown[0])} is no label of the draft: it says nothing")


def _partial_sets(records: Iterable[PathRecord]) -> Iterator[SignalFault]:
    """A longer path's record replaces the whole set, so that a label which it leaves out becomes unknown there."""
    for _, scope in groupby(records, key=lambda record: (record.group, record.tokens)):
        own = tuple(scope)
        everywhere = {
            said.usage: label
            for record in own
            if record.path.octets == EVERYWHERE.octets
            for said in record.statements
            if said.preference is Preference.DISALLOWED
            for label in LABELS
            if LABELS[label] is said.usage
        }
        for record in own:
            named = {said.usage for said in record.statements}
            lost = [label for usage, label in everywhere.items() if usage not in named]
            if lost and record.readable and record.path.octets != EVERYWHERE.octets:
                text = f"{lost[0]} is left out here and becomes unknown: repeat the whole set in each line"
                yield SignalFault(line=record.line, code=AiprefFaultCode.PARTIAL_SET, text=text)
