"""policy.advice: remarks on what is allowed but seldom meant."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.policy.advice import advise
from optout.policy.loader import load_policy

HEAD = "version: 1\non_error: allow\n"


def _remarks(text: str) -> list[str]:
    return [remark.text for remark in advise(load_policy((HEAD + text).encode(), "a.yaml", bundled_registry()))]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("default: allow\ncontact: you@example.org\n", ["contact"]),
        ("default: allow\nterms: https://www.example.com/terms\n", ["terms"]),
        ("default: allow\nterms: https://myexample.org/terms\ncontact: me@example.org.uk\n", []),
    ],
)
def test_an_example_that_was_left_is_named(text: str, keys: list[str]) -> None:
    assert [remark.split("`")[1] for remark in _remarks(text)] == keys


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("mode: enforce\ndefault: deny\n", 1),
        ("mode: enforce\ndefault: allow\nclauses:\n  - {action: deny, purpose: train}\n", 1),
        ("mode: enforce\ndefault: deny\ncontact: me@photos.example\n", 0),
        ("mode: observe\ndefault: deny\n", 0),
        ("mode: enforce\ndefault: allow\n", 0),
    ],
)
def test_whoever_refuses_should_be_reachable(text: str, count: int) -> None:
    assert len(_remarks(text)) == count
