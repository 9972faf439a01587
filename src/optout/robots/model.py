"""The nouns of RFC 9309: group, rule, path pattern, other record, and what was wrong with the file.

Patterns and paths are compared as octets (section 2.2.2). Both sides are brought into one comparable form:
`%XX` of an unreserved character is decoded, other escapes get upper-case hex digits, octets outside the printable
ASCII range are escaped, reserved characters stay as written, and so do malformed escapes. `*` and `$` have a
meaning in a pattern, so a literal one is compared as `%2A` or `%24` (section 2.2.3).

Nothing here raises, and no pattern is ever handed to a backtracking matcher: patterns come from strangers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import msgspec

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PRINTABLE = range(0x21, 0x7F)  # ASCII without space and controls


def _comparable_forms() -> dict[bytes, bytes]:
    """Every escape, in any case of its digits, and every octet that is never left bare, to its comparable form."""
    forms = {b"*": b"%2A", b"$": b"%24"}
    digits = "0123456789ABCDEFabcdef"
    for escape in (f"%{high}{low}" for high in digits for low in digits):
        octet = int(escape[1:], 16)
        forms[escape.encode()] = bytes([octet]) if octet in _UNRESERVED else escape.upper().encode()
    for octet in set(range(256)) - set(_PRINTABLE):
        forms[bytes([octet])] = f"%{octet:02X}".encode()
    return forms


_FORMS = _comparable_forms()
_ESCAPE_OR_BARE = rb"%[0-9A-Fa-f]{2}|[^\x21-\x7e]"
_IN_PATTERN = re.compile(_ESCAPE_OR_BARE)
_IN_PATH = re.compile(_ESCAPE_OR_BARE + rb"|[*$]")
is_plain_path = re.compile(r"/[!\"&-)+-~]*").fullmatch


def _form(found: re.Match[bytes]) -> bytes:
    return _FORMS[found[0]]


def as_octets(text: str) -> bytes:
    """The octets that a text stands for, undecodable ones as surrogate escapes. Never raises."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no octet: no door makes one, but a caller may
        return text.encode("utf-8", "surrogatepass")


def normalize_path(target: str) -> bytes:
    """The comparable octets of a path and query (RFC 9309 section 2.2.2).

    A fragment is dropped, an empty path means `/`, a missing leading slash is supplied.
    """
    if is_plain_path(target) is not None:
        return target.encode()
    path = target.partition("#")[0]
    return _IN_PATH.sub(_form, as_octets(path if path.startswith("/") else f"/{path}"))


# From this length on a piece is found by `re`, which searches a pure literal with an overlap table (Knuth, Morris,
# Pratt). `bytes.find` is faster on ordinary text but may compare the whole piece at every position: the product of
# both lengths, which a hostile pattern and path can bring about (the class of CVE-2026-55520).
_LONG_PIECE = 64


@lru_cache(maxsize=8192)  # holds every long piece that a file of 512,000 bytes has room for
def _finder(piece: bytes) -> re.Pattern[bytes]:
    return re.compile(re.escape(piece))


def end_of(piece: bytes, path: bytes, start: int) -> int:
    """Where the first `piece` at or after `start` ends in `path`, or -1. Time is linear in what is scanned."""
    if len(piece) < _LONG_PIECE:
        at = path.find(piece, start)
        return at if at < 0 else at + len(piece)
    if len(path) - start < len(piece):
        return -1
    found = _finder(piece).search(path, start)
    return -1 if found is None else found.end()


class PathPattern(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A path pattern: `*` is any octets, a final `$` is the end of the URL (RFC 9309 section 2.2.3).

    `written` is the text of the file, `octets` its normalized form. `pieces` are the literal parts between the
    wildcards in the form of `normalize_path`; an empty pattern has none and matches nothing.
    """

    written: str
    octets: bytes
    pieces: tuple[bytes, ...]
    anchored: bool

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """The pattern that `text` writes. Never raises; octets outside UTF-8 come as surrogate escapes."""
        if is_plain_path(text) is not None:  # as most patterns are: nothing to normalize, no wildcard
            plain = text.encode()
            return cls(written=text, octets=plain, pieces=(plain,), anchored=False)
        octets = _IN_PATTERN.sub(_form, as_octets(text))
        anchored = octets.endswith(b"$")
        first, *rest = octets[: len(octets) - anchored].replace(b"$", b"%24").split(b"*")
        pieces = (first, *filter(None, rest[:-1]), *rest[-1:]) if octets else ()
        return cls(written=text, octets=octets, pieces=pieces, anchored=anchored)

    @property
    def priority(self) -> int:
        """The octets of the pattern, wildcards included: the most specific match decides (section 2.2.2)."""
        return len(self.octets)

    @property
    def is_literal(self) -> bool:
        """Whether the pattern has no `*`."""
        return len(self.pieces) < 2

    @property
    def literal_prefix(self) -> bytes:
        """What every matching path begins with: all before the first `*`, without a final `$`."""
        return self.pieces[0] if self.pieces else b""

    def matches(self, path: bytes) -> bool:
        """Whether a normalized path matches: each piece at its leftmost place, so nothing is ever tried twice."""
        pieces = self.pieces
        if not pieces or not path.startswith(pieces[0]):
            return False
        at = len(pieces[0])
        if len(pieces) == 1:
            return not self.anchored or at == len(path)
        for piece in pieces[1:-1]:
            at = end_of(piece, path, at)
            if at < 0:
                return False
        last = pieces[-1]
        if self.anchored:
            return len(path) - len(last) >= at and path.endswith(last)
        return end_of(last, path, at) >= 0


class Fault(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something in the file that the standard does not know. Codes are permanent (docs/robots.md lists them).

    `line` counts from 1. `text` may quote the file: escape it before it reaches a terminal or a page.
    """

    line: int
    code: str
    text: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An Allow or Disallow line inside a group (RFC 9309 section 2.2.2). `text` is the line without its comment."""

    line: int
    allow: bool
    pattern: PathPattern
    text: str


class Group(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One or more user-agent lines and the rules that follow (section 2.1). `tokens` are as written, in order."""

    line: int
    tokens: tuple[str, ...]
    rules: tuple[Rule, ...]


class OtherRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line with a key of its own, such as Sitemap (section 2.2.4). It never interferes with the groups.

    `key` is lower-cased. `group` is the index of the group it stands in, None before the first. `tokens` counts the
    user-agent lines of that group that come before it: an extension that makes its record a rule, as AIPREF does,
    ends the list of user agents there.
    """

    line: int
    key: str
    value: str
    group: int | None
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsTxt:
    """A parsed file: groups in file order and not yet merged. `size` is the length received, in octets."""

    groups: tuple[Group, ...] = ()
    others: tuple[OtherRecord, ...] = ()
    faults: tuple[Fault, ...] = ()
    size: int = 0


EMPTY = RobotsTxt()
"""The file of a site that has none: nothing is disallowed."""
