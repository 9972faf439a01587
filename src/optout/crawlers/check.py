"""Whether entries of the registry keep their word: each is named by its own examples and tokens, and no other is.

That every fact has a source, and that no two entries claim one name, `entries` sees to when it reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import Registry

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def check_entries(registry: Registry, crawlers: Iterable[Crawler]) -> tuple[str, ...]:
    """What is wrong with `crawlers`, which `registry` holds; a line each, for a person."""
    examples = [(each, registry.recognize(text)) for each in registry.crawlers for text in each.examples]
    taken = Counter(
        (claim.crawler.name, each.name)
        for each, claim in examples
        if claim is not None and claim.crawler.name != each.name
    )
    found = ((crawler, what) for crawler in crawlers for what in _faults(registry, crawler, taken))
    return tuple(f"{crawler.file}: {crawler.name}: {what}" for crawler, what in found)


def _faults(registry: Registry, crawler: Crawler, taken: Mapping[tuple[str, str], int]) -> Iterator[str]:
    for example in crawler.examples:
        claim = registry.recognize(example)
        named = "nobody" if claim is None else claim.crawler.name
        if named != crawler.name:
            yield f"its example {example!r} names {named}"
    for token in crawler.tokens if crawler.purpose is not Purpose.CONTROL_TOKEN else ():
        ways = token, f"Mozilla/5.0 (compatible; {token}/9.9; x)", f"Mozilla/5.0 (x; +https://www.{token})"
        if not any(_names(registry, way, crawler) for way in ways):
            yield f"its token {token!r} is not found in any user agent"
    others = sorted(other for by, other in taken if by == crawler.name)
    if others:
        more = f" and of {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        yield f"it takes examples of {', '.join(others[:_SHOWN])}{more}"
    people = next((each for each in _PEOPLE if _names(registry, each, crawler)), None)
    if people is not None:
        yield f"it names people: {people!r}"
    yield from (f"anybody can have a name below {suffix}" for suffix in crawler.rdns_suffixes if _is_public(suffix))


_SHOWN = 3

# A browser of each kind, with the words that all browsers send. Whatever names one of these names a person.
_PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    " Edg/142.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
    " Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
    " Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0"
    " Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0"
    " Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.0.0"
    " Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; en) Presto/2.8.119 Version/11.10",
    "Lynx/2.9.2 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/3.5.0",
)


def _names(registry: Registry, user_agent: str, crawler: Crawler) -> bool:
    claim = registry.recognize(user_agent)
    return claim is not None and any(each.name == crawler.name for each in claim.named)


def _is_public(suffix: str) -> bool:
    """Whether strangers register names directly below a suffix (publicsuffix.org)."""
    known = _public_suffixes()
    return known is not None and bool(known.is_public(suffix.strip(".").lower()))


@cache
def _public_suffixes() -> PublicSuffixList | None:
    """The list; None without `optout[dns]`, where nobody is asked for a name."""
    try:
        from publicsuffixlist import PublicSuffixList  # noqa: PLC0415  an extra, and slow to make
    except ImportError:
        return None
    return PublicSuffixList()
