"""From claim to agent: without proofs, and by the operator's address list."""

from __future__ import annotations

import pytest

from optout.crawlers.address_book import Listing
from optout.crawlers.model import Claim, Crawler, Purpose, SaidBy
from optout.identity import Method, Named, Standing, identify, is_open, name, prove, suffixes_of
from optout.signatures.verification import Verdict
from tests.crawlers.book import EXBOT as BOT
from tests.crawlers.book import ON, claim, snapshot

_DECISIVE = {Verdict.VERIFIED, Verdict.BAD_SIGNATURE, Verdict.KEYS_UNAVAILABLE}


def _claim(*purposes: Purpose, contradiction: str = "") -> Claim:
    crawler = Crawler(name="X", operator="Y", purposes=purposes)
    return Claim(crawler=crawler, token="X", said_by=SaidBy.USER_AGENT, named=(crawler,), contradiction=contradiction)


def test_a_claim_without_proof_is_unverified() -> None:
    agent = identify(_claim(Purpose.TRAIN))
    assert (agent.standing, agent.method) == (Standing.UNVERIFIED, Method.NONE)
    assert agent.purposes == {Purpose.TRAIN}


def test_a_contradiction_is_judged_as_undocumented_too() -> None:
    agent = identify(_claim(Purpose.CONTROL_TOKEN, contradiction="no request carries it"))
    assert agent.standing is Standing.CONTRADICTED
    assert agent.purposes == {Purpose.CONTROL_TOKEN, Purpose.UNDOCUMENTED}
    assert agent.note == "no request carries it"


def test_who_feeds_ordinary_search_counts_as_search() -> None:
    agent = identify(_claim(Purpose.SEARCH, Purpose.SEARCH_INDEX, Purpose.TRAIN))
    assert agent.purposes == {Purpose.SEARCH}
    assert agent.purpose is Purpose.SEARCH


@pytest.mark.parametrize(
    ("listing", "standing", "method"),
    [
        (Listing.NOT_ASKED, "unverified", "none"),
        (Listing.HIDDEN, "unverified", "unavailable"),
        (Listing.MISSING, "unverified", "unavailable"),
        (Listing.STALE, "unverified", "unavailable"),
        (Listing.DOUBTED, "unverified", "unavailable"),
        (Listing.UNLISTED, "unverified", "none"),
        (Listing.LISTED, "verified", "address-list"),
        (Listing.ABSENT, "contradicted", "address-list"),
    ],
)
def test_what_a_list_makes_of_a_claim(listing: Listing, standing: str, method: str) -> None:
    agent = identify(claim(BOT), listing, snapshot())
    assert (agent.standing.value, agent.method.value) == (standing, method)
    assert bool(agent.note) == (listing is not Listing.NOT_ASKED)
    assert ON not in agent.note
    assert (Purpose.UNDOCUMENTED in agent.purposes) == (standing == "contradicted")


def test_every_listing_has_a_meaning() -> None:
    assert {identify(claim(BOT), each).standing for each in Listing} <= set(Standing)


def test_the_note_names_the_operator_and_the_day() -> None:
    found = snapshot()
    agent = identify(claim(BOT), Listing.LISTED, found)
    assert agent.note == f"the client is on the address list of Example, fetched {found.fetched}"
    assert agent.address_list is found


def test_no_address_helps_a_claim_that_contradicts_itself() -> None:
    agent = identify(claim(BOT, contradiction="it cannot be"), Listing.LISTED, snapshot())
    assert (agent.standing, agent.note) == (Standing.CONTRADICTED, "it cannot be")


@pytest.mark.parametrize(
    ("verdict", "standing", "method"),
    [
        (Verdict.VERIFIED, "verified", "signature"),
        (Verdict.BAD_SIGNATURE, "contradicted", "signature"),
        (Verdict.KEYS_UNAVAILABLE, "unverified", "unavailable"),
        *((each, "unverified", "none") for each in Verdict if each not in _DECISIVE),
    ],
)
def test_what_a_signature_makes_of_a_claim(verdict: Verdict, standing: str, method: str) -> None:
    agent = prove(identify(claim(BOT)), verdict)
    assert (agent.standing.value, agent.method.value) == (standing, method)
    assert bool(agent.note) == (verdict not in (Verdict.UNSIGNED, Verdict.UNCHECKED))


@pytest.mark.parametrize(
    ("listing", "verdict", "standing", "method"),
    [
        (Listing.LISTED, Verdict.BAD_SIGNATURE, "verified", "address-list"),  # something between changed the request
        (Listing.LISTED, Verdict.VERIFIED, "verified", "signature"),
        (Listing.LISTED, Verdict.EXPIRED, "verified", "address-list"),
        (Listing.ABSENT, Verdict.VERIFIED, "verified", "signature"),
        (Listing.ABSENT, Verdict.EXPIRED, "contradicted", "address-list"),
        (Listing.ABSENT, Verdict.KEYS_UNAVAILABLE, "contradicted", "address-list"),
        (Listing.HIDDEN, Verdict.VERIFIED, "verified", "signature"),
        (Listing.STALE, Verdict.BAD_SIGNATURE, "contradicted", "signature"),
    ],
)
def test_a_signature_and_an_address_are_weighed_together(
    listing: Listing, verdict: Verdict, standing: str, method: str
) -> None:
    agent = prove(identify(claim(BOT), listing, snapshot()), verdict)
    assert (agent.standing.value, agent.method.value) == (standing, method)


def test_no_signature_helps_a_claim_that_contradicts_itself() -> None:
    agent = identify(claim(BOT, contradiction="it cannot be"))
    assert prove(agent, Verdict.VERIFIED) is agent


@pytest.mark.parametrize(
    ("named", "standing", "method"),
    [
        (Named.CONFIRMED, Standing.VERIFIED, Method.REVERSE_DNS),
        (Named.OTHER, Standing.UNVERIFIED, Method.NONE),
        (None, Standing.UNVERIFIED, Method.UNAVAILABLE),
    ],
)
def test_what_a_name_makes_of_a_claim(named: Named | None, standing: Standing, method: Method) -> None:
    agent = name(identify(claim(BOT)), named)
    assert (agent.standing, agent.method) == (standing, method)
    assert BOT.operator in agent.note


@pytest.mark.parametrize("listing", [Listing.LISTED, Listing.ABSENT])
@pytest.mark.parametrize("named", [*Named, None])
def test_a_name_changes_nothing_that_addresses_have_settled(listing: Listing, named: Named | None) -> None:
    agent = identify(claim(BOT), listing, snapshot(BOT.address_list))
    assert not is_open(agent)
    assert name(agent, named) is agent


def test_a_name_must_be_good_for_every_crawler_that_is_named() -> None:
    one = Crawler(name="One", operator="o", purposes=(Purpose.TRAIN,), rdns_suffixes=(".a.example", ".b.example"))
    two = Crawler(name="Two", operator="p", purposes=(Purpose.TRAIN,), rdns_suffixes=(".b.example",))
    both = Claim(crawler=one, token="One", said_by=SaidBy.USER_AGENT, named=(one, two))
    assert suffixes_of(both) == (".b.example",)
    assert suffixes_of(Claim(crawler=one, token="One", said_by=SaidBy.USER_AGENT, named=(one,))) == one.rdns_suffixes
