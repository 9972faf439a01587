"""The expressions for PCRE and PCRE2 (nginx, HAProxy, Apache) by which a user agent names a crawler.

An address is passed over by `(*SKIP)(*F)`: the search goes on behind it, as if nothing stood there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optout.compilers.recognition import Group
from optout.compilers.recognition.spelled_names import (
    MOST,
    PCRE_UNITS,
    SEPARATORS,
    WRAPPING,
    Expression,
    Words,
    alike,
    either,
    folded,
    followed,
    is_plain,
    split,
)
from optout.crawlers.tokens import Token

_WORD = r"A-Za-z0-9_\x80-\xFF-"
_SCHEME = r"(?<=[a-z][a-z])(?::|%3a)(?://|%2f%2f)"
_SKIP = "(*SKIP)(*F)"
# Behind a letter, digit, hyphen or underscore begins no word, and behind the dot in a name neither; but behind an
# escape that ends in a digit one does.
_START = rf"(?:(?<![.{_WORD}])|(?<=%[0-9a-f][0-9a-f])|(?<=\.)(?<![{_WORD}]\.))"
_STOP = rf"(?![{_WORD}]|\.[a-z])"
_NO_MAIL = rf"(?![^{SEPARATORS}:/=@]*@)"
# Where a run of characters begins that may be an address.
_CHUNK = rf"(?:(?<![^{SEPARATORS}])|(?<=\+)(?<![^{SEPARATORS}+]\+))"
# Possessive, here and below: what PCRE need not go back to costs no stack, and nginx's is small.
_HOST = r"(?:www\.)?(?:[a-z0-9-]++\.)++[a-z]{2,}+(?=[:/?#])"
_BARE = rf"{_CHUNK}{_HOST}(?::[^{SEPARATORS}/?#]*+)?[/?#][^{SEPARATORS}]*+"
_NAME_END = r"(?![A-Za-z0-9_.-])"
_HOST_END = rf"(?![^{SEPARATORS}:/?#])"
_NO_MAIL_AT_ALL = rf"(?![^{SEPARATORS}@]*@)"


def pcre(group: Group, *, capture: str = "", most: int = MOST) -> tuple[Expression, ...]:
    """The expressions for PCRE, of which one is found where the user agent names a crawler of the group.

    `capture` names group 1. Two expressions instead of one are made where one would be longer than `most`.
    """
    opening = f"(?<{capture}>" if capture else "("

    def write(tokens: Sequence[Token]) -> str:
        return _pcre(tokens, group.within, opening)

    return tuple(
        Expression(found=text)
        for tokens in alike(token for token, _ in group.spellings)
        for text in split(tokens, write, most)
    )


_USUAL_START = r"^(?:Mozilla/5\.0 )?(?:AppleWebKit/[0-9.]+ \(KHTML, like Gecko\)?; ?)?\(?(?:compatible; ?)?"
_USUAL_ADDRESS = rf"\(?\+?(?:https?://[^{SEPARATORS}@]*|[a-z0-9.-]+@[a-z0-9.-]+)"
_USUAL_END = rf"(?:/[0-9][0-9.]*)?(?:(?:; ?| ){_USUAL_ADDRESS})?\)?(?: Chrome/[0-9.]+ Safari/[0-9.]+)?$"


def usual(groups: Iterable[Group], *, capture: str = "", most: int = MOST) -> tuple[Expression, ...]:
    """Expressions for user agents as most crawlers write them, with one name of the groups and room for no other.

    They are found at a tenth of the price of those of `pcre`, which find the same name there.
    """
    opening = f"(?<{capture}>" if capture else "("

    def write(some: Sequence[Token]) -> str:
        return f"(?i){_USUAL_START}{opening}{Words(some, PCRE_UNITS).bounded}){_USUAL_END}"

    plain = [
        token
        for group in groups
        for token, _ in group.spellings
        if is_plain(token) and not any(token.text.lower() in longer.text.lower() for longer in group.within)
    ]
    return tuple(Expression(found=text) for text in split(plain, write, most)) if plain else ()


def _pcre(tokens: Sequence[Token], within: Sequence[Token], opening: str) -> str:
    longer = Words(within, PCRE_UNITS)
    others = either(longer.bounded, longer.apart_bounded)
    skipped = [f"{_SCHEME}[^{SEPARATORS}]*+", f"@[^{SEPARATORS}]*+", f"{_START}{others}{_STOP}" if others else ""]
    scheme, *rest = _ways(tokens, opening)
    unless = tokens[0].unless
    if unless:  # the one question about the whole text, so that the text is walked from its beginning
        walk = "|".join(filter(None, [*skipped, _BARE, "."]))
        here = "|".join(filter(None, _ways(tokens, "(?:")))
        named = "|".join(filter(None, [scheme, *rest]))
        return f"(?i)^(?!.*{folded(unless)})(?:(?!{here})(?>{walk}))*+(?|{named})"
    ways = [scheme, *(f"{each}{_SKIP}" for each in skipped if each), *rest, f"{_BARE}{_SKIP}"]
    return f"(?i)(?|{'|'.join(filter(None, ways))})"


def _ways(tokens: Sequence[Token], opening: str) -> list[str]:
    """How a name may stand: as an address with a scheme, as a word, as a bare address, alone; "" for what none does."""
    words = Words(tokens, PCRE_UNITS)
    named = either(
        followed(words.bounded, _STOP + _NO_MAIL),
        followed(words.unbounded, _NO_MAIL),
        followed(words.apart_bounded, _STOP),
        words.apart_unbounded,
    )
    urls = either(followed(words.hosts, _HOST_END), followed(words.paths, _NAME_END))
    return [
        f"{_SCHEME}(?:www\\.)?{opening}{either(words.hosts, words.paths)}){_NAME_END}" if urls else "",
        f"{_START}{opening}{named})" if named else "",
        f"{_CHUNK}(?:www\\.)?{opening}{urls}){_NO_MAIL_AT_ALL}" if urls else "",
        f"^{WRAPPING}{opening}{words.whole}){WRAPPING}$" if words.whole else "",
    ]
