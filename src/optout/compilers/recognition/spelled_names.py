"""The names of crawlers, spelled as regular expressions: what the expressions for PCRE and for RE2 have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from optout.compilers.patterns import quote
from optout.compilers.recognition.word_tries import Trie
from optout.crawlers.tokens import Match, Token

MOST = 3900
"""The longest expression, in octets: nginx takes no parameter of 4,096."""

SEPARATORS = r"\s;,()<>\"'\[\]{}|\\"
"""What ends an address in a user agent; the inside of a class."""

WRAPPING = r"[ \t\"']{0,2}"
"""What may stand around a user agent that is a name and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression that is found where a name is. Where `unless` is set, its being found too undoes that.

    For PCRE group 1 is the name as sent.
    """

    found: str
    unless: str = ""


_BLANK = "(?:[ +]|%20)"  # as logs and proxies damage it

# How a character of a name may be written, where not just as itself.
PCRE_UNITS = {" ": _BLANK, "-": r"(?:-|[\xE2\xEF]..)"}  # a typographic hyphen has three octets in UTF-8
RE2_UNITS = {" ": _BLANK, "-": "[\u2010-\u2015\u2212\ufe58\ufe63\uff0d-]"}
POSSIBLE_UNITS = {" ": _BLANK, "-": r"(?:-|[\x80-\xFF]+)"}


class Words:
    """Tokens as expressions, by how they stand; "" for a kind that none is of.

    `hosts` and `paths` are addresses, without and with a path. `bounded` end a word, `unbounded` need not; those that
    are `apart` hold what no mail address holds before its `@`.
    """

    __slots__ = ("apart_bounded", "apart_unbounded", "bounded", "hosts", "paths", "unbounded", "whole")

    def __init__(self, tokens: Iterable[Token], units: Mapping[str, str]) -> None:
        kinds: dict[str, list[Token]] = {}
        for token in tokens:
            kinds.setdefault(_kind(token), []).append(token)

        def of(kind: str) -> str:
            return written(kinds.get(kind, ()), units)

        self.hosts = of("hosts")
        self.paths = of("paths")
        self.whole = of("whole")
        self.bounded = of("bounded")
        self.unbounded = of("unbounded")
        self.apart_bounded = of("apart bounded")
        self.apart_unbounded = of("apart unbounded")


def _kind(token: Token) -> str:
    if token.match is Match.WHOLE:
        return "whole"
    if token.match is Match.URL:
        return "paths" if "/" in token.text else "hosts"
    ends_word = token.text[-1].isalnum() or token.text[-1] in "-_"
    bounded = "bounded" if ends_word and token.match is Match.WORD else "unbounded"
    return f"apart {bounded}" if any(char in " /(:;=" for char in token.text) else bounded


def is_plain(token: Token) -> bool:
    """Whether a token is a word in any case, of one piece, that nothing disclaims."""
    return _kind(token) == "bounded" and not token.exact_case and not token.unless


def written(tokens: Iterable[Token], units: Mapping[str, str]) -> str:
    """Tokens as one expression that ignores case, but for those that are told by it; "" for none."""
    listed = tuple(tokens)
    any_case = Trie(units_of(token.text.lower(), units) for token in listed if not token.exact_case)
    exact = Trie(units_of(token.text, units) for token in listed if token.exact_case)
    return either(f"(?-i:{exact.expression()})" if exact else "", any_case.expression() if any_case else "")


def units_of(text: str, units: Mapping[str, str]) -> list[str]:
    """A name, character by character, in the spelling of a dialect."""
    return [units.get(char) or quote(char.encode()) for char in text]


def folded(text: str) -> str:
    """Text as an expression, to be compared without case."""
    return quote(text.lower().encode())


def either(*ways: str) -> str:
    """Those of `ways` that are not "" as one expression; "" where all are."""
    some = [way for way in ways if way]
    return f"(?:{'|'.join(some)})" if len(some) > 1 else "".join(some)


def followed(expression: str, by: str) -> str:
    """An expression and what has to follow; "" where there is none."""
    return expression and expression + by


def alike(tokens: Iterable[Token]) -> tuple[tuple[Token, ...], ...]:
    """The tokens by what disclaims them."""
    found: dict[str, list[Token]] = {}
    for token in tokens:
        found.setdefault(token.unless, []).append(token)
    return tuple(map(tuple, found.values()))


def split(tokens: Sequence[Token], write: Callable[[Sequence[Token]], str], most: int) -> tuple[str, ...]:
    """The tokens written as few expressions, none longer than `most` unless a single name makes it so."""
    text = write(tokens)
    if len(text) <= most or len(tokens) < 2:
        return (text,)
    middle = len(tokens) // 2
    return (*split(tokens[:middle], write, most), *split(tokens[middle:], write, most))
