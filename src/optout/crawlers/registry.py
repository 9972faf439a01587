"""Who crawls: every known crawler, and what a request says of itself (design part 4, stop 2).

Recognition proves nothing. It reads two fields: the user agent, for product tokens, and `Signature-Agent`, for the
host of a registered signer (draft-meunier-web-bot-auth-architecture). Whoever names no crawler gets None.
`bundled_registry` is the one place in this floor that opens a file: the compiled data inside the package.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from optout.crawlers.entries import Entry, TokenForm, decode_entries, encode_entries, load_entries, load_more
from optout.crawlers.model import Claim, Crawler, Purpose, SaidBy
from optout.crawlers.tokens import Finder, Token

COMPILED = "registry.json"
"""The compiled data, beside the YAML files that it is made from; `python -m optout.crawlers.compile` writes it."""

# Where a request names several crawlers the most restricted governs: one friendly word must not buy a pass.
# Control tokens come first because a request that carries one is forged. Search comes last: it is left alone most.
_RESTRICTED_FIRST = (
    Purpose.CONTROL_TOKEN,
    Purpose.TRAIN,
    Purpose.DATASET,
    Purpose.UNDOCUMENTED,
    Purpose.SEARCH_INDEX,
    Purpose.USER_FETCH,
    Purpose.SEO,
    Purpose.ADS_CHECK,
    Purpose.MONITOR,
    Purpose.ARCHIVE,
    Purpose.FEED,
    Purpose.PREVIEW,
    Purpose.TOOL,
    Purpose.SEARCH,
)
_RANK = {purpose: rank for rank, purpose in enumerate(_RESTRICTED_FIRST)}


class _Naming(NamedTuple):
    """One crawler named by one piece of text."""

    crawler: Crawler
    text: str
    said_by: SaidBy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registry:
    """Every known crawler, ready to recognize. `sha256` (hex) names the `document` that it was made from."""

    crawlers: tuple[Crawler, ...]
    sha256: str
    document: bytes = field(repr=False)
    _finder: Finder
    _by_token: tuple[Crawler, ...]
    _by_name: Mapping[str, Crawler]
    _by_signer: Mapping[str, Crawler]

    def recognize(self, user_agent: str, signature_agent: str | None = None) -> Claim | None:
        """What a request says of itself, or None where it names no crawler.

        `signature_agent` is the value of that field, as a string item or as a dictionary. Never raises; linear in
        both texts; a user agent without any token costs one pass.
        """
        found = self._finder.find(user_agent)
        if not found and signature_agent is None:
            return None
        namings = [_Naming(self._by_token[each.index], each.text, SaidBy.USER_AGENT) for each in found]
        if signature_agent is not None:
            namings += self._signers(signature_agent)
        return _claim(namings) if namings else None

    @property
    def spellings(self) -> tuple[tuple[Token, Crawler], ...]:
        """Every token that is looked for in a user agent, with the crawler that it names, the most restricted first.

        Of several that one user agent holds, the first governs. A crawler may differ from `crawlers` in its purposes,
        where its operator sends two names.
        """
        pairs = zip(self._finder.tokens, self._by_token, strict=True)
        return tuple(sorted(pairs, key=lambda pair: _RANK[pair[1].purpose]))

    @property
    def signers(self) -> Mapping[str, Crawler]:
        """The crawlers that a `Signature-Agent` may name, by host."""
        return self._by_signer

    def by_name(self, name: str) -> Crawler | None:
        """The crawler of that name, robots.txt token or part of a name written `A / B`; letters' case is ignored."""
        return self._by_name.get(name.strip().lower())

    @property
    def operators(self) -> tuple[str, ...]:
        """Every operator once, in alphabetical order."""
        return tuple(sorted({crawler.operator for crawler in self.crawlers}, key=str.lower))

    def suggest(self, name: str) -> str | None:
        """The name of the crawler that a misspelled `name` may mean; None where nothing comes near."""
        near = get_close_matches(name.strip().lower(), self._by_name, n=1)
        return self._by_name[near[0]].name if near else None

    def _signers(self, signature_agent: str) -> Iterator[_Naming]:
        for host in _hosts(signature_agent):
            crawler = self._by_signer.get(host)
            if crawler is not None:
                yield _Naming(crawler, host, SaidBy.SIGNATURE_AGENT)


def load_registry(data: Mapping[str, bytes]) -> Registry:
    """A registry from YAML files (name to bytes); `RegistryError` with file and entry where one is wrong."""
    return _registry(encode_entries(load_entries(data)))


def extended(registry: Registry, data: Mapping[str, bytes]) -> Registry:
    """`registry` with the entries of further YAML files; as `load_registry`, and no name may be taken already."""
    entries = decode_entries(registry.document)
    return _registry(encode_entries((*entries, *load_more(entries, data))))


@cache
def bundled_registry() -> Registry:
    """The registry that comes with this release. Made once in a process."""
    return _registry((files("optout.crawlers") / "data" / COMPILED).read_bytes())


def _registry(document: bytes) -> Registry:
    entries = decode_entries(document)
    crawlers = tuple(entry.crawler for entry in entries)
    tokens: list[Token] = []
    by_token: list[Crawler] = []
    for entry, crawler in zip(entries, crawlers, strict=True):
        for form in _forms(entry):
            tokens.append(form.token)
            by_token.append(_as_sent(crawler, form))
    return Registry(
        crawlers=crawlers,
        sha256=hashlib.sha256(document).hexdigest(),
        document=document,
        _finder=Finder(tokens),
        _by_token=tuple(by_token),
        _by_name=_names(crawlers),
        _by_signer={host: crawler for crawler in crawlers for host in crawler.signature_agents},
    )


def _forms(entry: Entry) -> Iterable[TokenForm]:
    """The tokens to look for. A control token is looked for only because no honest request carries one."""
    if Purpose.CONTROL_TOKEN in entry.purposes:
        return (TokenForm(text=token) for token in entry.robots_tokens)
    return entry.token_forms


def _as_sent(crawler: Crawler, form: TokenForm) -> Crawler:
    """The crawler as this token makes it: the same name, another purpose where the operator sends two."""
    if not form.purposes:
        return crawler
    return replace(crawler, purposes=form.purposes, robots_tokens=form.robots_tokens or crawler.robots_tokens)


def _names(crawlers: tuple[Crawler, ...]) -> Mapping[str, Crawler]:
    """Lower-cased names to crawlers. A full name beats a part of one, and that a robots.txt token."""
    names: dict[str, Crawler] = {}
    for crawler in crawlers:
        names.setdefault(crawler.name.lower(), crawler)
    for crawler in crawlers:
        for part in crawler.name.split(" / "):
            names.setdefault(part.strip().lower(), crawler)
    for place in range(max((len(crawler.robots_tokens) for crawler in crawlers), default=0)):
        for crawler in crawlers:
            for token in crawler.robots_tokens[place : place + 1]:
                names.setdefault(token.lower(), crawler)
    return names


def _claim(namings: list[_Naming]) -> Claim:
    namings.sort(key=lambda naming: _RANK[naming.crawler.purpose])
    governing = namings[0]
    named = tuple({id(naming.crawler): naming.crawler for naming in namings}.values())
    return Claim(
        crawler=governing.crawler,
        token=governing.text,
        said_by=governing.said_by,
        named=named,
        contradiction=contradiction(governing.crawler),
    )


def contradiction(crawler: Crawler) -> str:
    """Why a request that names `crawler` cannot be true; "" where nothing speaks against it."""
    if crawler.purpose is not Purpose.CONTROL_TOKEN:
        return ""
    return (
        f"{crawler.name} is a robots.txt token and travels in no user agent: "
        f"the requests that it governs come as {crawler.governed_by}"
    )


def rank(crawler: Crawler) -> int:
    """Where a crawler stands among several that one request names: the least governs."""
    return _RANK[crawler.purpose]


_PIECE = re.compile(r"[^\s\"',;=<>()]+")


def _hosts(signature_agent: str) -> Iterator[str]:
    """Every host that the field may name, lower-cased.

    Two forms are in use, the string of early senders and the dictionary of the current draft; both hold URLs, and
    a host must equal a signer's, so the pieces between quotes and separators are all that is needed of either.
    """
    for piece in _PIECE.findall(signature_agent.lower()):
        authority = re.split(r"[/?#]", piece.removeprefix("https://").removeprefix("http://"), maxsplit=1)[0]
        # Security: https://chatgpt.com@evil.example is evil.example, which signs with a key of its own.
        host = authority.rpartition("@")[2].partition(":")[0]
        yield host.rstrip(".")
