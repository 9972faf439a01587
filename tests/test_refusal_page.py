"""The page that a wrongly refused person sees: escaped, whole, and readable for machines."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from optout.refusal_page import page

PROBLEM = {
    "status": 403,
    "detail": "Not granted. Decided by robots.txt:12 Disallow: /gallery/.",
    "instance": "urn:uuid:01a20c34-56ce-71fd-b0e2-70289452840a",
}


def embedded(document: bytes) -> dict[str, object]:
    (text,) = re.findall(rb'<script type="application/problem\+json">(.*?)</script>', document, re.DOTALL)
    return dict(json.loads(text))


def test_it_shows_the_reason_once_and_the_number() -> None:
    text = page("Not granted", PROBLEM).decode()
    assert text.count("<h1>Not granted</h1>") == 1
    assert "<p>Decided by robots.txt:12 Disallow: /gallery/.</p>" in text
    assert "<code>urn:uuid:01a20c34-56ce-71fd-b0e2-70289452840a</code>" in text


def test_links_are_the_owner_s() -> None:
    text = page("Not granted", {**PROBLEM, "contact": "mailto:me@site.example", "terms": "/terms"}).decode()
    assert '<a href="mailto:me@site.example">me@site.example</a>' in text
    assert '<dt>Terms</dt><dd><a href="/terms">/terms</a></dd>' in text


@given(st.text())
def test_no_text_ends_an_element_and_machines_read_it_back(text: str) -> None:
    problem = {**PROBLEM, "detail": text, "terms": text}
    document = page("Not granted", problem)
    assert embedded(document) == problem
    assert document.count(b"<script") == document.count(b"</script>") == 1
    assert document.count(b"<a ") == 2
