"""What RSL's licenses say of one URL, as statements about uses (RSL 1.0, evaluation of contents and licenses).

The most specific content counts: the longest pattern, all contents of that length. A use is licensed if one license
permits it; inside a license `prohibits` beats `permits`, and a list of permitted usages is closed. What is permitted
for payment, with a token, against a report, or to some users or countries is disallowed to whoever holds no license:
none of that can be seen in a request. `legal` and `terms` are for people to read and are not weighed.

A license without a list of usages is about all of them: what it demands it demands for each. That it permits them all
is nowhere said in the excerpts, so it permits none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from optout.robots.matcher import PatternIndex
from optout.robots.model import normalize_path
from optout.signals.preference import Preference, Statement, Usage, excerpt
from optout.signals.rsl_model import AI_ALL, Rsl, RslContent, RslLicense, RslTokens


@dataclass(frozen=True, slots=True)
class _Tokens:
    """The tokens that permit a use, that prohibit it, and that are about a part of it and so decide nothing."""

    permit: frozenset[str]
    prohibit: frozenset[str]
    part: frozenset[str] = frozenset()


def _ai(token: str) -> _Tokens:
    named = frozenset({token, "ai-all", "all"})
    return _Tokens(named, named)


_SEARCH = frozenset({"search", "all"})
# Mining is more than AI: who permits all AI has not permitted all mining, who prohibits it has left little of it.
_TOKENS = {
    Usage.TRAIN: _ai("ai-train"),
    Usage.INPUT: _ai("ai-input"),
    Usage.INDEX: _ai("ai-index"),
    Usage.SEARCH: _Tokens(_SEARCH, _SEARCH),
    Usage.MINE: _Tokens(frozenset({"all"}), frozenset({"all", "ai-all"}), frozenset({"ai-all", *AI_ALL})),
}


class _Answer(IntEnum):
    """What a license says of a use; of several licenses the first of these stands."""

    PERMITTED = 0
    ON_CONDITIONS = 1
    PROHIBITED = 2
    NOT_LISTED = 3
    SILENT = 4


_PREFERENCES = {
    _Answer.PERMITTED: Preference.ALLOWED,
    _Answer.ON_CONDITIONS: Preference.DISALLOWED,
    _Answer.PROHIBITED: Preference.DISALLOWED,
    _Answer.NOT_LISTED: Preference.DISALLOWED,
}


class RslMatcher:
    """The contents of one RSL document, found by path."""

    __slots__ = ("_contents", "_index", "_is_sound")

    def __init__(self, rsl: Rsl) -> None:
        self._contents = tuple(content for content in rsl.contents if content.licenses)
        self._index = PatternIndex([content.pattern for content in self._contents])
        self._is_sound = rsl.is_sound

    def match(self, target: str, authority: str = "") -> tuple[RslContent, ...]:
        """The contents that count for a path and query, in file order.

        A content with an absolute URL is about that site alone, where `authority` says which one is asked about.
        """
        found = [self._contents[number] for number in self._index.matching(normalize_path(target))]
        found = [each for each in found if not each.authority or not authority or each.authority == authority]
        longest = max((each.pattern.priority for each in found), default=0)
        return tuple(each for each in found if each.pattern.priority == longest)

    def statements(self, target: str, authority: str, source: str) -> tuple[Statement, ...]:
        """What is said of a path and query to whoever holds no license; to be combined. `source` is how it is cited.

        Of a document that is not sound what it permits is left out.
        """
        said = (each for content in self.match(target, authority) for each in content_statements(content, source))
        return tuple(each for each in said if self._is_sound or each.preference is Preference.DISALLOWED)


def content_statements(content: RslContent, source: str) -> Iterator[Statement]:
    """What the licenses of one content say together, a use at a time."""
    for usage, tokens in _TOKENS.items():
        answer, line, text = min(_answer(license_, content, tokens) for license_ in content.licenses)
        if answer in _PREFERENCES:
            preference = _PREFERENCES[answer]
            yield Statement(usage=usage, preference=preference, source=source, line=line, text=excerpt(text))


def demands(license_: RslLicense, content: RslContent) -> tuple[str, ...]:
    """What a license demands of everybody who wants to use the content, in words; empty if nothing."""
    payment = license_.payment
    found = [f"payment: {payment.type}"] if payment is not None and payment.type != "free" else []
    found += ["a token of the license server"] if content.needs_token else []
    return (*found, *(f"reports: {each.type}" for each in license_.reporting))


def limits(license_: RslLicense) -> tuple[str, ...]:
    """To whom and where a license is limited, in words."""
    lists = (("only", license_.permits), ("not", license_.prohibits))
    return tuple(
        f"{each.type} {verb}: {' '.join(each.tokens)}" for verb, own in lists for each in own if each.type != "usage"
    )


def _answer(license_: RslLicense, content: RslContent, tokens: _Tokens) -> tuple[_Answer, int, str]:
    """What one license says, on which line, and in which words."""
    permits, bans = _usages(license_.permits), _usages(license_.prohibits)
    for ban in bans:
        if not tokens.prohibit.isdisjoint(ban.tokens):
            return _Answer.PROHIBITED, ban.line, f"prohibits {' '.join(ban.tokens)}"
    demanded = demands(license_, content)
    if not permits:
        answer = _Answer.ON_CONDITIONS if demanded else _Answer.SILENT
        return answer, license_.line, f"a license on conditions ({'; '.join(demanded)})"
    return _listed(permits, bans, (*demanded, *limits(license_)), tokens)


def _listed(
    permits: list[RslTokens], bans: list[RslTokens], conditions: tuple[str, ...], tokens: _Tokens
) -> tuple[_Answer, int, str]:
    line, named = permits[0].line, " ".join(permits[0].tokens)
    if all(not tokens.permit.isdisjoint(each.tokens) for each in permits):
        if any(not tokens.part.isdisjoint(ban.tokens) for ban in bans):
            return _Answer.SILENT, line, ""
        if conditions:
            return _Answer.ON_CONDITIONS, line, f"permits {named} on conditions ({'; '.join(conditions)})"
        return _Answer.PERMITTED, line, f"permits {named}"
    if any(not tokens.part.isdisjoint(each.tokens) for each in permits):
        return _Answer.SILENT, line, ""
    return _Answer.NOT_LISTED, line, f"permits only {named or 'nothing'}"


def _usages(lists: tuple[RslTokens, ...]) -> list[RslTokens]:
    return [each for each in lists if each.type == "usage"]
