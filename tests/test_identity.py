"""From claim to agent, without proofs."""

from __future__ import annotations

from optout.crawlers.model import Claim, Crawler, Purpose, SaidBy
from optout.identity import Method, Standing, identify


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
