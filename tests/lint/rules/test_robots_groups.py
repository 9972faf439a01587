"""RT2xx; that each finds its example is tested in test_runner."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.lint.runner import lint_robots


def _places(text: str, code: str) -> list[int]:
    return [finding.line for finding in lint_robots(text.encode(), bundled_registry()) if finding.code == code]


def test_a_list_of_user_agents_is_no_group_without_a_rule() -> None:
    assert _places("User-agent: a\n\nUser-agent: b\nDisallow: /\n", "RT202") == []
    assert _places("User-agent: a\nSitemap: https://x/s\nUser-agent: b\nDisallow: /\n", "RT202") == []
    assert _places("User-agent: a\nDisallow: /\nUser-agent: b\n", "RT202") == [3]


@pytest.mark.parametrize(("own", "told"), [("Disallow: /drafts/", []), ("Disallow: /", []), ("Disallow: /x", [4])])
def test_restrictions_that_a_group_repeats_or_widens_are_not_missed(own: str, told: list[int]) -> None:
    assert _places(f"User-agent: *\nDisallow: /drafts/\n\nUser-agent: a\n{own}\n", "RT203") == told


def test_of_two_rules_with_one_pattern_the_loser_is_named() -> None:
    assert _places("User-agent: a\nDisallow: /x\nAllow: /x\n", "RT204") == [2]
    assert _places("User-agent: a\nAllow: /x\nDisallow: /x\n", "RT204") == [3]
    assert _places("User-agent: a\nDisallow: /x\nDisallow: /x\n", "RT204") == [3]


def test_a_cdn_that_prepends_an_allow_is_found_at_the_rule_that_it_disarms() -> None:
    assert _places("User-agent: *\nAllow: /\n\nUser-agent: *\nDisallow: /\n", "RT207") == [5]


def test_a_site_that_disallows_everything_hides_nothing_by_accident() -> None:
    assert _places("User-agent: *\nDisallow: /\n", "RT209") == []
    assert _places("User-agent: *\nDisallow: /*.json\n", "RT209") == [2]
    named = "User-agent: *\nDisallow: /l\nLicense: https://site.example/license.xml\n"
    assert _places(named, "RT209") == [2]
    assert _places("User-agent: *\nDisallow: /l\n", "RT209") == []


def test_an_empty_line_between_groups_is_not_within_one() -> None:
    assert _places("\nUser-agent: a\nDisallow: /\n\n\nUser-agent: b\nDisallow: /\n\n", "RT210") == []
    assert _places("User-agent: a\n# why\nDisallow: /\n \nAllow: /x\n", "RT210") == []


def test_an_empty_line_within_a_group_is_found_once() -> None:
    assert _places("User-agent: a\n\n\nUser-agent: b\nDisallow: /\n\nAllow: /x\n", "RT210") == [2, 6]
    assert _places("User-agent: a\nDisallow: /\n\nSitemap: https://x/s\n\nDisallow: /b\n", "RT210") == [3]
