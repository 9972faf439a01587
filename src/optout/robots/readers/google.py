"""How google/robotstxt reads a file: the library as published, without what Googlebot does before and after it.

Differences from RFC 9309 that decide something: a key counts by its beginning and in common misspellings, a colon may
be missing, a user agent is cut at the first octet outside `[A-Za-z_-]` and compared whole, escapes of unreserved
characters are not decoded, an Allow of `/index.html` allows the directory, and `/robots.txt` is a path like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from optout.robots.readers import Reader, Verdict, Wildcards, on_the_wire

_LONGEST_LINE = 2083 * 8  # octets; what is beyond is dropped
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AGENT = re.compile(r"[A-Za-z_-]*")
_ESCAPE_OR_HIGH = re.compile(rb"%[0-9A-Fa-f]{2}|[\x80-\xff]")
_USER_AGENT = ("user-agent", "useragent", "user agent")
_ALLOW = ("allow",)
_DISALLOW = ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")
_INDEX = "/index.htm"


@dataclass(frozen=True, slots=True)
class _Rule:
    line: int
    allow: bool
    pattern: str

    def priority(self, path: str) -> int:
        """The length of the pattern that matches, -1 for none."""
        found = _priority(self.pattern, path)
        if found < 0 and self.allow:
            slash = self.pattern.rfind("/")
            if slash >= 0 and self.pattern.startswith(_INDEX, slash):
                return _priority(f"{self.pattern[: slash + 1]}$", path)
        return found


def _priority(pattern: str, path: str) -> int:
    ends = pattern.endswith("$")
    matches = Wildcards.parse(pattern[: len(pattern) - ends], ends=ends).reach(path) >= 0
    return len(pattern) if matches else -1


def google(data: bytes) -> Reader:
    """A reader of this dialect that has read `data`."""
    groups = _groups(data)

    def read(token: str, target: str) -> Verdict:
        asked, path = token.lower(), on_the_wire(target).partition("#")[0]
        own = [rules for agents, rules in groups if asked in agents]
        everyone = [rules for agents, rules in groups if asked not in agents and "*" in agents]
        for bucket in (own, everyone):
            allow, disallow = (_best(bucket, path, allow=allow) for allow in (True, False))
            if allow[0] > 0 or disallow[0] > 0:
                allowed = disallow[0] <= allow[0]
                return Verdict(allowed, allow[1] if allowed else disallow[1])
            if bucket:
                break  # a group that names the agent is all there is, also when it is empty
        return Verdict(True, 0)

    return read


def _best(bucket: list[list[_Rule]], path: str, *, allow: bool) -> tuple[int, int]:
    """The highest priority of the rules of one kind, and the line."""
    best = (-1, 0)
    for rule in (rule for rules in bucket for rule in rules if rule.allow is allow):
        priority = rule.priority(path)
        if priority > best[0]:
            best = (priority, rule.line)
    return best


def _groups(data: bytes) -> list[tuple[frozenset[str], list[_Rule]]]:
    """The groups in file order: the user agents, lower-cased, and the rules."""
    found: list[tuple[frozenset[str], list[_Rule]]] = []
    agents: set[str] = set()
    rules: list[_Rule] = []
    for number, line in enumerate(_lines(data), 1):
        key, value = _key_and_value(line)
        if key.startswith(_USER_AGENT):
            if rules:
                found.append((frozenset(agents), rules))
                agents, rules = set(), []
            is_everyone = value.startswith("*") and (len(value) == 1 or value[1].isspace())
            matched = _AGENT.match(value)
            agents.add("*" if is_everyone else matched.group().lower() if matched else "")
        elif agents and key.startswith((*_ALLOW, *_DISALLOW)):
            rules.append(_Rule(number, key.startswith(_ALLOW), _escaped(value)))
    found.append((frozenset(agents), rules))
    return found


def _lines(data: bytes) -> list[bytes]:
    for length in (3, 2, 1):  # a part of the mark is skipped, too
        if data.startswith(_BYTE_ORDER_MARK[:length]):
            data = data[length:]
            break
    return [line[:_LONGEST_LINE] for line in _LINE_END.split(data)]


def _key_and_value(line: bytes) -> tuple[str, str]:
    text = line.partition(b"#")[0].strip().decode("latin-1")
    key, colon, value = text.partition(":")
    if not colon:
        words = text.split()
        if len(words) != 2:
            return "", ""
        key, value = words
    return key.strip().lower(), value.strip()


def _escaped(value: str) -> str:
    def form(found: re.Match[bytes]) -> bytes:
        octets = found[0]
        return octets.upper() if len(octets) == 3 else b"%%%02X" % octets[0]

    return _ESCAPE_OR_HIGH.sub(form, value.encode("latin-1")).decode("latin-1")
