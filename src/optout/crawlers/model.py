"""Who crawls: the nouns of recognition (design part 6).

A `Claim` is what a request says of itself. It proves nothing; `identity` turns it into an `Agent`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Purpose(StrEnum):
    """What a crawler's operator does with what it takes. Closed and permanent (design part 6)."""

    TRAIN = "train"
    DATASET = "dataset"
    SEARCH_INDEX = "search-index"
    USER_FETCH = "user-fetch"
    UNDOCUMENTED = "undocumented"
    SEARCH = "search"
    ARCHIVE = "archive"
    PREVIEW = "preview"
    FEED = "feed"
    ADS_CHECK = "ads-check"
    SEO = "seo"
    MONITOR = "monitor"
    TOOL = "tool"
    CONTROL_TOKEN = "control-token"  # noqa: S105  a word of robots.txt, no password


AI_PURPOSES = frozenset(
    {Purpose.TRAIN, Purpose.DATASET, Purpose.SEARCH_INDEX, Purpose.USER_FETCH, Purpose.UNDOCUMENTED}
)
"""The purposes that Optout acts upon unless the owner says otherwise (design part 5.2)."""


class Honors(StrEnum):
    """Whether a crawler obeys robots.txt: `claimed` is the operator's word, `yes` is that and nothing against it."""

    YES = "yes"
    CLAIMED = "claimed"
    NO = "no"
    UNKNOWN = "unknown"


class SaidBy(StrEnum):
    """The field in which a request names a crawler."""

    USER_AGENT = "user-agent"
    SIGNATURE_AGENT = "signature-agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where facts about a crawler come from, and when they were read (ISO 8601 date).

    `facts` are the fields of `Crawler` that rest on it.
    """

    text: str
    date: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawler:
    """One entry of the registry.

    `purposes` has the governing purpose first: a crawler that also feeds ordinary search has `search` there, so
    that refusing AI never costs a place in search results. `robots_tokens` are the product tokens whose robots.txt
    groups bind it (RFC 9309 section 2.2.1), in order of preference: a later one counts only where no group names an
    earlier one. `acts_for` are the purposes by which a policy may select it: who feeds ordinary search is selected as
    search alone. `also_listed` are other lists of its operator, on which an address is as good.
    `address_list_complete` is the operator's word that every request comes from its lists; `runs_locally` is for what
    people run on their own computers, too, so that no list can be complete. `governed_by` names the
    crawler whose requests carry a control token's use.
    """

    name: str
    operator: str
    purposes: tuple[Purpose, ...]
    robots_tokens: tuple[str, ...] = ()
    honors_robots: Honors = Honors.UNKNOWN
    tokens: tuple[str, ...] = ()
    signature_agents: tuple[str, ...] = ()
    address_list: str = ""
    also_listed: tuple[str, ...] = ()
    address_list_complete: bool = False
    runs_locally: bool = False
    rdns_suffixes: tuple[str, ...] = ()
    docs: str = ""
    notes: str = ""
    examples: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    governed_by: str = ""
    file: str = ""
    acts_for: frozenset[Purpose] = field(init=False)

    def __post_init__(self) -> None:
        alone = self.purposes[0] is Purpose.SEARCH
        object.__setattr__(self, "acts_for", _SEARCH_ALONE if alone else frozenset(self.purposes))

    @property
    def purpose(self) -> Purpose:
        """The governing purpose."""
        return self.purposes[0]


_SEARCH_ALONE = frozenset({Purpose.SEARCH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a request says of itself.

    `crawler` governs: the most restricted of all that the request names, and the first in `named`. `token` is the
    text that was found, as sent. `contradiction` says in words why the claim cannot be true; "" if nothing speaks
    against it.
    """

    crawler: Crawler
    token: str
    said_by: SaidBy
    named: tuple[Crawler, ...]
    contradiction: str = ""
