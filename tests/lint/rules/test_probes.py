"""PB1xx: what is declared, held beside what was answered."""

from __future__ import annotations

import pytest

from optout.crawlers.model import Purpose
from optout.lint.rules.probes import PROBES, Declared, Enforced, Probed, declared_to
from optout.lint.rules.site import Answer, SiteSource
from optout.lint.runner import lint


def _site(robots: bytes, tdmrep: bytes = b"") -> SiteSource:
    return SiteSource(
        robots=Answer(url="/robots.txt", status=200, body=robots),
        tdmrep=Answer(url="/t", status=200 if tdmrep else 404, body=tdmrep),
        ai_txt=Answer(url="/ai.txt", status=404),
        page=Answer(url="/", status=200),
        target="/",
    )


ALL_SHUT = _site(b"User-agent: *\nDisallow: /\n")
RESERVED = _site(b"User-agent: *\nAllow: /\n", b'[{"location": "/", "tdm-reservation": 1}]')


@pytest.mark.parametrize(
    ("site", "purpose", "declared"),
    [
        (ALL_SHUT, Purpose.TRAIN, Declared.CLOSED),
        (ALL_SHUT, Purpose.USER_FETCH, Declared.UNBOUND),
        (_site(b"User-agent: GPTBot\nDisallow: /\n"), Purpose.USER_FETCH, Declared.CLOSED),
        (RESERVED, Purpose.TRAIN, Declared.RESERVED),
        (RESERVED, Purpose.SEARCH, Declared.OPEN),
        (RESERVED, Purpose.PREVIEW, Declared.OPEN),
        (_site(b""), Purpose.TRAIN, Declared.OPEN),
    ],
)
def test_a_site_declares_by_robots_txt_and_by_reservation(
    site: SiteSource, purpose: Purpose, declared: Declared
) -> None:
    assert declared_to(site, ("GPTBot",), purpose) is declared


def _probe(declared: Declared, status: int, person: int = 200) -> Probed:
    return Probed(purpose=Purpose.TRAIN, crawler="GPTBot", declared=declared, status=status, person=person)


@pytest.mark.parametrize(
    ("probe", "codes"),
    [
        (_probe(Declared.CLOSED, 403), []),
        (_probe(Declared.CLOSED, 200), ["PB101"]),
        (_probe(Declared.OPEN, 200), []),
        (_probe(Declared.OPEN, 402), ["PB102"]),
        (_probe(Declared.RESERVED, 200), []),
        (_probe(Declared.RESERVED, 402), []),
        (_probe(Declared.UNBOUND, 200), []),
        (_probe(Declared.UNBOUND, 403), []),
        (_probe(Declared.CLOSED, 0), ["PB103"]),
        (_probe(Declared.OPEN, 403, person=403), ["PB103"]),
        (_probe(Declared.CLOSED, 502), ["PB103"]),
    ],
)
def test_only_a_difference_is_found(probe: Probed, codes: list[str]) -> None:
    assert [each.code for each in lint(PROBES, (probe,))] == codes


def test_an_answer_that_a_person_does_not_get_either_means_nothing() -> None:
    assert _probe(Declared.OPEN, 403, person=503).enforced is Enforced.UNCLEAR
