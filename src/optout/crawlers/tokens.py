"""Product tokens in a user agent: whole words, never substrings, found in one pass (RFC 9110 section 10.1.5).

A word that stands inside a URL or a mail address says nothing of the sender: `+https://example.org/why-we-block-GPTBot`
is a link, not a claim. The few addresses that are themselves an identity are tokens of their own kind. A word is
bounded by anything but letters, digits, hyphen and underscore, so `NotGPTBot`, `GPTBotChecker`, `not-GPTBot` and
`SLCC2` are other words. Versions are never looked at.

Cost: linear in the text, whatever it holds. One Aho-Corasick pass finds candidates; a person's user agent has none
and ends there. Only then are boundaries and addresses looked at.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import unquote

import ahocorasick


class Match(StrEnum):
    """How a token must stand in the user agent."""

    WORD = "word"
    """A word of its own."""
    PREFIX = "prefix"
    """A word that begins so: the customer's name follows."""
    WHOLE = "whole"
    """The whole user agent, because the word alone is too common."""
    URL = "url"
    """An address that begins so, where the sender has no other name. Written without scheme and `www.`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What to look for. An edge that is no letter, digit, hyphen or underscore needs no boundary: `Devin/`.

    `exact_case` compares letters as written: `YaK/` is a crawler, `YAK/` a phone. `unless` is text that disclaims
    the token wherever it stands in the same user agent, compared without case.
    """

    text: str
    match: Match = Match.WORD
    exact_case: bool = False
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One token in one user agent. `index` counts the finder's tokens from 0; `text` is what the sender wrote."""

    index: int
    start: int
    end: int
    text: str


class Finder:
    """Many tokens at once. Immutable once made."""

    __slots__ = ("_apart", "_automaton", "_disclaimers", "_longest_whole", "_tokens", "_whole")

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = tuple(tokens)
        self._whole = {_fold(each.text): at for at, each in enumerate(self._tokens) if each.match is Match.WHOLE}
        self._longest_whole = max(map(len, self._whole), default=0) + 2  # a quote on either side
        self._disclaimers = tuple((at, _fold(each.unless)) for at, each in enumerate(self._tokens) if each.unless)
        self._automaton = _automaton(self._tokens)
        self._apart = frozenset(range(len(self._tokens))) - self._overlapping()

    @property
    def tokens(self) -> tuple[Token, ...]:
        """What is looked for, by index."""
        return self._tokens

    def find(self, user_agent: str) -> Sequence[Found]:
        """Every token that `user_agent` claims, in the order of the text. Never raises."""
        if " " not in user_agent and "%20" in user_agent:  # percent-encoded on its way through somebody's log
            user_agent = unquote(user_agent)
        text = _fold(user_agent)
        if len(text) <= self._longest_whole and (whole := self._as_a_whole(user_agent, text)):
            return whole
        hits = list(self._automaton.iter(text))
        return self._outermost(self._confirmed(user_agent, text, hits)) if hits else ()

    def _as_a_whole(self, user_agent: str, text: str) -> Sequence[Found]:
        index = self._whole.get(text.strip(_WRAPPING))
        if index is None:
            return ()
        sent = user_agent.strip(_WRAPPING)
        if self._tokens[index].exact_case and sent != self._tokens[index].text:
            return ()
        return (Found(index, 0, len(user_agent), sent),)

    def _confirmed(self, user_agent: str, text: str, hits: list[tuple[int, _Candidates]]) -> Iterator[Found]:
        addresses = _Addresses(text)
        settled = {index for index, word in self._disclaimers if word in text}
        for last, candidates in hits:
            for index, written in candidates:
                if index in settled:
                    continue
                token = self._tokens[index]
                start, end = last + 1 - len(written), last + 1
                if token.exact_case and user_agent[start:end] != written:
                    continue
                if _stands(token, text, start, end, addresses):
                    if index in self._apart:  # saying it a thousand times more adds nothing
                        settled.add(index)
                    yield Found(index, start, end, user_agent[start:end])

    def _overlapping(self) -> frozenset[int]:
        """The tokens that are part of another, and those others: where one stands may decide about the next."""
        return frozenset(
            either
            for place, token in enumerate(self._tokens)
            for _, candidates in self._automaton.iter(_fold(token.text))
            for index, _ in candidates
            if index != place
            for either in (index, place)
        )

    def _outermost(self, found: Iterable[Found]) -> Sequence[Found]:
        """Without those that lie inside a longer one. Of two at one place the exact spelling is the better claim."""

        def rank(each: Found) -> tuple[int, int, bool]:
            return each.start, -each.end, not self._tokens[each.index].exact_case

        kept: list[Found] = []
        for each in sorted(found, key=rank):
            if not kept or each.end > kept[-1].end:
                kept.append(each)
        return kept


_Candidates = tuple[tuple[int, str], ...]
"""What an automaton's key stands for: tokens by index, each with its spelling."""

_WRAPPING = " \t\"'"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
# Same length in and out, so that a place in the folded text is a place in the text as sent. Typographic hyphens
# come from web pages: one was copied into real robots.txt files and user agents in 2025 (crawlers.md part 2).
_FOLDING: dict[int, int | str] = {
    **{code: code + 32 for code in range(ord("A"), ord("Z") + 1)},
    **dict.fromkeys(map(ord, _HYPHENS), "-"),
}


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_FOLDING)


# Access logs of some servers write a blank as "+" or "%20".
_BLANKS = (" ", "+", "%20")


def _automaton(tokens: Sequence[Token]) -> ahocorasick.Automaton:
    keys: dict[str, list[tuple[int, str]]] = {"\0": []}  # an automaton without any key refuses to search
    for index, token in enumerate(tokens):
        if token.match is Match.WHOLE:
            continue
        for written in {token.text.replace(" ", blank) for blank in _BLANKS}:
            keys.setdefault(_fold(written), []).append((index, written))
    automaton = ahocorasick.Automaton()
    for key, candidates in keys.items():
        automaton.add_word(key, tuple(candidates))
    automaton.make_automaton()
    return automaton


def _stands(token: Token, text: str, start: int, end: int, addresses: _Addresses) -> bool:
    if token.match is Match.URL:
        return addresses.begin_at(start) and _ends_name(text, end)
    if not _starts_word(text, start) or addresses.hold(start):
        return False
    return token.match is Match.PREFIX or _ends_word(text, end)


def _is_word(char: str) -> bool:
    return char.isalnum() or char in "-_"


def _starts_word(text: str, start: int) -> bool:
    if start == 0 or not _is_word(text[start]):
        return True
    before = text[start - 1]
    if before == ".":  # a dot inside a name (com.example.GPTBot) binds; one that ends a sentence does not
        return not (start > 1 and _is_word(text[start - 2]))
    return not _is_word(before) or (start > 2 and _ESCAPE.match(text, start - 3) is not None)


_ESCAPE = re.compile(r"%[0-9a-f]{2}")


def _ends_word(text: str, end: int) -> bool:
    if end == len(text) or not _is_word(text[end - 1]):
        return True
    if text[end] == ".":
        return not text[end + 1 : end + 2].isalpha()
    return not _is_word(text[end])


def _ends_name(text: str, end: int) -> bool:
    return end == len(text) or not (_is_word(text[end]) or text[end] == ".")


# What may stand in a URL or a mail address; the rest ends one in user agents as they are written.
_CHUNK = re.compile(r"[^\s;,()<>\"'\[\]{}|\\]+")
_SCHEME = re.compile(r"[a-z]{2,12}(?::|%3a)(?://|%2f%2f)|mailto:")
_HOST = re.compile(r"\+*(?:www\.)?(?=([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}))")


class _Address(NamedTuple):
    """A run of characters with an address in it: from `start` to `end` words count for nothing.

    `begin` is where the run begins. `host` is where the host's name does, without `www.`; -1 for mail.
    """

    begin: int
    start: int
    end: int
    host: int


class _Addresses:
    """The URLs and mail addresses of one user agent, read as far as the questions go."""

    __slots__ = ("_chunks", "_found", "_read_to")

    def __init__(self, text: str) -> None:
        self._chunks = _CHUNK.finditer(text)
        self._found: list[_Address] = []
        self._read_to = 0

    def hold(self, place: int) -> bool:
        """Whether `place` lies inside an address, where a word names somebody else."""
        address = self._around(place)
        return address is not None and address.start <= place

    def begin_at(self, place: int) -> bool:
        """Whether an address's host name begins at `place`."""
        address = self._around(place)
        return address is not None and address.host == place

    def _around(self, place: int) -> _Address | None:
        while self._read_to <= place:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._read_to = chunk.end()
            address = _address(chunk)
            if address is not None:
                self._found.append(address)
        at = bisect_right(self._found, place, key=itemgetter(0)) - 1
        return self._found[at] if at >= 0 and place < self._found[at].end else None


def _address(chunk: re.Match[str]) -> _Address | None:
    """The address in a run of characters that may be one; None where it holds none."""
    text, start, end = chunk.group(), chunk.start(), chunk.end()
    scheme = _SCHEME.search(text)
    if scheme is not None and scheme.group() != "mailto:":
        host = scheme.end() + (4 if text.startswith("www.", scheme.end()) else 0)
        return _Address(start, start + scheme.start(), end, start + host)
    if "@" in text:
        local = text[: text.index("@")]
        return _Address(start, start + 1 + max(local.rfind(mark) for mark in ":/="), end, -1)
    bare = _HOST.match(text)
    if bare is None:
        return None
    name_end = bare.end(1)
    path = min((at for at in map(text.find, "/?#") if at >= 0), default=len(text))
    if name_end < path and text[name_end] != ":":
        return None
    return _Address(start, start + path, end, start + bare.end())
