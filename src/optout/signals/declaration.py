"""What one site publishes at a moment: its robots.txt and tdmrep.json, ready to be matched (design part 5.6).

A document is known, absent, or unknown. Unknown refuses nobody; it is never read as "no rules", which would be
consent, nor as "nothing allowed", which would cost a search engine over a slow origin.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from optout.messages import parse_authority, parse_target
from optout.robots.matcher import RobotsMatcher
from optout.robots.model import RobotsTxt
from optout.robots.parser import parse_robots
from optout.signals.rsl_discovery import licenses_of_robots
from optout.signals.tdmrep import LARGEST_FILE, TdmMatcher, parse_tdmrep
from optout.signals.usage_records import UsageRecords, usage_records

ROBOTS_PATH = "/robots.txt"
TDMREP_PATH = "/.well-known/tdmrep.json"
ROBOTS_NAME = "robots.txt"
TDMREP_NAME = "tdmrep.json"
DOCUMENT_LIMIT = LARGEST_FILE + 1
"""Octets of a document that are kept: one more than is read, so that a parser can say that it was cut."""
MOST_LICENSES = 4
"""License documents of a site that are asked for."""


class DocumentState(StrEnum):
    """What is known of a document: its bytes, that there is none, or nothing."""

    KNOWN = "known"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One version of one published document.

    `name` is how reasons cite it. `sha256` (hex) is that of `data` as received; "" unless known. `why` says in words
    why nothing is known; "" otherwise.
    """

    state: DocumentState
    name: str
    data: bytes = field(default=b"", repr=False)
    sha256: str = ""
    why: str = ""


def known(name: str, data: bytes) -> Document:
    """The document whose bytes are `data`."""
    return Document(state=DocumentState.KNOWN, name=name, data=data, sha256=hashlib.sha256(data).hexdigest())


def absent(name: str) -> Document:
    """The document that the site says it does not have."""
    return Document(state=DocumentState.ABSENT, name=name)


def unknown(name: str, why: str) -> Document:
    """The document of which nothing can be said, and why not."""
    return Document(state=DocumentState.UNKNOWN, name=name, why=why)


_LICENSE: Final = "RSL "
HTML_PAGE: Final = "the answer is an HTML page"
"""Why a document is unknown at a site that answers every path with a page."""


def parse_answer(name: str, status: int, body: bytes) -> Document:
    """What an answer to `GET` says of the document (RFC 9309 section 2.3.1, as narrowed by design part 5.6).

    A success is the document, 404 and 410 say that there is none. All else says nothing, although RFC 9309 takes any
    other 4xx for permission and 5xx for a refusal: a bot wall or a broken origin is not the owner speaking. HTML is an
    error page or a login form, whatever status and media type it came with.
    """
    if status in (404, 410):
        return absent(name)
    is_whole = 200 <= status < 300 and status != 206  # 206 is a part that nobody asked for
    if not is_whole:
        return unknown(name, f"the answer has status {status}")
    is_html = _is_page(body) if name.startswith(_LICENSE) else _is_html(body)
    return unknown(name, HTML_PAGE) if is_html else known(name, body)


def license_name(path: str) -> str:
    """How a license document (RSL) is cited: there may be several."""
    return f"{_LICENSE}{path}"


def license_path(document: Document) -> str:
    """The path of a license document."""
    return document.name.removeprefix(_LICENSE)


def _is_html(body: bytes) -> bool:
    # Neither format can start with "<"; a text/html media type alone is a misconfigured server's robots.txt.
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def _is_page(body: bytes) -> bool:
    # Of XML, that can start with "<", too, but not with this.
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """All that a site is known to publish. A matcher is None where its document is absent or unknown, or says nothing.

    `sitemaps` are the paths of the sitemaps that robots.txt names on the site itself: they answer everybody.
    `usages` is what robots.txt says of uses, None where it says nothing. `licenses` are the license documents (RSL)
    that it names there, by URL; they refuse nobody.
    """

    robots: RobotsMatcher | None
    tdm: TdmMatcher | None
    robots_document: Document
    tdmrep_document: Document
    sitemaps: frozenset[str] = frozenset()
    usages: UsageRecords | None = None
    licenses: tuple[tuple[str, Document], ...] = ()


NOTHING_KNOWN = Published(
    robots=None,
    tdm=None,
    robots_document=unknown(ROBOTS_NAME, "not asked yet"),
    tdmrep_document=unknown(TDMREP_NAME, "not asked yet"),
)
"""What is published where nobody could be asked: no declaration, which refuses nobody."""


def parse_published(robots: Document, tdmrep: Document, *, authority: str = "") -> Published:
    """What the two documents of the site at `authority` say. Without an authority no sitemap is its own."""
    is_known = robots.state is DocumentState.KNOWN
    parsed = parse_robots(robots.data) if is_known else None
    tdm = parse_tdmrep(tdmrep.data) if tdmrep.state is DocumentState.KNOWN else None
    return Published(
        robots=RobotsMatcher(parsed) if parsed is not None else None,
        tdm=TdmMatcher(tdm) if tdm is not None and tdm.rules else None,
        robots_document=robots,
        tdmrep_document=tdmrep,
        sitemaps=frozenset(_sitemaps(parsed, authority)) if parsed is not None else frozenset(),
        usages=usage_records(parsed) if parsed is not None else None,
        licenses=tuple(_licenses(parsed, authority)) if parsed is not None else (),
    )


_PLAIN_FILE = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\Z", re.ASCII)


def _sitemaps(robots: RobotsTxt, authority: str) -> Iterator[str]:
    for record in robots.others:
        if record.key != "sitemap" or not record.value.lower().startswith(("http://", "https://")):
            continue
        target, named = parse_target(record.value)
        # Only a file of its own: `Sitemap: https://site/` must not open the front page to everybody.
        if named and _PLAIN_FILE.match(target) and authority in _authorities(named):
            yield target


def _licenses(robots: RobotsTxt, authority: str) -> Iterator[tuple[str, Document]]:
    """Those on the site itself, not asked yet."""
    own = ((url, *parse_target(url)) for url in licenses_of_robots(robots, None).urls)
    here = [
        (url, path) for url, path, named in own if _PLAIN_FILE.match(path) and authority in _authorities(named or "")
    ]
    for url, path in here[:MOST_LICENSES]:
        yield url, unknown(license_name(path), "not asked yet")


def _authorities(named: str) -> set[str | None]:
    return {parse_authority(named, scheme) for scheme in ("http", "https")}
