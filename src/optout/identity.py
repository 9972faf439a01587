"""From a claim to an agent: who is asking, and how sure that is (design part 4, stop 4; part 6).

No network, no clock; never raises for what a stranger sent. An unverified claim takes rights away and never adds
them: the baseline is a visitor who claims nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from optout.crawlers.address_book import Listing
from optout.crawlers.list_snapshot import ListSnapshot
from optout.crawlers.model import Claim, Purpose


class Standing(StrEnum):
    """How far a claim can be believed. Closed and permanent (design part 6)."""

    VERIFIED = "verified"
    CONSISTENT = "consistent"
    UNVERIFIED = "unverified"
    CONTRADICTED = "contradicted"


class Method(StrEnum):
    """What a standing rests on (design part 6)."""

    SIGNATURE = "signature"
    ADDRESS_LIST = "address-list"
    REVERSE_DNS = "reverse-dns"
    NONE = "none"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A claim after whatever proof there was. `note` says in words what speaks for or against it.

    `address_list` is the operator's list that the standing rests on, or would rest on if it were good for anything.

    `purposes` are those by which clauses select this agent. A contradicted claim is nobody's: it is judged as an
    undocumented crawler as well, never as a search engine and never as a person (crawlers.md part 4.4).
    """

    claim: Claim
    standing: Standing
    method: Method
    note: str = ""
    address_list: ListSnapshot | None = None
    purposes: frozenset[Purpose] = field(init=False)

    def __post_init__(self) -> None:
        own = self.claim.crawler.acts_for
        contradicted = self.standing is Standing.CONTRADICTED
        object.__setattr__(self, "purposes", own | {Purpose.UNDOCUMENTED} if contradicted else own)

    @property
    def purpose(self) -> Purpose:
        """The governing purpose, as printed and recorded."""
        return self.claim.crawler.purpose


def identify(claim: Claim, listing: Listing = Listing.NOT_ASKED, address_list: ListSnapshot | None = None) -> Agent:
    """The agent behind a claim, of which the operator's `address_list`, if there is one, says `listing`.

    What contradicts itself is not helped by an address; what nothing is known of is unverified.
    """
    if claim.contradiction:
        return Agent(claim=claim, standing=Standing.CONTRADICTED, method=Method.NONE, note=claim.contradiction)
    standing, method = _STANDINGS[listing]
    fetched = "" if address_list is None else f" fetched {address_list.fetched}"
    note = _NOTES[listing].format(operator=claim.crawler.operator, fetched=fetched)
    return Agent(claim=claim, standing=standing, method=method, note=note, address_list=address_list)


_STANDINGS = {
    Listing.NOT_ASKED: (Standing.UNVERIFIED, Method.NONE),
    Listing.HIDDEN: (Standing.UNVERIFIED, Method.UNAVAILABLE),
    Listing.MISSING: (Standing.UNVERIFIED, Method.UNAVAILABLE),
    Listing.STALE: (Standing.UNVERIFIED, Method.UNAVAILABLE),
    Listing.DOUBTED: (Standing.UNVERIFIED, Method.UNAVAILABLE),
    Listing.UNLISTED: (Standing.UNVERIFIED, Method.NONE),
    Listing.LISTED: (Standing.VERIFIED, Method.ADDRESS_LIST),
    Listing.ABSENT: (Standing.CONTRADICTED, Method.ADDRESS_LIST),
}
# They reach answers and records: no address stands in them.
_NOTES = {
    Listing.NOT_ASKED: "",
    Listing.HIDDEN: "the client's address is unknown",
    Listing.MISSING: "the address list of {operator} was never fetched",
    Listing.STALE: "the address list of {operator},{fetched}, is too old",
    Listing.DOUBTED: "the address list of {operator},{fetched}, would contradict most claims, so it is not believed",
    Listing.UNLISTED: "the client is not on the address list of {operator},{fetched}, which need not be complete",
    Listing.LISTED: "the client is on the address list of {operator},{fetched}",
    Listing.ABSENT: "the client is not on the complete address list of {operator},{fetched}",
}
