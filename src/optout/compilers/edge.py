"""What a front end has to know to decide by itself, as tables that any configuration language can hold.

A policy, the registry and what a site published at one moment become an `Edge`: crawlers in classes that are decided
alike, and for each class tables of path patterns whose first match says an answer, a pass, or that the next table
decides. What a table cannot express is no silent difference but a `Loss` (`compilers.losses`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from optout.crawlers.model import Crawler
from optout.messages import Fields
from optout.policy.model import Policy
from optout.response import NIL_NUMBER
from optout.robots.model import PathPattern

NAME, OPERATOR = b"OPTOUT-CRAWLER-NAME", b"OPTOUT-CRAWLER-OPERATOR"
"""Where an answer's body names the crawler; plain letters, so that no encoding changes them."""
NUMBER = NIL_NUMBER
"""Where an answer's body carries the number of the request, a UUID."""


class Onward(Enum):
    """An outcome that is no answer."""

    PASS = "pass"  # noqa: S105  a request that goes on to the site
    NEXT = "next"  # the next table of the class decides; behind the last one it means a pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One refusal, with `NAME`, `OPERATOR` and `NUMBER` in its bodies (UTF-8) for a front end to replace.

    `json` is the body for whoever does not prefer `text/html`, `page` for who does. `fields` go with both;
    Content-Type, Content-Length and the reservation (`Edge.declared`) are not among them. `action`, `code` and
    `clause` are the decision's, for the front end's log.
    """

    status: int
    fields: Fields
    json: bytes
    page: bytes
    action: str
    code: str
    clause: str


Outcome = Answer | Onward


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a table: it matches where one of `patterns` does (none: everywhere) for `methods` (none: all)."""

    outcome: Outcome
    patterns: tuple[PathPattern, ...] = ()
    methods: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Steps of which the first that matches stands; `otherwise` where none does."""

    steps: tuple[Step, ...]
    otherwise: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlerClass:
    """Crawlers that are decided alike, by the same tables in order.

    `malformed` answers a target that nobody reads alike (`targets.is_malformed`); a pass for who is no AI crawler.
    `ambiguous` answers one that can be read in several ways: the strictest that the class has anywhere.
    """

    crawlers: tuple[Crawler, ...]
    tables: tuple[Table, ...]
    malformed: Outcome
    ambiguous: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the site says of text and data mining on the paths that a pattern matches (None: all others).

    `fields` go on every response to GET and HEAD; where `reserved`, on refusals too.
    """

    pattern: PathPattern | None
    fields: Fields
    reserved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that Optout does and the compiled form does not. `code` is public and permanent; all since 0.1."""

    code: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A policy for one site, ready to be written down.

    `open_targets` answer everybody by exact comparison, without a query, beside what `policy.always_open` lists for
    all sites. `declared` is in the order of deciding; `links` are Link fields for every response to GET and HEAD.
    `enforced` False: answers are only logged, as what would have been told. The digests (SHA-256 in hex, "" where
    there is no document) name what this was made from.
    """

    policy: Policy
    authority: str
    classes: tuple[CrawlerClass, ...]
    open_targets: tuple[str, ...]
    declared: tuple[Declared, ...]
    links: Fields
    losses: tuple[Loss, ...]
    enforced: bool
    robots_sha256: str
    tdmrep_sha256: str
    registry_sha256: str
