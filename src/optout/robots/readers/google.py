"""robots.txt as Google's open-source library reads it (github.com/google/robotstxt, commit 22b355f of 2026-04-01).

Ours in code, the library's in what it answers: keys by their beginning, misspelled ones too; a missing colon; names
cut at the first octet that is no letter, `-` or `_`; rules with their escapes upper-cased but never decoded; an Allow
for `index.htm` that frees the directory. Where Googlebot itself differs from its library nobody outside can tell.

The library reads files of any size; Googlebot stops at 500 KiB, and so does this room.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from optout.robots.matcher import PatternIndex
from optout.robots.model import PathPattern, as_octets
from optout.robots.parser import SIZE_LIMIT
from optout.robots.readers import Reader, Verdict, on_the_wire

_BOM = b"\xef\xbb\xbf"
_LONGEST_LINE = 2083 * 8 - 1  # the library's buffer without its final NUL; what is longer is cut, not dropped
_BLANK = b" \t\n\v\f\r"
_WORDS = re.compile(rb"([^ \t]+)[ \t]+([^ \t]+)")
_NAME = re.compile(rb"[A-Za-z_-]*")
_ESCAPE_OR_HIGH = re.compile(rb"%[0-9A-Fa-f]{2}|[\x80-\xff]")
_KEYS = (
    (b"user-agent", b"user-agent"),
    (b"useragent", b"user-agent"),
    (b"user agent", b"user-agent"),
    (b"allow", b"allow"),
    *((word, b"disallow") for word in (b"disallow", b"dissallow", b"dissalow", b"disalow", b"diasllow", b"disallaw")),
)
_INDEX_PAGE = b"/index.htm"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    line: int
    allow: bool
    pattern: PathPattern

    @property
    def rank(self) -> tuple[int, bool]:
        """The longest pattern decides, and Allow wins a tie."""
        return -self.pattern.priority, not self.allow


@dataclass(slots=True, kw_only=True)
class _Group:
    names: set[bytes] = field(default_factory=set)
    rules: list[_Rule] = field(default_factory=list)
    closed: bool = False  # an Allow or Disallow has come: the next user-agent line opens another group


def google(data: bytes) -> Reader:
    """A reader that answers as Google's library does. Every line counts from 1."""
    groups = _groups(data[:SIZE_LIMIT])
    naming: dict[bytes, list[int]] = {}
    for number, group in enumerate(groups):
        for name in group.names:
            naming.setdefault(name, []).append(number)

    @lru_cache(maxsize=64)
    def ranked(name: bytes) -> tuple[PatternIndex, list[_Rule]]:
        rules = sorted((rule for number in naming.get(name, ()) for rule in groups[number].rules), key=lambda r: r.rank)
        return PatternIndex([rule.pattern for rule in rules]), rules

    def read(token: str, target: str) -> Verdict:
        name = as_octets(token).lower()
        index, rules = ranked(name if name != b"*" and name in naming else b"*")
        number = index.first(on_the_wire(target).encode("ascii"))
        return Verdict(True, 0) if number is None else Verdict(rules[number].allow, rules[number].line)

    return read


def _groups(data: bytes) -> list[_Group]:
    groups = [_Group(closed=True)]  # what stands before the first user-agent line names nobody
    for number, line in enumerate(_without_mark(data).splitlines(), start=1):
        key, value = _record(line)
        if key == b"user-agent":
            if groups[-1].closed:
                groups.append(_Group())
            groups[-1].names.add(_name(value))
        elif key:
            groups[-1].closed = True
            groups[-1].rules += _rules(number, key == b"allow", value)
    return groups


def _without_mark(data: bytes) -> bytes:
    """Drops a byte order mark, and as much of one as is there."""
    for length in (3, 2, 1):
        if data.startswith(_BOM[:length]):
            return data[length:]
    return data


def _record(line: bytes) -> tuple[bytes, bytes]:
    """The key of a line, spelled as the standard does, and its value; an empty key where the line says nothing."""
    # The library works on C strings: a NUL ends the line.
    line = line[:_LONGEST_LINE].partition(b"\0")[0].partition(b"#")[0].strip(_BLANK)
    key, colon, value = line.partition(b":")
    if not colon:
        words = _WORDS.fullmatch(line)
        if words is None:
            return b"", b""
        key, value = words.groups()
    key = key.strip(_BLANK).lower()
    return next((meant for start, meant in _KEYS if key.startswith(start)), b""), value.strip(_BLANK)


def _name(value: bytes) -> bytes:
    """The name that a user-agent value is cut down to; `*` where it stands alone or before a blank."""
    if value[:1] == b"*" and value[1:2] in _BLANK:
        return b"*"
    found = _NAME.match(value)
    return found[0].lower() if found is not None else b""


def _rules(line: int, allow: bool, value: bytes) -> list[_Rule]:
    octets = _ESCAPE_OR_HIGH.sub(_upper, value)
    patterns = [octets]
    directory, slash, page = octets.rpartition(b"/")
    if allow and (slash + page).startswith(_INDEX_PAGE):
        patterns.append(directory + b"/$")
    return [_Rule(line=line, allow=allow, pattern=_pattern(each)) for each in patterns]


def _upper(found: re.Match[bytes]) -> bytes:
    return found[0].upper() if len(found[0]) > 1 else b"%%%02X" % found[0][0]


def _pattern(octets: bytes) -> PathPattern:
    """The pattern as it stands: the library neither decodes escapes nor tells a `*` in a path from any other octet."""
    anchored = octets.endswith(b"$")
    first, *rest = octets[: len(octets) - anchored].split(b"*")
    pieces = (first, *filter(None, rest[:-1]), *rest[-1:]) if octets else ()
    return PathPattern(written=octets.decode("ascii", "replace"), octets=octets, pieces=pieces, anchored=anchored)
