"""The certificate: what a lawyer reads, with nothing in it that a stranger made work."""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser

from optout.report.as_html import as_html
from optout.report.declaration import Certified, sheet
from optout.report.history import DAY_US, history
from tests.report.test_history import seen
from tests.report.test_visits import ACCOUNT

HOSTILE = "<script>alert(1)</script>\u202e"
ROBOTS = f"User-agent: GPTBot\r\nDisallow: /\n# {HOSTILE}\n".encode()
SHA256 = hashlib.sha256(ROBOTS).hexdigest()


def _page(*records: dict[str, object], **more: object) -> str:
    found = history(enumerate(records), "a.example")
    given: dict[str, object] = {
        "account": ACCOUNT,
        "history": found,
        "work": f"/art/{HOSTILE}",
        "documents": {SHA256: ROBOTS},
        "says": {SHA256: ("It tells GPTBot that it may not.",)},
        **more,
    }
    return as_html(sheet(Certified(**given))).decode()  # type: ignore[arg-type]


def test_it_tells_what_was_there_from_when_to_when_and_who_fetched_it() -> None:
    fetch = {
        "type": "crawl.request",
        "server.address": "a.example",
        "url.path": "/robots.txt",
        "time_us": DAY_US,
        "crawl.product": HOSTILE,
        "identity.standing": "unverified",
        "robots.sha256": SHA256,
    }
    gap = {"type": "log.gap", "reason": HOSTILE, "from_us": 1, "to_us": 2}
    told = _page(seen(1, SHA256), seen(2, SHA256), seen(2, "", "tdmrep.json"), fetch, gap)
    for words in (
        "1970-01-02 00:00:00 UTC to 1970-01-03 00:00:00 UTC at least (records 0 and 1 of the log)",
        "It tells GPTBot that it may not.",
        "Looked at without interruption",
        "There was no such file",
        f"<dd>{SHA256}</dd>",
        f"{len(ROBOTS)}; printed below",
        f"1 x {SHA256[:8]}…",
        "log 7 AAAA",
        "Signature",
        "   1  User-agent: GPTBot\n   2  Disallow: /",
    ):
        assert words in told, words


def test_a_license_document_has_a_heading_of_its_own() -> None:
    assert "<h2>/l.xml, under which terms the content can be had (RSL)</h2>" in _page(seen(1, SHA256, "RSL /l.xml"))


def test_nothing_of_a_stranger_works() -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: set[str] = set()

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.found.add(tag)

    tags = Tags()
    tags.feed(_page(seen(1, SHA256)))
    assert not tags.found & {"script", "img", "a", "iframe"}
    assert "\u202e" not in _page(seen(1, SHA256))


def test_without_any_crawler_and_without_any_record_it_says_so() -> None:
    told = _page(seen(1, "ff" * 32))
    assert "No AI crawler fetched it in this period. The declaration stands without that." in told
    assert "Its bytes are not in the log." in told
    assert "does not tell of anything" in _page()
    assert "None in this period." in _page()


def test_a_hole_is_told_and_another_period_is_left_out() -> None:
    told = _page(seen(1, SHA256), seen(9, SHA256))
    assert "Not looked at for more than a day: 1970-01-02 00:00:00 UTC - 1970-01-10 00:00:00 UTC" in told
    from dataclasses import replace

    later = _page(seen(1, SHA256), seen(2, "ff" * 32), account=replace(ACCOUNT, since_us=3 * DAY_US, until_us=None))
    assert SHA256 not in later
    earlier = _page(seen(1, SHA256), account=replace(ACCOUNT, since_us=None, until_us=DAY_US))
    assert "Nothing is known of it in this period." in earlier


def test_a_long_document_is_cut_on_the_page() -> None:
    data = b"# " + b"x" * 9000
    digest = hashlib.sha256(data).hexdigest()
    assert "The first 4000 characters" in _page(seen(1, digest), documents={digest: data})
