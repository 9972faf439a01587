"""The first sheets: the same account, the same bytes; whatever a crawler is called."""

from __future__ import annotations

import builtins
from dataclasses import replace

import pytest

from optout.report.figures import figures
from optout.report.start_here import PagesError, start_here
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


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name.startswith("reportlab"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(PagesError, match="reportlab"):
        start_here(ACCOUNT, counted())
