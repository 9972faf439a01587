"""From a claim to an agent: who is asking, and how sure that is (design part 4, stop 4; part 6).

No network, no clock; never raises for what a stranger sent. An unverified claim takes rights away and never adds
them: the baseline is a visitor who claims nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from optout.crawlers.address_book import Listing
from optout.crawlers.list_snapshot import ListSnapshot
from optout.crawlers.model import Claim, Purpose
from optout.signatures.verification import Verdict


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


class Named(StrEnum):
    """What forward-confirmed reverse DNS says of an address. Closed.

    `CONFIRMED`: a name of the address ends in the operator's suffix, and leads back to it. `OTHER`: no name does, for
    certain. A question that could not be answered in time has no answer.
    """

    CONFIRMED = "confirmed"
    OTHER = "other"


def suffixes_of(claim: Claim) -> tuple[str, ...]:
    """The ends of names that prove a claim: those that every crawler which it names has, each with its dot."""
    common = set(claim.crawler.rdns_suffixes).intersection(*(each.rdns_suffixes for each in claim.named))
    return tuple(suffix for suffix in claim.crawler.rdns_suffixes if suffix in common)


def is_open(agent: Agent) -> bool:
    """Whether a name could still say something: addresses have neither verified nor contradicted the claim."""
    return agent.standing is Standing.UNVERIFIED


def name(agent: Agent, named: Named | None) -> Agent:
    """The agent after its address was asked for its name; None where no answer came.

    A name that leads back proves the claim: nobody but the operator can give that name to an address. One that does not
    proves nothing against it, for names are lost and delayed.
    """
    if not is_open(agent):
        return agent
    operator = agent.claim.crawler.operator
    if named is Named.CONFIRMED:
        note = f"the client has a name of {operator}, which leads back to it"
        return Agent(claim=agent.claim, standing=Standing.VERIFIED, method=Method.REVERSE_DNS, note=note)
    said = f"the client has no name of {operator}" if named else f"whether the client has a name of {operator} is open"
    method = agent.method if named is Named.OTHER else Method.UNAVAILABLE
    return replace(agent, method=method, note="; ".join(part for part in (agent.note, said) if part))


def signers_of(claim: Claim) -> frozenset[str]:
    """The hosts whose signature proves a claim: those that sign for every crawler that it names."""
    return frozenset(claim.crawler.signature_agents).intersection(*(each.signature_agents for each in claim.named))


def prove(agent: Agent, verdict: Verdict) -> Agent:
    """The agent, known so far by addresses and names, after its signature was looked at.

    A valid signature is the strongest proof. A bad one contradicts a claim, unless an address already verifies it: then
    something on the way has changed what was signed. All else that can be wrong with a signature proves nothing, for it
    happens to honest signers with slow clocks, new keys or a retry.
    """
    note = _SIGNED[verdict].format(operator=agent.claim.crawler.operator)
    if agent.claim.contradiction or not note:
        return agent
    if verdict is Verdict.VERIFIED:
        return Agent(claim=agent.claim, standing=Standing.VERIFIED, method=Method.SIGNATURE, note=note)
    if verdict is Verdict.BAD_SIGNATURE and agent.standing is not Standing.VERIFIED:
        return Agent(claim=agent.claim, standing=Standing.CONTRADICTED, method=Method.SIGNATURE, note=note)
    is_open = agent.standing is Standing.UNVERIFIED and agent.method is Method.NONE
    method = Method.UNAVAILABLE if verdict is Verdict.KEYS_UNAVAILABLE and is_open else agent.method
    return replace(agent, method=method, note="; ".join(part for part in (agent.note, note) if part))


# As above: they reach answers and records, so nothing of the request stands in them.
_SIGNED = {
    Verdict.UNSIGNED: "",
    Verdict.UNCHECKED: "",
    Verdict.VERIFIED: "the request is signed with a key of {operator}",
    Verdict.MALFORMED: "the signature cannot be read",
    Verdict.WRONG_TAG: "the signature is not one of Web Bot Auth",
    Verdict.MISSING_PARAMETER: "the signature lacks created, expires or keyid",
    Verdict.TARGET_NOT_COVERED: "the signature does not cover the site that is asked",
    Verdict.AGENT_NOT_COVERED: "the signature does not cover Signature-Agent",
    Verdict.AGENT_ABSENT: "the signature comes without Signature-Agent, so nobody knows whose it is",
    Verdict.AGENT_UNREADABLE: "Signature-Agent names no https address for this signature",
    Verdict.OTHER_DIRECTORY: "the signature names keys elsewhere than in the directory of a host",
    Verdict.OTHER_SIGNER: "the signature names keys of somebody else than {operator}",
    Verdict.COMPONENT_UNAVAILABLE: "the signature covers something that cannot be rebuilt from the request",
    Verdict.UNSUPPORTED_ALGORITHM: "the signature is made with another algorithm than Ed25519",
    Verdict.NOT_YET_VALID: "the signature is dated in the future",
    Verdict.EXPIRED: "the signature has expired",
    Verdict.LIVES_TOO_LONG: "the signature is made to live too long",
    Verdict.KEYS_UNAVAILABLE: "the keys of {operator} could not be had in time",
    Verdict.UNKNOWN_KEY: "the signature names a key that {operator} does not list",
    Verdict.KEY_NOT_VALID: "the signature names a key that {operator} lists for another time",
    Verdict.BAD_SIGNATURE: "the signature is wrong: no key of {operator} made it for this request",
    Verdict.DOUBTED: "the signature is wrong, perhaps because something between has changed the request",
    Verdict.REPLAYED: "the signature has been used before",
}
