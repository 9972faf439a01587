"""What a document says of a page, in words."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.report.reservation import says

TDM = (
    b'[{"location": "/art/", "tdm-reservation": 1, "tdm-policy": "https://a.example/p.json"},'
    b'{"location": "/free/", "tdm-reservation": 0}]'
)

RSL = (
    b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/art/"><license>\n'
    b'<permits type="usage">search</permits></license></content></rsl>'
)


@pytest.mark.parametrize(
    ("name", "data", "work", "words"),
    [
        ("robots.txt", b"User-agent: GPTBot\nDisallow: /art/\n", "/art/1", "may not fetch /art/1: GPTBot (line 2)"),
        ("robots.txt", b"User-agent: GPTBot\nDisallow: /art/\n", "/", "forbids none of the AI crawlers"),
        ("robots.txt", b"\xff\x00", "/", "forbids none"),
        ("tdmrep.json", TDM, "/art/1", "reserves the rights to text and data mining for /art/1"),
        ("tdmrep.json", TDM, "/art/1", "names the policy https://a.example/p.json"),
        ("tdmrep.json", TDM, "/free/1", "are not reserved"),
        ("tdmrep.json", TDM, "/other", "says nothing about /other"),
        ("tdmrep.json", b"{", "/other", "says nothing"),
        (
            "RSL /l.xml",
            RSL,
            "/art/1",
            "Without a license it does not permit, for /art/1: training (line 2: permits only search)",
        ),
        ("RSL /l.xml", RSL, "/art/1", "It permits everybody, for /art/1: search (line 2: permits search)."),
        ("RSL /l.xml", RSL, "/other", "says nothing about /other"),
        ("RSL /l.xml", b"<rsl>\xff", "/other", "says nothing"),
    ],
)
def test_it_is_said_in_a_sentence(name: str, data: bytes, work: str, words: str) -> None:
    assert any(words in sentence for sentence in says(name, data, work, bundled_registry()))


def test_who_is_not_forbidden_is_counted() -> None:
    told = says("robots.txt", b"User-agent: GPTBot\nDisallow: /\n", "/", bundled_registry())
    assert "It does not forbid it to" in told[1]
