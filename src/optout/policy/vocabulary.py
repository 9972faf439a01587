"""The names of crawlers and operators that a policy may use, found as `Clause.names` will find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.policy.model import names_of
from optout.policy.values import WrongValueError, shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """Lower-cased names to the crawlers that bear them, operators to their spelling; search engines, famous first.

    There is one of each registry, so one equals only itself, and what was found in it can be remembered by it.
    """

    crawlers: Mapping[str, tuple[Crawler, ...]]
    operators: Mapping[str, str]
    search_engines: tuple[Crawler, ...]
    spellings: tuple[str, ...]

    def crawler(self, text: str) -> str:
        """The lower-cased name of a crawler that a request can claim to be; `WrongValueError` for any other."""
        found = self.crawlers.get(text.lower())
        if found is None:
            raise WrongValueError(
                f"no crawler is called `{shown(text)}`",
                "`optout crawlers list` shows the names",
                value=text,
                choices=self.spellings,
            )
        if all(crawler.purpose is Purpose.CONTROL_TOKEN for crawler in found):
            raise _never_sent(found[0])
        return text.lower()

    def operator(self, text: str) -> str:
        """The lower-cased name of an operator; `WrongValueError` for one that the registry does not know."""
        if text.lower() not in self.operators:
            raise WrongValueError(
                f"no operator is called `{shown(text)}`",
                "`optout crawlers list` shows the names",
                value=text,
                choices=self.operators.values(),
            )
        return text.lower()


@lru_cache(maxsize=2)  # a registry never changes, and a process has one
def vocabulary(registry: Registry) -> Vocabulary:
    """The names that the crawlers of `registry` may be called by in a policy."""
    crawlers: dict[str, tuple[Crawler, ...]] = {}
    for crawler in registry.crawlers:
        for name in names_of(crawler):
            crawlers[name] = (*crawlers.get(name, ()), crawler)
    return Vocabulary(
        crawlers=crawlers,
        spellings=tuple(sorted({crawler.name for crawler in registry.crawlers})),
        operators={crawler.operator.lower(): crawler.operator for crawler in registry.crawlers},
        search_engines=tuple(
            sorted(
                (each for each in _as_sent(registry) if each.purpose is Purpose.SEARCH),
                key=lambda each: each.name not in _BEST_KNOWN,
            )
        ),
    )


_BEST_KNOWN = frozenset({"Googlebot", "bingbot", "DuckDuckBot"})  # a message that names a few should name these


def _as_sent(registry: Registry) -> Iterator[Crawler]:
    """Every crawler, and again where one of its names travels with a purpose of its own (Kagibot, kagi-fetcher)."""
    for crawler in registry.crawlers:
        yield crawler
        for token in crawler.tokens:
            claim = registry.recognize(token)
            for named in claim.named if claim is not None else ():
                if named.name == crawler.name and named.purposes != crawler.purposes:
                    yield named


def _never_sent(crawler: Crawler) -> WrongValueError:
    parent = f"it reads the site as {crawler.governed_by}, so" if crawler.governed_by else "so"
    token = crawler.robots_tokens[0] if crawler.robots_tokens else crawler.name
    return WrongValueError(
        f"{crawler.name} is never sent in a request; {parent} no clause can meet it",
        f"delete it here and publish `User-agent: {token}` with `Disallow: /` in robots.txt",
    )
