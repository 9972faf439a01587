"""The first sheets: the same account, the same bytes; whatever a crawler is called."""

from __future__ import annotations

from dataclasses import replace

from optout.report.figures import figures
from optout.report.start_here import start_here
from tests.report.test_visits import ACCOUNT, counted


def test_the_same_account_gives_the_same_bytes() -> None:
    first = start_here(ACCOUNT, counted(40))
    assert first.startswith(b"%PDF-")
    assert start_here(ACCOUNT, counted(40)) == first
    assert start_here(replace(ACCOUNT, case="another"), counted(40)) != first


def test_it_is_made_of_anything() -> None:
    odd = [
        {
            "type": "crawl.request",
            "id": str(number),
            "crawl.product": f"{char * 100}<b>{number}",
            "decision.action": char,
        }
        for number, char in enumerate("\u202e<&😀\x00é" * 4)
    ]
    assert start_here(ACCOUNT, figures(enumerate(odd))).startswith(b"%PDF-")
    assert start_here(ACCOUNT, figures([])).startswith(b"%PDF-")
