"""A robots.txt from values to bytes, in one canonical form that every reader takes alike (RFC 9309 section 2.2).

Rules of this room:
1. Nothing stands between the user-agent lines of a group: Protego and Python's reader would end the list there.
2. Every group has a rule. One without would fall together with the next, so it gets an empty Disallow, which
   restricts nothing and changes no tie.
3. Other records of a group come after its rules, those before the first group come first, and sitemaps, which belong
   to no group, come last.
4. Patterns are written in ASCII, in the form in which they are compared; those that match nothing are left out.
5. Nothing that is written is invisible or no UTF-8. A user agent with such a character names no crawler and is left
   out; in other records it is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from optout.robots.model import Group, OtherRecord, PathPattern, RobotsTxt, Rule, as_octets

_NAMES = {
    "sitemap": "Sitemap", "license": "License", "content-signal": "Content-Signal", "content-usage": "Content-Usage",
    "crawl-delay": "Crawl-delay", "host": "Host", "clean-param": "Clean-param", "request-rate": "Request-rate",
    "visit-time": "Visit-time",
}  # fmt: skip
_PREFERENCES = frozenset({"content-signal", "content-usage"})


def write_robots(robots: RobotsTxt) -> bytes:
    """The file's octets. What `parse_robots` reads in them says the same to every crawler about every path."""
    standing: dict[int | None, list[OtherRecord]] = {}
    sitemaps: list[OtherRecord] = []
    for record in robots.others:
        (sitemaps if record.key == "sitemap" else standing.setdefault(record.group, [])).append(record)
    blocks = [[_other(record) for record in standing.get(None, ())]]
    for number, group in enumerate(robots.groups):
        blocks += _group(group, standing.get(number, []))
    blocks.append([_other(record) for record in sitemaps])
    return b"\n".join(b"".join(block) for block in blocks if block)


def _group(group: Group, others: list[OtherRecord]) -> Iterator[list[bytes]]:
    """The group's lines; one block for each list of user agents where a preference stands within the list.

    To AIPREF such a record ends the list, so it binds only the user agents before it, and is written so.
    """
    ends = sorted({record.tokens for record in others if record.key in _PREFERENCES} | {len(group.tokens)})
    start = 0
    for end in ends:
        tokens = [token for token in group.tokens[start:end] if token and token.isprintable()]
        own = (_scoped(record, is_own=record.tokens == end) for record in others)
        if tokens:
            yield [
                *(b"User-agent: %b\n" % as_octets(token) for token in dict.fromkeys(tokens)),
                *_rules(group.rules),
                *filter(None, own),
            ]
        start = end


def _scoped(record: OtherRecord, *, is_own: bool) -> bytes:
    """A record as it stands with some user agents of its group; of a signal that may not be theirs, what it forbids."""
    if is_own or record.key not in _PREFERENCES:
        return _other(record)
    if record.key == "content-usage":
        return b""
    path = re.match(r"/[^ \t]*", record.value)
    forbidden = ", ".join(f"{key}=no" for key in dict.fromkeys(_FORBIDDEN.findall(record.value)))
    value = f"{path[0]} {forbidden}" if path is not None else forbidden
    return b"Content-Signal: %b\n" % as_octets(value) if forbidden else b""


_FORBIDDEN = re.compile(r"(?:^|[ \t,])([A-Za-z-]+)[ \t]*=[ \t]*no(?=[ \t,]|$)", re.IGNORECASE)


def _rules(rules: Iterable[Rule]) -> Iterator[bytes]:
    written = ((octets, rule.allow) for rule in rules if (octets := _written(rule.pattern)))
    lines = [b"%b: %b\n" % (b"Allow" if allow else b"Disallow", octets) for (octets, allow), _ in groupby(written)]
    yield from lines or [b"Disallow:\n"]


def _written(pattern: PathPattern) -> bytes:
    """A pattern's octets; none where it matches nothing. As it came where its comparable form would be read anew."""
    if not pattern.pieces or pattern.octets[:1] not in b"/*":
        return b""
    is_stable = PathPattern.parse(pattern.octets.decode("ascii")).octets == pattern.octets
    return pattern.octets if is_stable else _visible(pattern.written)


def _other(record: OtherRecord) -> bytes:
    name = _NAMES[record.key].encode() if record.key in _NAMES else _visible(record.key).lower()
    return b"%b: %b\n" % (name, _visible(record.value))


def _visible(text: str) -> bytes:
    """A text whose characters all show; a tab, which parts words, as a blank."""
    shown = (char if char.isprintable() else "".join(f"%{octet:02X}" for octet in as_octets(char)) for char in text)
    return "".join(" " if char == "%09" else char for char in shown).encode()
