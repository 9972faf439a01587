"""Who is looked for in a request, and in which order, for front ends that keep it as regular expressions.

`crawlers.tokens` finds words in one pass and asks about boundaries and addresses afterwards. Here the same rules stand
in one expression (`pcre`, `re2`), in which many spellings share their beginnings, so that a
visitor's user agent is read once and not once for each crawler. Spellings come in groups, the most restricted purpose
first: the first group that is found governs.

Other than for `Finder` come out only texts that no crawler sends: a user agent that is percent-encoded from end to
end, octets beyond ASCII beside a name, a name in the place of an address's scheme or port, two addresses in one word.
`possible` is wider than all of that, for routing. Every expression ignores case by itself and knows no UTF-8.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from optout.compilers.recognition.spelled_names import (
    MOST,
    PCRE_UNITS,
    POSSIBLE_UNITS,
    WRAPPING,
    split,
    units_of,
    written,
)
from optout.compilers.recognition.word_tries import Trie
from optout.crawlers.model import Crawler
from optout.crawlers.registry import Registry, rank
from optout.crawlers.tokens import Finder, Match, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Crawlers of one rank: their spellings in a user agent, and the hosts in a `Signature-Agent`.

    `within` are longer names of others: inside them these spellings count for nothing.
    """

    spellings: tuple[tuple[Token, Crawler], ...]
    signers: tuple[tuple[str, Crawler], ...]
    within: tuple[Token, ...] = ()


def groups(registry: Registry, crawlers: Collection[Crawler]) -> tuple[Group, ...]:
    """`crawlers` by purpose, the most restricted first: of several groups that are found the first governs."""
    wanted = {id(crawler) for crawler in crawlers}
    spellings: dict[int, list[tuple[Token, Crawler]]] = {}
    signers: dict[int, list[tuple[str, Crawler]]] = {}
    for token, crawler in registry.spellings:
        if id(crawler) in wanted:
            spellings.setdefault(rank(crawler), []).append((token, crawler))
    for host, crawler in registry.signers.items():
        if id(crawler) in wanted:
            signers.setdefault(rank(crawler), []).append((host, crawler))
    ranks = sorted({*spellings, *signers})
    return tuple(_group(registry, spellings.get(each, []), signers.get(each, [])) for each in ranks)


def by_crawler(registry: Registry, crawlers: Collection[Crawler]) -> tuple[tuple[Crawler, Group], ...]:
    """Each crawler with a group of its own, in the same order: for a front end that tries one after the other."""
    found: list[tuple[Crawler, Group]] = []
    for group in groups(registry, crawlers):
        named = [crawler for _, crawler in (*group.spellings, *group.signers)]
        for crawler in {id(crawler): crawler for crawler in named}.values():
            spellings = [pair for pair in group.spellings if pair[1] is crawler]
            signers = [pair for pair in group.signers if pair[1] is crawler]
            found.append((crawler, _group(registry, spellings, signers)))
    return tuple(found)


def _group(registry: Registry, spellings: list[tuple[Token, Crawler]], signers: list[tuple[str, Crawler]]) -> Group:
    ours = {id(token) for token, _ in spellings}
    finder = Finder(token for token, _ in spellings if token.match is Match.WORD and not token.exact_case)
    others = (token for token, _ in registry.spellings if id(token) not in ours and token.match is Match.WORD)
    within = tuple(token for token in others if finder.find(token.text))
    return Group(spellings=tuple(spellings), signers=tuple(signers), within=within)


_HOST_SEP = r"\s\"',;=<>()"


def signers(group: Group, *, capture: str = "") -> str:
    """The expression for a `Signature-Agent` that names a signer of the group, its host in group 1; "" for none.

    It is the same for PCRE and RE2, but for a `capture` with a name.
    """
    hosts = Trie(units_of(host, {}) for host, _ in group.signers)
    if not hosts:
        return ""
    opening = f"(?<{capture}>" if capture else "("
    return (
        rf"(?i)(?:^|[{_HOST_SEP}])(?:https://)?(?:http://)?(?:[^{_HOST_SEP}/?#]*@)?"
        rf"{opening}{hosts.expression()})\.*(?::[^{_HOST_SEP}/?#]*)?(?:$|[{_HOST_SEP}/?#])"
    )


def possible(registry: Registry, *, most: int = MOST) -> tuple[str, ...]:
    """Expressions for PCRE, of which one is found in the user agent of every crawler that is known.

    They may be found in others', too: boundaries at the end, addresses and letters' case are not looked at.
    """
    tokens = [token for token, _ in registry.spellings]
    whole = (token for token in tokens if token.match is Match.WHOLE)
    once = rf"(?i)^(?:{WRAPPING}{written(whole, PCRE_UNITS)}{WRAPPING}$|[^ ]*%20[^ ]*$)"
    return (once, *_begun([token for token in tokens if token.match is not Match.WHOLE], most))


def glances(found: Iterable[Group], *, most: int = MOST) -> tuple[str, ...]:
    """Expressions for PCRE, one of them found wherever one of `pcre` is: wider, and many times cheaper."""
    return _begun([token for group in found for token, _ in group.spellings], most)


def _begun(tokens: Iterable[Token], most: int) -> tuple[str, ...]:
    """Words that begin like a name."""

    def write(some: Sequence[Token]) -> str:
        words = Trie(units_of(token.text.lower(), POSSIBLE_UNITS) for token in some)
        return rf"(?i)(?:(?<![A-Za-z0-9_-])|(?<=%[0-9a-f][0-9a-f])){words.expression()}"

    ordered = sorted(tokens, key=lambda token: token.text.lower())
    return split(ordered, write, most) if ordered else ()


_PLATFORMS = (
    "Windows NT [0-9.]+; Win64; x64",
    "Windows NT [0-9.]+; WOW64",
    "Macintosh; Intel Mac OS X [0-9._]+",
    "X11; (?:Ubuntu; |Fedora; )?Linux (?:x86_64|aarch64)",
    "X11; CrOS x86_64 [0-9.]+",
    "Linux; Android [0-9.]+; K",
    "(?:iPhone; CPU iPhone|iPad; CPU) OS [0-9_]+ like Mac OS X",
)
_ENGINES = (
    r"\) AppleWebKit/[0-9.]+ \(KHTML, like Gecko\)(?: Version/[0-9.]+| Chrome/[0-9.]+| CriOS/[0-9.]+| FxiOS/[0-9.]+"
    r"| SamsungBrowser/[0-9.]+){0,4}(?: Mobile(?:/[0-9A-F]+)?)?(?: Safari/[0-9.]+)?(?: Edg[A]?/[0-9.]+| OPR/[0-9.]+)?",
    r"; rv:[0-9.]+\) Gecko/[0-9.]+ Firefox/[0-9.]+",
)

ORDINARY = rf"^Mozilla/5\.0 \((?:{'|'.join(_PLATFORMS)})(?:{'|'.join(_ENGINES)})$"
"""A browser as most people have it. No name of a crawler has room in it, so that one look is enough (PCRE, RE2)."""
