"""From a claim to an agent: who is asking, and how sure that is (design part 4, stop 4; part 6).

No network, no clock; never raises for what a stranger sent. An unverified claim takes rights away and never adds
them: the baseline is a visitor who claims nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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

    `purposes` are those by which clauses select this agent. A contradicted claim is nobody's: it is judged as an
    undocumented crawler as well, never as a search engine and never as a person (crawlers.md part 4.4).
    """

    claim: Claim
    standing: Standing
    method: Method
    note: str = ""
    purposes: frozenset[Purpose] = field(init=False)

    def __post_init__(self) -> None:
        own = self.claim.crawler.acts_for
        contradicted = self.standing is Standing.CONTRADICTED
        object.__setattr__(self, "purposes", own | {Purpose.UNDOCUMENTED} if contradicted else own)

    @property
    def purpose(self) -> Purpose:
        """The governing purpose, as printed and recorded."""
        return self.claim.crawler.purpose


def identify(claim: Claim) -> Agent:
    """The agent behind a claim. Without proofs every claim is unverified, or contradicts itself."""
    if claim.contradiction:
        return Agent(claim=claim, standing=Standing.CONTRADICTED, method=Method.NONE, note=claim.contradiction)
    return Agent(claim=claim, standing=Standing.UNVERIFIED, method=Method.NONE)
