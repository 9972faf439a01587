"""The requests that a doctor sends through the front door, and what came back.

They are sent one after another, because their order is the question: whoever asks first fills a cache.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from optout.adapters.doctor.watch import FIELD
from optout.adapters.fetcher import Fetcher, Visited
from optout.crawlers.model import Crawler
from optout.messages import parse_authority

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
_MOST_REDIRECTS = 5
_MOST_OPEN = 16  # always-open files that are asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to ask: the site's scheme and authority, a page, and where to connect ("": where the name leads)."""

    scheme: str
    netloc: str
    page: str
    connect: str = ""

    @property
    def authority(self) -> str:
        """The authority as policies write it."""
        return parse_authority(self.netloc, self.scheme) or ""

    def url(self, path: str) -> str:
        """The URL of a path of the site."""
        return f"{self.scheme}://{self.netloc}{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """What everybody was answered. `nonce` is a path that no cache can hold; `open_to` are the always-open files."""

    target: Target
    crawler: Crawler
    user_agent: str
    nonce: str
    person: Visited
    person_again: Visited
    search: Visited
    crawled: Visited
    person_after: Visited
    nonce_crawled: Visited
    nonce_person: Visited
    open_to_crawler: Mapping[str, Visited] = field(default_factory=dict)
    open_to_person: Mapping[str, Visited] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Visited, ...]:
        """Every answer to a page."""
        return (self.person, self.person_again, self.search, self.crawled, self.person_after)


def load_target(url: str, connect: str) -> Target | None:
    """The URL that the owner gave; None where it is no http or https URL."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parse_authority(parts.netloc, parts.scheme):
        return None
    page = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, netloc=parts.netloc, page=page, connect=connect)


async def arrive(fetcher: Fetcher, target: Target) -> tuple[Target, Visited]:
    """The page that a person lands on, after the site's own redirects, and what he sees there."""
    seen = Visited(fault=f"more than {_MOST_REDIRECTS} redirects")
    for _ in range(_MOST_REDIRECTS):
        seen = await fetcher.visit(target.url(target.page), {"User-Agent": BROWSER}, connect=target.connect)
        location = seen.fields.first("location")
        if location is None or not 300 <= seen.status < 400:
            break
        onward = load_target(urljoin(target.url(target.page), location), target.connect)
        is_elsewhere = onward is None or (onward.scheme, onward.netloc) != (target.scheme, target.netloc)
        if onward is None or (is_elsewhere and target.connect):
            break
        target = onward
    return target, seen


async def visit_all(
    fetcher: Fetcher, target: Target, *, crawler: Crawler, search: Crawler, number: str, opened: tuple[str, ...]
) -> Visits:
    """Ask as a person, a search engine and `crawler`; `number` is the invitation, or ""."""
    agent = crawler.examples[0]
    nonce = f"/optout-doctor-{secrets.token_hex(8)}"

    async def ask(path: str, user_agent: str) -> Visited:
        """One answer."""
        fields = {"User-Agent": user_agent, **({FIELD: number} if number else {})}
        return await fetcher.visit(target.url(path), fields, connect=target.connect)

    person = await ask(target.page, BROWSER)
    person_again = await ask(target.page, BROWSER)
    crawled = await ask(target.page, agent)
    nonce_crawled = await ask(nonce, agent)
    nonce_person = await ask(nonce, BROWSER)
    open_to_crawler = {path: await ask(path, agent) for path in opened[:_MOST_OPEN]}
    open_to_person = {path: await ask(path, BROWSER) for path in opened[:_MOST_OPEN]}
    return Visits(
        target=target,
        crawler=crawler,
        user_agent=agent,
        nonce=nonce,
        person=person,
        person_again=person_again,
        search=await ask(target.page, search.examples[0]),
        crawled=crawled,
        person_after=await ask(target.page, BROWSER),
        nonce_crawled=nonce_crawled,
        nonce_person=nonce_person,
        open_to_crawler=open_to_crawler,
        open_to_person=open_to_person,
    )
