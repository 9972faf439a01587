"""Spawning's ai.txt (May 2023): which media a site allows or forbids for training, in the manner of robots.txt.

There is no specification, only what Spawning's generator and the WordPress plugins of Spawning and Jetpack write:
groups for user agents, `Allow` and `Disallow` with `*.ext` for a kind of file, and with `/` or `*` for all the rest.
Other proposals use the same name; their lines are reported and say nothing.

Where all that is silent the reading that restricts more stands, and a fault says so where the file has a part in it: a
rule for a path and a rule for a kind of file are weighed together, a tie goes to Disallow, the case of an ending counts
for a permission only, and a rule outside every group is everyone's. Nothing here raises for what a stranger published.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from optout.robots.matcher import PatternIndex, RobotsMatcher
from optout.robots.model import Fault, Group, RobotsTxt, Rule, normalize_path
from optout.robots.parser import parse_robots
from optout.signals.preference import Preference, SignalFault, Statement, Usage, excerpt

SOURCE = "ai.txt"


class AiTxtFaultCode(StrEnum):
    """What can be wrong with an ai.txt. Permanent; all since 0.1. Most mean what they mean in a robots.txt."""

    BYTE_ORDER_MARK = "byte-order-mark"
    CONTROL_CHARACTER = "control-character"
    FILE_TOO_LONG = "file-too-long"
    INVALID_UTF_8 = "invalid-utf-8"
    MALFORMED_ESCAPE = "malformed-escape"
    MISSING_COLON = "missing-colon"
    PATTERN_WITHOUT_SLASH = "pattern-without-slash"
    RULE_OUTSIDE_GROUP = "rule-outside-group"
    TOKEN_OUTSIDE_GRAMMAR = "token-outside-grammar"  # noqa: S105 - a product token
    UNKNOWN_KEY = "unknown-key"
    EVERYONE_MISSPELLED = "everyone-misspelled"
    BOTH_WAYS = "both-ways"
    NO_RULES = "no-rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class AiTxt:
    """A site's ai.txt: its groups as in a robots.txt, and all that is wrong with it."""

    groups: tuple[Group, ...] = ()
    faults: tuple[SignalFault, ...] = ()


def parse_ai_txt(data: bytes) -> AiTxt:
    """The rules of an ai.txt. Never raises; linear time; as much is read as of a robots.txt."""
    robots, skipped = parse_robots(data), 0
    faults: list[SignalFault] = []
    if any(fault.code == "rule-outside-group" for fault in robots.faults):
        # A group for everyone, before all else: its rules end where the first user-agent line stands.
        faults += (
            _fault(fault, 0) for fault in robots.faults if fault.code in {"byte-order-mark", "rule-outside-group"}
        )
        robots, skipped = parse_robots(b"User-agent: *\n" + data.removeprefix(codecs.BOM_UTF8)), 1
    faults += (_fault(fault, skipped) for fault in robots.faults)
    groups = tuple(_renumbered(group, skipped) for group in robots.groups)
    if not any(group.rules for group in groups):
        text = "no rule of the kind that Spawning's ai.txt has: it says nothing"
        faults.append(SignalFault(line=0, code=AiTxtFaultCode.NO_RULES, text=text))
    groups = tuple(_for_everyone(group, faults) for group in groups)
    faults += _both_ways(groups)
    faults.sort(key=lambda fault: fault.line)
    return AiTxt(groups=groups, faults=tuple(faults))


def _fault(fault: Fault, skipped: int) -> SignalFault:
    code = AiTxtFaultCode(fault.code)
    text = excerpt(fault.text)
    if code is AiTxtFaultCode.RULE_OUTSIDE_GROUP:
        text = "no user-agent line comes before the rule: it is taken for everyone's"
    return SignalFault(line=fault.line - skipped, code=code, text=text)


def _renumbered(group: Group, skipped: int) -> Group:
    if not skipped:
        return group
    rules = tuple(msgspec.structs.replace(rule, line=rule.line - skipped) for rule in group.rules)
    return msgspec.structs.replace(group, line=group.line - skipped, rules=rules)


def _for_everyone(group: Group, faults: list[SignalFault]) -> Group:
    if "*/" not in group.tokens:
        return group
    text = "the user agent is */, as one generator writes it: taken for *"
    faults.append(SignalFault(line=group.line, code=AiTxtFaultCode.EVERYONE_MISSPELLED, text=text))
    return msgspec.structs.replace(group, tokens=tuple("*" if name == "*/" else name for name in group.tokens))


def _both_ways(groups: Iterable[Group]) -> Iterable[SignalFault]:
    """The first rule of each group that allows what another of the group forbids: the generators' lists overlap."""
    for group in groups:
        forbidden = {rule.pattern.octets for rule in group.rules if not rule.allow}
        for rule in group.rules:
            if rule.allow and rule.pattern.octets in forbidden and rule.pattern.octets:
                text = "the same is also disallowed: that stands"
                yield SignalFault(line=rule.line, code=AiTxtFaultCode.BOTH_WAYS, text=text)
                break


_ENDING = re.compile(rb"(\*?)\.([A-Za-z0-9]+)\$?")
_ENDING_OF_PATH = re.compile(rb"\.([A-Za-z0-9]+)\Z")
_EVERYTHING = frozenset({b"/", b"*", b"/*"})


class _Rules:
    """The rules of one group by kind: everything, kinds of file, paths. What repeats an earlier rule is dropped."""

    __slots__ = ("_by_ending", "_everything", "_index", "_paths")

    def __init__(self, group: Group) -> None:
        by_ending: dict[bytes, dict[tuple[bytes, bool], Rule]] = {}
        everything: dict[bool, Rule] = {}
        paths: list[Rule] = []
        for rule in group.rules:
            ending = _ENDING.fullmatch(rule.pattern.octets)
            if rule.pattern.octets in _EVERYTHING:
                everything.setdefault(rule.allow, rule)
            elif ending is None:
                paths.append(rule)
            elif ending[1] or not rule.allow:  # `.jpg` without a star can only forbid
                by_ending.setdefault(ending[2].lower(), {}).setdefault((ending[2], rule.allow), rule)
        self._by_ending = {ending: tuple(rules.items()) for ending, rules in by_ending.items()}
        self._everything = tuple(everything.values())
        self._paths = sorted(paths, key=lambda rule: (-rule.pattern.priority, rule.allow))
        self._index = PatternIndex([rule.pattern for rule in self._paths])

    def deciding(self, path: bytes) -> Sequence[Rule]:
        """The rules that decide, all of them to be weighed: of paths the longest, else those for everything."""
        ending = _ENDING_OF_PATH.search(path.partition(b"?")[0])
        found: list[Rule] = []
        if ending is not None:
            for (written, allow), rule in self._by_ending.get(ending[1].lower(), ()):
                if not allow or written == ending[1]:
                    found.append(rule)
        first = self._index.first(path)
        if first is not None:
            found.append(self._paths[first])
        return found or self._everything


class AiTxtMatcher:
    """The rules of one ai.txt, found by user agent and path."""

    __slots__ = ("_robots", "_rules")

    def __init__(self, ai_txt: AiTxt) -> None:
        self._robots = RobotsMatcher(RobotsTxt(groups=ai_txt.groups))
        self._rules = {group.line: _Rules(group) for group in ai_txt.groups}

    def match(self, tokens: Sequence[str], target: str) -> tuple[Statement, ...]:
        """What is said of a path to a crawler with these product tokens; to be combined.

        Groups bind as in a robots.txt: the first token that one names, or else `*`.
        """
        path = normalize_path(target)
        bound = self._robots.match(tokens, target)
        return tuple(_statement(rule) for group in bound.groups for rule in self._rules[group.line].deciding(path))


def _statement(rule: Rule) -> Statement:
    preference = Preference.ALLOWED if rule.allow else Preference.DISALLOWED
    return Statement(usage=Usage.TRAIN, preference=preference, source=SOURCE, line=rule.line, text=excerpt(rule.text))
