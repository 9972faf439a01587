"""Answers at the front door become findings; the real ones come in test_doctor."""

from __future__ import annotations

from typing import Any

import pytest

from optout.adapters.doctor.checks import (
    is_refusal,
    look_at_caches,
    look_at_open_files,
    look_at_people,
    look_at_refusal,
    look_at_search,
)
from optout.adapters.doctor.findings import Finding, Level
from optout.adapters.doctor.visits import Target, Visits
from optout.adapters.doctor.watch import Seen
from optout.adapters.fetcher import Visited
from optout.crawlers.registry import bundled_registry
from optout.messages import Fields

GPTBOT = bundled_registry().by_name("GPTBot")
PAGE = Visited(status=200, body=b"page")
KEPT_OUT = (("Cache-Control", "no-store"), ("Vary", "User-Agent, Signature-Agent"))
REFUSAL = Visited(status=403, fields=Fields((("Content-Type", "application/problem+json"), *KEPT_OUT)), body=b"{}")


def _visits(**other: Any) -> Visits:
    assert GPTBOT is not None
    answers = ("person", "person_again", "search", "person_after", "nonce_person")
    usual = {**dict.fromkeys(answers, PAGE), "crawled": REFUSAL, "nonce_crawled": REFUSAL}
    target = Target(scheme="https", netloc="site.example", page="/")
    return Visits(target=target, crawler=GPTBOT, user_agent="GPTBot", nonce="/nonce", **{**usual, **other})


def _seen(target: str = "/nonce", **other: Any) -> Seen:
    usual = {"authority": "site.example", "scheme": "https", "address": None, "source": "unknown", "forwarded": {}}
    return Seen(target=target, user_agent="GPTBot", **{**usual, **other})


def _levels(findings: Any) -> dict[str, Level]:
    found: list[Finding] = list(findings)
    return {finding.code: finding.level for finding in found}


@pytest.mark.parametrize(
    ("seen", "refused"),
    [
        (REFUSAL, True),
        (PAGE, False),
        (Visited(status=403, body=b"forbidden"), False),
        (Visited(status=200, fields=REFUSAL.fields), False),
        (Visited(status=0, fault="no answer"), False),
        (
            Visited(
                status=402,
                fields=Fields((("content-type", "text/html; charset=utf-8"),)),
                body=b'<script type="application/problem+json">',
            ),
            True,
        ),
    ],
)
def test_a_refusal_of_optout_s_is_told_from_others(seen: Visited, refused: bool) -> None:
    assert is_refusal(seen) is refused


def test_a_person_is_served_refused_or_turned_away_by_the_site() -> None:
    assert _levels(look_at_people(_visits())) == {"people": Level.OK}
    assert _levels(look_at_people(_visits(person=REFUSAL))) == {"people": Level.FAULT}
    assert _levels(look_at_people(_visits(person=Visited(status=401)))) == {"people": Level.WARNING}


@pytest.mark.parametrize(
    ("other", "level"),
    [
        ({}, Level.OK),
        ({"search": REFUSAL}, Level.FAULT),
        ({"search": Visited(status=404)}, Level.WARNING),
        ({"search": Visited(fault="no answer")}, Level.WARNING),
        ({"search": Visited(status=200, body=b"keywords")}, Level.WARNING),
        ({"search": Visited(status=200, body=b"1"), "person_again": Visited(status=200, body=b"2")}, Level.OK),
    ],
)
def test_a_search_engine_gets_what_a_person_gets(other: dict[str, Visited], level: Level) -> None:
    assert _levels(look_at_search(_visits(**other))) == {"search": level}


def test_a_refusal_keeps_caches_away() -> None:
    assert _levels(look_at_refusal(_visits(), _seen(status=403))) == {"refusal": Level.OK, "refusal-fields": Level.OK}
    for fields in (KEPT_OUT[:1], KEPT_OUT[1:], ()):
        bare = Visited(status=403, fields=Fields((("Content-Type", "application/problem+json"), *fields)))
        assert _levels(look_at_refusal(_visits(nonce_crawled=bare), None))["refusal-fields"] is Level.FAULT


def test_a_pass_is_told_by_what_the_door_meant() -> None:
    for seen, level in (
        (None, Level.WARNING),
        (_seen(), Level.WARNING),
        (_seen(action="allow", enforced=True, clause="default"), Level.OK),
        (_seen(action="deny", enforced=False, clause="no"), Level.OK),
        (_seen(action="deny", enforced=True, clause="no", status=403), Level.FAULT),
    ):
        assert _levels(look_at_refusal(_visits(nonce_crawled=PAGE), seen)) == {"refusal": level}


def _marked(name: str, value: str) -> Visited:
    return Visited(status=200, body=b"page", fields=Fields(((name, value),)))


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("Age", "12", Level.WARNING),
        ("Age", "0", Level.OK),
        ("Age", "old", Level.OK),
        ("Age", "9" * 9999, Level.WARNING),
        ("X-Cache", "HIT from varnish", Level.WARNING),
        ("X-Cache", "MISS", Level.OK),
        ("CF-Cache-Status", "HIT", Level.WARNING),
        ("Cache-Status", 'nginx; hit; ttl="5"', Level.WARNING),
    ],
)
def test_a_cache_is_known_by_its_marks(name: str, value: str, level: Level) -> None:
    assert _levels(look_at_caches(_visits(person_after=_marked(name, value)), ())) == {"cache": level}


def test_a_cache_is_known_by_what_did_not_arrive_or_went_to_others() -> None:
    assert _levels(look_at_caches(_visits(), (_seen("/nonce"), _seen("/")))) == {"cache": Level.OK}
    assert _levels(look_at_caches(_visits(), (_seen("/nonce"),))) == {"cache": Level.FAULT}
    assert _levels(look_at_caches(_visits(), ())) == {"cache": Level.OK}
    assert _levels(look_at_caches(_visits(nonce_person=REFUSAL), ())) == {"cache": Level.FAULT}


def test_what_is_always_open_is_the_same_for_everybody() -> None:
    robots = Visited(status=200, body=b"User-agent: *")
    for crawler, person, found in (
        (robots, robots, {"always-open": Level.OK}),
        (REFUSAL, robots, {"always-open": Level.FAULT}),
        (Visited(status=200, body=b"other"), robots, {"always-open": Level.WARNING}),
        (Visited(status=404), Visited(status=404), {"always-open": Level.OK, "robots": Level.WARNING}),
    ):
        visits = _visits(open_to_crawler={"/robots.txt": crawler}, open_to_person={"/robots.txt": person})
        assert _levels(look_at_open_files(visits)) == found
