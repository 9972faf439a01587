"""policy.model: which policy governs an authority, and whom a clause is about."""

from __future__ import annotations

import pytest

from optout.crawlers.model import Crawler, Purpose
from optout.policy.loader import policy_set
from optout.policy.model import (
    Action,
    Clause,
    ClauseAction,
    Mode,
    OnError,
    Place,
    Policy,
    names_of,
)

PLACE = Place(file="policy.yaml", line=1)


def _policy(file: str, *sites: str) -> Policy:
    return Policy(
        file=file,
        digest="0" * 64,
        sites=sites,
        mode=Mode.ENFORCE,
        default=Action.ALLOW,
        on_error=OnError.ALLOW,
        default_place=PLACE,
    )


POLICIES = policy_set(
    [
        _policy("exact", "photos.example", "photos.example:8080"),
        _policy("near", "*.blog.photos.example"),
        _policy("far", "*.photos.example", "[2001:db8::1]"),
        _policy("rest", "*"),
    ]
)


@pytest.mark.parametrize(
    ("authority", "file"),
    [
        ("photos.example", "exact"),
        ("photos.example:8080", "exact"),
        ("photos.example:9090", "exact"),
        ("a.photos.example", "far"),
        ("a.photos.example:9090", "far"),
        ("blog.photos.example", "far"),
        ("x.blog.photos.example", "near"),
        ("notphotos.example", "rest"),
        ("[2001:db8::1]:8080", "far"),
        ("[2001:db8::2]", "rest"),
        ("192.0.2.7", "rest"),
        ("", "rest"),
    ],
)
def test_the_nearest_name_governs_an_authority(authority: str, file: str) -> None:
    found = POLICIES.find(authority)
    assert found is not None
    assert found.file == file


def test_an_authority_that_nobody_named_has_no_policy() -> None:
    assert policy_set([_policy("a", "photos.example")]).find("paintings.example") is None


def test_a_set_lists_its_policies_in_order() -> None:
    assert [policy.file for policy in POLICIES] == ["exact", "near", "far", "rest"]


def test_a_place_reads_as_file_and_line() -> None:
    assert str(Place(file="no-training.yaml", line=14)) == "no-training.yaml:14"


GPTBOT = Crawler(name="GPTBot", operator="OpenAI", purposes=(Purpose.TRAIN,), robots_tokens=("GPTBot",))
GOOGLEBOT = Crawler(
    name="Googlebot", operator="Google", purposes=(Purpose.SEARCH, Purpose.TRAIN), robots_tokens=("Googlebot",)
)
KAGI = Crawler(
    name="Kagibot / kagi-fetcher", operator="Kagi", purposes=(Purpose.USER_FETCH,), robots_tokens=("kagi-fetcher", "x")
)


def _clause(**selectors: object) -> Clause:
    return Clause(id="a", action=ClauseAction.DENY, place=PLACE, **selectors)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("selectors", "about_gptbot", "about_googlebot"),
    [
        ({}, True, False),
        ({"crawlers": frozenset({"gptbot"})}, True, False),
        ({"crawlers": frozenset({"googlebot"})}, False, True),
        ({"operators": frozenset({"openai"})}, True, False),
        ({"operators": frozenset({"google"})}, False, False),
        ({"operators": frozenset({"google"}), "purposes": frozenset({Purpose.SEARCH})}, False, True),
        ({"purposes": frozenset({Purpose.TRAIN})}, True, False),
        ({"purposes": frozenset({Purpose.SEARCH})}, False, True),
        ({"crawlers": frozenset({"gptbot"}), "purposes": frozenset({Purpose.DATASET})}, False, False),
    ],
)
def test_a_clause_reaches_a_search_engine_only_by_its_name_or_its_purpose(
    selectors: dict[str, object], about_gptbot: bool, about_googlebot: bool
) -> None:
    clause = _clause(**selectors)
    assert clause.names(GPTBOT, GPTBOT.acts_for) is about_gptbot
    assert clause.names(GOOGLEBOT, GOOGLEBOT.acts_for) is about_googlebot


def test_a_crawler_with_several_names_is_meant_by_each() -> None:
    assert names_of(KAGI) == {"kagibot / kagi-fetcher", "kagibot", "kagi-fetcher"}
