"""Path patterns as regular expressions on a request target as it was received: path and query, nothing decoded.

A front end keeps the target as sent, and RFC 9309 compares octets in a form of their own (`robots.model`): hex digits
of an escape in either case, and `*`, `$` and octets that are no printable ASCII alike whether escaped or bare. So
each literal is written as all that compares equal to it, but for needless escapes (`%61`): a target that holds one is
ambiguous here, and `CrawlerClass.ambiguous` answers it.

Rule: patterns come from strangers, so each expression takes linear time. For every piece between wildcards its
leftmost place suffices; PCRE is told so by atomic groups, RE2 needs no telling. Every expression is printable ASCII
and starts with `^`. None has a flag or knows UTF-8.

Where a `*` cuts an escape in two (`/a%*`), or a target's query holds a broken escape, a pattern may match less or more
than `PathPattern.matches` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from optout.messages import octets
from optout.policy.always_open import ACME_PREFIX, ALWAYS_OPEN_PATHS
from optout.robots.model import PathPattern

_NEEDLESS = r"%(?:2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])"
_BROKEN = r"%(?:[^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)"

MALFORMED = rf"^[^?]*(?:[\x00\\]|%00|%5[cC]|{_BROKEN})"
"""A target that `targets.is_malformed`, for PCRE and RE2."""

_SEGMENT = r"/(?:/|\.\.?(?:[/?]|$))|[;\\]"  # an empty one, a dot segment, one with parameters
_DELIMITER = r"%2[eEfF]|%3[bB]|%5[cC]|%25[0-9A-Fa-f]{2}"

AMBIGUOUS = rf"^(?:[^?]*(?:{_SEGMENT}|{_DELIMITER})|.*(?:#|{_NEEDLESS}))"
"""A target that can be read in several ways (`targets.readings`) or has a needless escape, for PCRE and RE2."""

_FIXED = "|".join(re.escape(path) for path in sorted(ALWAYS_OPEN_PATHS))

ALWAYS_OPEN = rf"^(?:{_FIXED}|{re.escape(ACME_PREFIX)}[A-Za-z0-9_-]+)(?:\?.*)?$"
"""A target that answers everybody at every site, for PCRE and RE2."""

_NAME = "[A-Za-z0-9_~+,:=@-][A-Za-z0-9_.~+,:=@-]*+"  # a segment that begins with no dot


def ordinary(open_targets: Iterable[str]) -> str:
    """The expression for a target as most are, for PCRE: one that none of those above finds, nor `open_targets`.

    What it does not find may be ordinary all the same, and is looked at by the others.
    """
    opened = "|".join([_FIXED, *sorted(quote(octets(target)) for target in open_targets)])
    return rf"^(?!(?:{opened})(?:\?|$))(?:/{_NAME})*+/?(?:\?[^#%]*+)?$"


def pcre(pattern: PathPattern) -> str:
    """The expression for PCRE and PCRE2: nginx, HAProxy, Apache."""
    if not pattern.pieces:
        return "^(?!)"
    first, *rest = pattern.pieces
    text = f"^{_literal(first, _PCRE_BARE)}"
    if not rest:
        return text + ("$" if pattern.anchored else "")
    *between, last = rest
    text += "".join(f"(?>.*?{_start(piece)})" for piece in between)
    if not pattern.anchored:
        return text + (f".*?{_start(last)}" if last else "")
    if not last:
        return text
    if b"%" in last or _HEX_FIRST.match(last):
        return f"{text}.*{_start(last)}$"
    return f"{text}.{{{len(last)},}}+(?<={_literal(last, _PCRE_BARE)})$"


def re2(pattern: PathPattern) -> str:
    """The expression for Go's RE2: Caddy, which escapes what is no ASCII before an expression sees it.

    A piece that begins with hex digits may also match the digits of an escape as they are written.
    """
    if not pattern.pieces:
        return r"^[^\x00-\x{10FFFF}]"
    text = ".*?".join(_literal(piece, _RE2_BARE) for piece in pattern.pieces)
    return f"^{text}{'$' if pattern.anchored else ''}"


def exactly(targets: Iterable[str]) -> str:
    """The expression that matches one of `targets` as written, for PCRE; "" where there are none."""
    written = "|".join(sorted(quote(octets(target)) for target in targets))
    return f"^(?:{written})$" if written else ""


def quote(literal: bytes) -> str:
    """Octets as they stand, in the spelling of PCRE and, for ASCII, of RE2."""
    return "".join(_quoted(octet) for octet in literal)


def _quoted(octet: int) -> str:
    char = chr(octet)
    if char.isascii() and (char.isalnum() or char in "/-_~%&=:,;@!'\"<> #`"):
        return char
    return f"\\{char}" if "!" <= char <= "~" else f"\\x{octet:02X}"


_UNIT = re.compile(rb"%[0-9A-F]{2}|%[0-9A-F]?\Z|.", re.DOTALL)
_PCRE_BARE = frozenset({*b"*$", *range(0x21), *range(0x7F, 0x100)})  # what compares like its escape
_RE2_BARE = frozenset(b"*$")


def _literal(piece: bytes, bare: frozenset[int]) -> str:
    return "".join(_unit(found[0], bare) for found in _UNIT.finditer(piece))


def _unit(written: bytes, bare: frozenset[int]) -> str:
    """One octet of a piece, or one escape, or the beginning of an escape that a `*` has cut."""
    if written[:1] != b"%":
        return quote(written)
    if len(written) == 1:
        return f"(?:%|{_class(bare)})"
    high = written[1:].decode()
    if len(written) == 2:
        return f"(?:%{_digit(high)}|{_class(octet for octet in bare if f'{octet:02X}'[0] == high)})"
    escape = f"%{_digit(high[0])}{_digit(high[1])}"
    octet = int(high, 16)
    return f"(?:{escape}|{quote(bytes([octet]))})" if octet in bare else escape


def _digit(hexadecimal: str) -> str:
    """A hex digit in either case."""
    return f"[{hexadecimal}{hexadecimal.lower()}]" if hexadecimal.isalpha() else hexadecimal


def _class(members: Iterable[int]) -> str:
    """A class of octets; one that matches nothing where there are none."""
    return "[" + ("".join(f"\\x{octet:02X}" for octet in sorted(members)) or r"^\x00-\xFF") + "]"


_HEX_FIRST = re.compile(rb"[0-9A-Fa-f]{1,2}")
_DIGITS = "0123456789ABCDEF"
_INSIDE, _HIGH_BEFORE = "(?<=%)", "(?<=%[0-9A-Fa-f])"
_OUTSIDE = "(?<!%)(?<!%[0-9A-Fa-f])"


def _start(piece: bytes) -> str:
    """A piece behind a `*`. One that begins with hex digits may begin inside an escape, where they have no case."""
    found = _HEX_FIRST.match(piece)
    if found is None:
        return _literal(piece, _PCRE_BARE)
    first, second = chr(piece[0]), found[0][1:].decode()
    ways = [f"{_OUTSIDE}{first}{second}"]
    if first in _DIGITS:
        low = _class(octet for octet in _PCRE_BARE if f"{octet:02X}"[1] == first)
        ways += [f"{_HIGH_BEFORE}{_digit(first)}{second}", f"{low}{second}"]
        if second in _DIGITS and (second or len(piece) == 1):
            high = _class(octet for octet in _PCRE_BARE if f"{octet:02X}".startswith(first + second))
            ways += [f"{_INSIDE}{_digit(first)}{_digit(second)}", high]
    return f"(?:{'|'.join(ways)}){_literal(piece[found.end() :], _PCRE_BARE)}"
