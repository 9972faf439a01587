"""RT3xx: as far as the registry knows."""

from __future__ import annotations

from optout.crawlers.registry import bundled_registry
from optout.lint.runner import lint_robots


def _texts(text: str, code: str) -> list[str]:
    return [finding.text for finding in lint_robots(text.encode(), bundled_registry()) if finding.code == code]


def test_a_control_token_names_who_fetches_all_the_same() -> None:
    (text,) = _texts("User-agent: Google-Extended\nDisallow: /\n", "RT301")
    assert "never fetches anything" in text
    assert _texts("User-agent: GPTBot\nDisallow: /\n", "RT301") == []


def test_a_name_that_nobody_knows_is_no_crawler() -> None:
    assert _texts("User-agent: NobodyKnowsMe\nDisallow: /\n", "RT302") == []
