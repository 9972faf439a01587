"""What a site serves to whoever asks: its documents, one page, one image of it, and the terms that these name.

Rule 1: one address, looked up once. A second answer of DNS, a redirect or a page cannot lead anywhere else (CWE-918,
        CWE-367): whatever is asked for, under whatever scheme, is asked of that address, with the site's own name.
        License documents may lie on another host; one that leads to an address which is not public is never asked.
Rule 2: one request after the other, and never more than `MOST_REQUESTS`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from html import unescape
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

from optout.adapters.fetcher import MOST_REDIRECTS, Fetcher
from optout.errors import UsageError
from optout.lint.rules.site import Answer, SiteSource
from optout.lint.rules.site_licenses import license_urls
from optout.signals.tdmrep import TdmMatcher, parse_tdm_fields, parse_tdmrep

_MOST_NAMED = 3  # policies that the site names as its terms
_MOST_LICENSES = 4  # license documents that are asked for; their addresses are the site's choice
MOST_REQUESTS = 4 + MOST_REDIRECTS + 1 + _MOST_NAMED + _MOST_LICENSES
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_IMAGES = 200
_LONGEST_ELEMENT = 2000
_IMG = re.compile(r"<img(?=[\s/])", re.IGNORECASE)
_ELEMENT = re.compile(r"""<img(?:[^>"']|"[^"]*"|'[^']*')*>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]{1,40})\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""")

Told = Callable[[str], None]
"""Is told each address before it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A page's URL, taken apart, and the address at which its site is asked."""

    url: str
    scheme: str
    netloc: str
    host: str
    address: str
    port: int

    @property
    def target(self) -> str:
        """The page's path and query."""
        return target_of(self.url)

    @property
    def base(self) -> str:
        """Scheme and authority."""
        return f"{self.scheme}://{self.netloc}"

    def connect(self, url: str) -> str:
        """Where to ask for a URL of this host: at the one address, at the URL's own port."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"[{self.address}]:{port}" if ":" in self.address else f"{self.address}:{port}"

    def is_own(self, url: str) -> bool:
        """Whether a URL is of this host and of a port that a redirect from http to https may lead to."""
        try:
            parts = urlsplit(url)
            own_port = parts.port in (None, self.port) and "@" not in parts.netloc
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and (parts.hostname or "") == self.host and own_port


def target_of(url: str) -> str:
    """The path and query of a URL."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def find_site(url: str, *, allow_private: bool) -> Site:
    """The site of a URL, with one address of it; raises UsageError, for an address that is not public, too."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise UsageError("URL is no absolute http or https address", "write it like https://photos.example/gallery/")
    host = parts.hostname
    port = port or (443 if parts.scheme == "https" else 80)
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as fault:
        raise UsageError(f"{host} cannot be found: {fault}", "look at the name") from fault
    private = [address for address in found if not ip_address(address.partition("%")[0]).is_global]
    if private and not allow_private:
        raise UsageError(f"{host} leads to {private[0]}, which is not public", "add --allow-private if it is yours")
    return Site(url=url, scheme=parts.scheme, netloc=parts.netloc, host=host, address=found[0], port=port)


async def survey(fetcher: Fetcher, site: Site, told: Told) -> SiteSource:
    """What the site serves; raises UsageError where the page itself cannot be had."""

    async def ask(url: str, of: Site = site) -> Answer:
        """One answer."""
        told(url)
        got = await fetcher.visit(url, {}, connect=of.connect(url))
        return Answer(url=url, status=got.status, fields=got.fields, body=got.body, fault=got.fault)

    robots = await _followed(ask, site, f"{site.base}/robots.txt")
    tdmrep = await ask(f"{site.base}/.well-known/tdmrep.json")
    ai_txt = await ask(f"{site.base}/ai.txt")
    page = await ask(site.url)
    if page.fault:
        raise UsageError(f"the page cannot be had: {page.fault}", "see that the site answers")
    source = SiteSource(robots, tdmrep, ai_txt, page, site.target)
    image = next((url for url in images(source.signals.page, site.url) if site.is_own(url)), "")
    if image:
        source = replace(source, image=await ask(image), image_target=target_of(image))
    named = [url for url in _named(source, site.url) if site.is_own(url)][:_MOST_NAMED]
    source = replace(source, named=tuple([await ask(url) for url in named]))
    licenses = [await _license(ask, site, url) for url in license_urls(source)[:_MOST_LICENSES]]
    return replace(source, licenses=tuple(licenses))


async def _license(ask: Callable[[str, Site], Awaitable[Answer]], site: Site, url: str) -> Answer:
    """A license document: its host is the site's word, so only the site's own may be one that is not public."""
    try:
        return await ask(url, site if site.is_own(url) else find_site(url, allow_private=False))
    except UsageError as fault:
        return Answer(url=url, fault=fault.what)


async def _followed(ask: Callable[[str], Awaitable[Answer]], site: Site, url: str) -> Answer:
    """robots.txt after at most five redirects (RFC 9309 section 2.3.1.2) that stay on the host."""
    hops: list[str] = []
    while True:
        answer = await ask(url)
        location = _absolute(url, answer.fields.first("location") or "") if answer.status in _REDIRECTS else None
        if location is None or not site.is_own(location) or len(hops) == MOST_REDIRECTS:
            return replace(answer, hops=tuple(hops))
        url = location
        hops.append(url)


def images(page: bytes, base: str) -> list[str]:
    """The absolute addresses of a page's images, in order. Never raises; looks at no more than 200 elements."""
    text = page.decode("utf-8", "replace")
    found: list[str] = []
    at = 0
    for _ in range(_MOST_IMAGES):
        start = _IMG.search(text, at)
        if start is None:
            break
        element = _ELEMENT.match(text, start.start(), start.start() + _LONGEST_ELEMENT)
        at = start.end() if element is None else element.end()
        written = "" if element is None else _source_of(element.group())
        url = _absolute(base, unescape(written).strip())
        if url is not None:
            found.append(url)
    return found


def _source_of(element: str) -> str:
    """The value of an element's first `src`, or ""."""
    for found in _ATTRIBUTE.finditer(element):
        if found.group(1).lower() == "src":
            return found.group(2).strip("\"'")
    return ""


def _absolute(base: str, written: str) -> str | None:
    """An address that can be asked for; None for what is none, as `data:` or one with a blank."""
    try:
        url = urljoin(base, written).partition("#")[0]
        is_web = urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return None
    plain = url.isascii() and url.isprintable() and " " not in url
    return url if written and is_web and plain else None


def _named(source: SiteSource, base: str) -> list[str]:
    """The policies that tdmrep.json and the page's fields name."""
    rule = TdmMatcher(parse_tdmrep(source.signals.tdmrep)).match(source.target) if source.signals.tdmrep else None
    policies = [rule.policy if rule is not None else "", parse_tdm_fields(source.page.fields)[0].policy]
    found = [_absolute(base, each.strip()) for each in policies]
    return list(dict.fromkeys(url for url in found if url is not None))
