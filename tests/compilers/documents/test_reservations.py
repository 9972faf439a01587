"""tdmrep.json and its policy, made from a policy and read back."""

from __future__ import annotations

import json

import pytest

from optout.compilers.documents.reservations import CONTEXTS, PROFILE, odrl_json, reservations, tdmrep_json
from optout.signals.tdmrep import Reserved, TdmMatcher, parse_tdmrep
from tests.compilers.documents.published import NO_TRAINING, policy

URL = "https://site.example/tdm.json"
EVERY = "purpose: [train, dataset, search-index, user-fetch, undocumented]"


def rules(more: str, default: str = "allow") -> list[tuple[str, int]]:
    data = tdmrep_json(reservations(policy(more, default)).lines, URL)
    assert not parse_tdmrep(data).faults
    return [(rule["location"], rule["tdm-reservation"]) for rule in json.loads(data)]


@pytest.mark.parametrize(
    ("clauses", "default", "expected"),
    [
        ("", "allow", []),
        ("", "deny", [("/", 1)]),
        (NO_TRAINING, "allow", [("/", 1)]),
        ("clauses: [{action: deny, purpose: user-fetch}]\n", "allow", []),
        ("clauses: [{action: deny, crawler: GPTBot}]\n", "allow", []),
        (f"clauses: [{{action: allow, {EVERY}, path: /free/}}]\n", "deny", [("/free/", 0), ("/", 1)]),
        ("clauses: [{action: allow, purpose: train, path: /free/}]\n", "deny", [("/", 1)]),
        ("clauses: [{action: allow, path: /free/}]\n", "deny", [("/", 1)]),
        ("clauses: [{action: published, path: /free/}]\n", "deny", [("/", 1)]),
    ],
)
def test_a_reservation_is_what_is_refused_and_zero_only_what_is_permitted(
    clauses: str, default: str, expected: list[tuple[str, int]]
) -> None:
    assert rules(clauses, default) == expected


def test_the_policy_stands_with_a_reservation_alone() -> None:
    data = tdmrep_json(
        reservations(policy(f"clauses: [{{action: allow, {EVERY}, path: /free/}}]\n", "deny")).lines, URL
    )
    matcher = TdmMatcher(parse_tdmrep(data))
    free, other = matcher.match("/free/1"), matcher.match("/1")
    assert free is not None
    assert other is not None
    assert (free.reserved, free.policy, other.reserved, other.policy) == (
        Reserved.NOT_RESERVED, "", Reserved.RESERVED, URL,
    )  # fmt: skip


def test_the_policy_is_an_offer_of_mining_with_consent() -> None:
    offer = json.loads(odrl_json(policy("terms: /terms\n"), uid=URL, site="https://site.example"))
    assert offer["@context"] == list(CONTEXTS)
    assert (offer["@type"], offer["profile"], offer["uid"]) == ("Offer", PROFILE, URL)
    assert offer["assigner"] == {
        "uid": "https://site.example",
        "vcard:hasEmail": "mailto:me@site.example",
        "vcard:hasURL": "https://site.example/terms",
    }
    assert offer["permission"] == [{"action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}]
