"""PB1xx: what a site declares to a class of crawlers, and what one harmless request of that class is answered.

A Disallow of robots.txt is a word about fetching: whoever is let in all the same shows that it is not enforced. A
reservation of a use is a word about what is done with the bytes; a page may be served under it, so that is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from optout.crawlers.model import Purpose
from optout.lint.base import Found, Rule, Severity, shown
from optout.lint.rules.site import SiteSource
from optout.signals.preference import Preference, Usage

_USES = {
    Purpose.TRAIN: (Usage.TRAIN,),
    Purpose.DATASET: (Usage.MINE, Usage.TRAIN),
    Purpose.SEARCH_INDEX: (Usage.INDEX, Usage.INPUT),
    Purpose.USER_FETCH: (Usage.INPUT,),
    Purpose.UNDOCUMENTED: (Usage.TRAIN, Usage.MINE),
    Purpose.SEARCH: (Usage.SEARCH,),
}


class Declared(StrEnum):
    """What a site declares to a crawler about a page. Public words."""

    CLOSED = "closed"  # robots.txt disallows it
    UNBOUND = "closed to all"  # by the group of `*`, which does not bind a fetch that a person asked for
    RESERVED = "reserved"  # it may be fetched, and its use is disallowed
    OPEN = "open"


class Enforced(StrEnum):
    """What a request got. Public words."""

    REFUSED = "refused"
    SERVED = "served"
    UNCLEAR = "unclear"  # no answer, or a person gets none either


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One class: the crawler that stood for it, what is declared to it, and the answer (0: none, see `fault`)."""

    purpose: Purpose
    crawler: str
    declared: Declared
    status: int = 0
    fault: str = ""
    person: int = 200

    @property
    def enforced(self) -> Enforced:
        """What the answer means; a fault of the site that a person meets, too, means nothing."""
        if not self.status or self.person >= 400 or self.status in (404, 410, 500, 502, 504):
            return Enforced.UNCLEAR
        return Enforced.REFUSED if self.status >= 400 else Enforced.SERVED


def declared_to(source: SiteSource, tokens: tuple[str, ...], purpose: Purpose) -> Declared:
    """What a site declares about its page to a crawler of these product tokens that comes for `purpose`."""
    match = source.access(*tokens)
    if not match.allowed:
        return Declared.UNBOUND if purpose is Purpose.USER_FETCH and match.everyone else Declared.CLOSED
    verdict = source.verdict(*tokens)
    reserved = any(verdict.preference(use) is Preference.DISALLOWED for use in _USES.get(purpose, ()))
    return Declared.RESERVED if reserved else Declared.OPEN


def _said(probe: Probed) -> str:
    return f"{probe.purpose}: declared {probe.declared}, and {shown(probe.crawler)} is answered {probe.status}"


def _not_enforced(probes: tuple[Probed, ...]) -> Iterator[Found]:
    for probe in probes:
        if probe.declared is Declared.CLOSED and probe.enforced is Enforced.SERVED:
            yield Found(0, _said(probe))


def _not_declared(probes: tuple[Probed, ...]) -> Iterator[Found]:
    for probe in probes:
        if probe.declared is Declared.OPEN and probe.enforced is Enforced.REFUSED:
            yield Found(0, _said(probe))


def _unclear(probes: tuple[Probed, ...]) -> Iterator[Found]:
    for probe in probes:
        if probe.enforced is Enforced.UNCLEAR:
            why = shown(probe.fault) or f"answered {probe.status}, a person {probe.person}"
            yield Found(0, f"{probe.purpose}: {why}")


PROBES: tuple[Rule[tuple[Probed, ...]], ...] = (
    Rule(
        code="PB101",
        severity=Severity.ERROR,
        title="declared but not enforced",
        why="robots.txt closes the page to this class of crawlers, and the site hands it over all the same. Who obeys "
        "stays away; who does not is not stopped.",
        example="User-agent: GPTBot, Disallow: / and the answer is 200",
        instead="put Optout before the site, or a clause for this purpose into its policy, and leave observe mode",
        reference="docs/policy.md",
        check=_not_enforced,
    ),
    Rule(
        code="PB102",
        severity=Severity.ERROR,
        title="enforced but not declared",
        why="The crawler is refused, and nothing that it could have read says so. It comes again and again, and in a "
        "dispute about a reservation a refusal alone is no declaration.",
        example="robots.txt allows everything and the answer is 403",
        instead="User-agent: GPTBot and Disallow: / in robots.txt; look, too, whether a CDN refuses in your name",
        reference="RFC 9309 section 2.2.2; Directive (EU) 2019/790, Article 4(3)",
        check=_not_declared,
    ),
    Rule(
        code="PB103",
        severity=Severity.WARNING,
        title="nothing can be said of a class",
        why="No answer came, or one that has nothing to do with who asked: a person gets no page either.",
        example="no whole answer within 5 s",
        instead="a page that answers a person with 200, and the same command again",
        reference="docs/audit.md",
        check=_unclear,
    ),
)
"""Every rule for probes, by code."""
