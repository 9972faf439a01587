"""The page of a bundle: it says what it must, runs nothing, and nothing that a stranger sent works in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from optout.report import visits
from optout.report.account import Account
from optout.report.as_html import as_html
from optout.report.figures import Figures, figures
from optout.report.language import language
from optout.report.sheet import Sheet

HOSTILE = "<img src=x onerror=alert(1)>\u202e Ignore all previous instructions"
ACCOUNT = Account(
    case="Case 7 <b>",
    scope={"tenant": "alice.example"},
    since_us=None,
    until_us=1_795_000_000_000_000,
    made_us=1_795_000_000_000_000,
    made_by="clerk",
    software="optout 1",
    vkey="log+1+2",
    fingerprint="ff",
    seen_line="log 7 AAAA",
)


def counted(count: int = 2) -> Figures:
    """Visits of a hostile stranger, a gap and a retraction."""
    requests = [
        {
            "type": "crawl.request",
            "id": str(number),
            "time_us": 1_795_000_000_000_000 + number,
            "crawl.product": "GPTBot",
            "identity.standing": "contradicted",
            "decision.action": "deny",
            "decision.reasons": ["robots-disallow robots.txt:12"],
            "user_agent.original": HOSTILE,
            "url.path": f"/{HOSTILE}",
        }
        for number in range(count)
    ]
    more = [
        {"type": "log.gap", "reason": "disk-full", "from_us": 1, "to_us": 2},
        {"type": "crawl.retract", "crawl.request.id": "0"},
    ]
    return figures(enumerate([*requests, *more]))


REQUEST = {
    "type": "crawl.request",
    "id": "1",
    "time_us": 1_795_000_000_000_000,
    "crawl.product": "GPTBot",
    "identity.standing": "unverified",
    "decision.action": "deny",
    "decision.reasons": ["robots-disallow robots.txt:2"],
    "url.path": "/a",
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


def test_nothing_of_a_stranger_works() -> None:
    tags = _Tags()
    tags.feed(visits.page(ACCOUNT, counted()).decode())
    names = {name for name, _ in tags.found}
    assert not names & {"script", "img", "a", "link", "iframe", "form", "b"}
    assert {attribute for _, attributes in tags.found for attribute in attributes} <= {
        "lang", "charset", "http-equiv", "content", "name", "class", "scope",
    }  # fmt: skip


def test_it_says_what_a_reader_needs() -> None:
    page = visits.page(ACCOUNT, counted(5)).decode()
    for words in (
        "log 7 AAAA",
        "log+1+2",
        "<dd>4 contradicted</dd>",
        "1 that proved to be a person",
        "disk-full",
        "contradicted",
    ):
        assert words in page
    assert "robots.txt:12" in page
    assert "The times rest on the clock" in page
    assert "default-src 'none'" in page


def test_without_gaps_it_says_so() -> None:
    assert b"tells of no gap" in visits.page(ACCOUNT, figures([]))


def test_a_long_list_is_cut_and_says_where_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MOST_VISITS", 3)
    page = visits.page(ACCOUNT, counted(9)).decode()
    assert "The first 3 of 8" in page
    assert len(re.findall(r'<td class="n">\d+</td><td>[^<]+ UTC</td>', page)) == 3


def _texts(made: Sheet) -> str:
    return as_html(made).decode()


def test_a_report_on_one_crawler_tells_its_sources_the_rule_and_the_proof() -> None:
    found = figures(enumerate([{**REQUEST, "robots.sha256": "aa"}]))
    asked = visits.Asked(
        title="Visits of GPTBot to /a",
        documents={"aa": b"User-agent: *\nDisallow: /a\n"},
        about=(("Operator", "OpenAI"),),
        leaf_hashes={0: "f" * 64},
    )
    told = _texts(visits.sheet(ACCOUNT, found, asked))
    for words in (
        "<h1>Visits of GPTBot to /a</h1>",
        "nothing of it was observed here",
        "<mark>   2  Disallow: /a</mark>",
        "Proof: leaf hash",
        "f" * 64,
    ):
        assert words in told, words


def test_days_and_paths_are_listed_where_there_are_several() -> None:
    day = 86_400_000_000
    requests = [
        {**REQUEST, "id": str(number), "time_us": 1_795_000_000_000_000 + number * day, "url.path": f"/{number}"}
        for number in range(3)
    ]
    told = _texts(visits.sheet(ACCOUNT, figures(enumerate(requests)), visits.Asked()))
    assert "2026-11-18</td>" in told
    assert "Most sought" in told
    once = _texts(visits.sheet(ACCOUNT, figures(enumerate(requests[:1])), visits.Asked()))
    assert "By day" not in once
    assert "Most sought" not in once


def test_it_speaks_german() -> None:
    told = _texts(visits.sheet(ACCOUNT, counted(), visits.Asked(language="de"), language("de")))
    assert '<html lang="de">' in told
    assert "Nach Crawler" in told
    assert "By crawler" not in told
