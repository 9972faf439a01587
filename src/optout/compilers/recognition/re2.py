"""The expressions for Go's RE2 (Caddy) by which a user agent names a crawler.

RE2 cannot look back, so a name may be preceded in its run of characters only by what begins no address. Names of
other crawlers around these (`Group.within`) are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from optout.compilers.recognition import Group
from optout.compilers.recognition.spelled_names import (
    RE2_UNITS,
    SEPARATORS,
    WRAPPING,
    Expression,
    Words,
    alike,
    either,
    folded,
    followed,
)
from optout.crawlers.tokens import Token

_WORD = r"A-Za-z0-9_\-"
# What may stand before a name in the same run of characters: nothing that makes an address of the run, and last of
# all something that ends no word.
_BEFORE = (
    rf"(?:(?:[^{SEPARATORS}.:@%]|\.+[^{SEPARATORS}.:@%a-z]|:[^{SEPARATORS}/.:@%]|%[^{SEPARATORS}3]|%3[^{SEPARATORS}a])*"
    rf"(?:[^{SEPARATORS}{_WORD}.@]|%[0-9a-f][0-9a-f]))?"
)
_NO_MAIL = rf"[^{SEPARATORS}@:/=]*(?:$|[{SEPARATORS}:/=])"  # no mail address
_STOP_NO_MAIL = (
    rf"(?:$|[{SEPARATORS}:/=]|[^{SEPARATORS}{_WORD}@:/=.]{_NO_MAIL}"
    rf"|\.(?:$|[{SEPARATORS}:/=]|[^{SEPARATORS}@:/=a-z]{_NO_MAIL}))"
)
_STOP = rf"(?:$|[^{_WORD}.]|\.(?:$|[^a-z]))"
_NAME_END = r"(?:$|[^A-Za-z0-9_.-])"
_SCHEME = r"[a-z][a-z](?::|%3a)(?://|%2f%2f)"


def re2(group: Group, *, capture: bool = False) -> tuple[Expression, ...]:
    """The expressions for Go's RE2, of which one is found where the user agent names a crawler of the group.

    With `capture` each has several groups, of which the one that took part holds the name.
    """
    return tuple(
        Expression(
            found=_re2(tokens, "(" if capture else "(?:"),
            unless=f"(?i){folded(tokens[0].unless)}" if tokens[0].unless else "",
        )
        for tokens in alike(token for token, _ in group.spellings)
    )


def _re2(tokens: Sequence[Token], opening: str) -> str:
    words = Words(tokens, RE2_UNITS)

    def group(names: str) -> str:
        return f"{opening}{names})" if names else ""

    named = either(
        followed(group(words.bounded), _STOP_NO_MAIL),
        followed(group(words.unbounded), _NO_MAIL),
        followed(group(words.apart_bounded), _STOP),
        group(words.apart_unbounded),
    )
    urls = group(either(words.hosts, words.paths))
    bare = either(followed(group(words.hosts), rf"(?:$|[{SEPARATORS}:/?#])"), followed(group(words.paths), _NAME_END))
    ways = [
        f"(?:^|[{SEPARATORS}]){_BEFORE}{named}" if named else "",
        f"{_SCHEME}(?:www\\.)?{urls}{_NAME_END}" if urls else "",
        f"(?:^|[{SEPARATORS}])\\+*(?:www\\.)?{bare}" if bare else "",
        f"^{WRAPPING}{opening}{words.whole}){WRAPPING}$" if words.whole else "",
    ]
    return f"(?i)(?:{'|'.join(filter(None, ways))})"
