"""One harmless request for each class of crawlers, to the owner's own site: what is it answered, and was that declared?

Rule 1: somebody else's site is not probed. Either the site's doors know the mark, because it is made with their log's
        key, or the site serves a word under `/.well-known/` that only its owner can have put there.
Rule 2: one request after another, with a pause between them, and never more than one for each class and a person's.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets

from optout.adapters.doctor.visits import BROWSER
from optout.adapters.fetcher import Fetcher, Visited
from optout.adapters.intake import now_us
from optout.adapters.survey import Site, Told
from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.errors import UsageError
from optout.evidence.probe import FIELD, Marked
from optout.lint.rules.probes import Probed, declared_to
from optout.lint.rules.site import SiteSource
from optout.messages import parse_authority
from optout.robots.changes import named_tokens
from optout.robots.parser import parse_robots

PROOF_PATH = "/.well-known/optout-probe"
NONCE_BYTES = 16
CLASSES = tuple(purpose for purpose in Purpose if purpose is not Purpose.CONTROL_TOKEN)
MOST_PROBES = len(CLASSES) + 1


def new_nonce() -> str:
    """A word for the owner to publish: nobody can have it by chance."""
    return secrets.token_hex(NONCE_BYTES)


def chosen(registry: Registry, robots: bytes) -> tuple[tuple[Purpose, Crawler], ...]:
    """The crawler that stands for each class: one that robots.txt names, else the first that is well documented."""
    named = {token.lower() for token in named_tokens(parse_robots(robots))}
    found = []
    for purpose in CLASSES:
        able = [each for each in registry.crawlers if each.purpose is purpose and _is_itself(registry, each)]
        able.sort(key=lambda each: (named.isdisjoint(map(str.lower, each.robots_tokens)), not each.address_list))
        found += [(purpose, crawler) for crawler in able[:1]]
    return tuple(found)


def _is_itself(registry: Registry, crawler: Crawler) -> bool:
    """Whether its example names it and no other crawler."""
    claim = registry.recognize(crawler.examples[0]) if crawler.examples else None
    return claim is not None and claim.named == (crawler,)


async def is_owners(fetcher: Fetcher, site: Site, nonce: str) -> bool:
    """Whether the site serves the word at `PROOF_PATH`."""
    url = f"{site.base}{PROOF_PATH}"
    got = await fetcher.visit(url, {}, connect=site.connect(url))
    return got.status == 200 and hmac.compare_digest(got.body.strip(), nonce.encode())


async def probe(
    fetcher: Fetcher,
    site: Site,
    source: SiteSource,
    registry: Registry,
    *,
    key: bytes | None,
    pause_s: float,
    told: Told,
) -> tuple[Probed, ...]:
    """The answer to each class, under the mark of `key` if there is one. Raises UsageError for a name with no form."""
    authority = parse_authority(site.netloc, site.scheme)
    if authority is None:
        raise UsageError("URL's host has a form that no door takes", "write it like https://photos.example/")

    async def ask(user_agent: str) -> Visited:
        """One answer, to a request under a mark if there is a key."""
        fields = {"User-Agent": user_agent}
        if key is not None:
            marked = Marked(
                method="GET",
                authority=authority,
                target=site.target,
                user_agent=user_agent,
                time_s=now_us() // 1_000_000,
                number=secrets.token_hex(16),
            )
            fields[FIELD] = marked.mark(key)
        return await fetcher.visit(site.url, fields, connect=site.connect(site.url))

    told("a person")
    person = await ask(BROWSER)
    found = []
    for purpose, crawler in chosen(registry, source.signals.robots):
        await asyncio.sleep(pause_s)
        told(f"{purpose}: {crawler.name}")
        got = await ask(crawler.examples[0])
        found.append(
            Probed(
                purpose=purpose,
                crawler=crawler.name,
                declared=declared_to(source, crawler.robots_tokens, purpose),
                status=got.status,
                fault=got.fault,
                person=person.status or 503,
            )
        )
    return tuple(found)
