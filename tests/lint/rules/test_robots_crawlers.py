"""RT3xx: as far as the registry knows."""

from __future__ import annotations

import pytest

from optout.crawlers.registry import bundled_registry
from optout.lint.base import RobotsSource
from optout.lint.rules.robots_crawlers import CRAWLERS
from optout.lint.runner import lint, lint_robots
from tests.calls import calls_of


def _texts(text: str, code: str) -> list[str]:
    return [finding.text for finding in lint_robots(text.encode(), bundled_registry()) if finding.code == code]


def test_a_control_token_names_who_fetches_all_the_same() -> None:
    (text,) = _texts("User-agent: Google-Extended\nDisallow: /\n", "RT301")
    assert "never fetches anything" in text
    assert _texts("User-agent: GPTBot\nDisallow: /\n", "RT301") == []


def test_a_name_that_nobody_knows_is_no_crawler() -> None:
    assert _texts("User-agent: NobodyKnowsMe\nDisallow: /\n", "RT302") == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GPT-Bot", "GPTBot"),
        ("ClaudBot", "ClaudeBot"),
        ("CCCBot", "CCBot"),
        ("btyespider", "Bytespider"),
        ("Bytespyder", "Bytespider"),
    ],
)
def test_a_misspelled_name_is_told_with_the_one_that_comes_near(name: str, meant: str) -> None:
    (text,) = _texts(f"User-agent: {name}\nDisallow: /\n", "RT305")
    assert text == f"{name} is no crawler that is known: was {meant} meant?"


@pytest.mark.parametrize(
    "name",
    ["GPTbot", "gptbot", "CCBot", "cbot", "NobodyKnowsMe", "*", "GPT-Bot/1.0", "Googlebot-News", "ZemBot", "LexiBot"],
)
def test_known_short_and_far_names_are_no_misspellings(name: str) -> None:
    assert _texts(f"User-agent: {name}\nDisallow: /\n", "RT305") == []


def test_no_token_of_the_registry_is_taken_for_a_misspelling() -> None:
    names = [token for crawler in bundled_registry().crawlers for token in crawler.robots_tokens]
    assert _texts("".join(f"User-agent: {name}\n" for name in names) + "Disallow: /\n", "RT305") == []


def test_looking_for_misspellings_takes_work_in_step_with_the_names() -> None:
    def work(count: int) -> int:
        names = "".join(f"User-agent: {chr(97 + n % 26) * 3}{chr(97 + n // 26 % 26) * 40}\n" for n in range(count))
        data = f"{names}Disallow: /\n".encode()
        return calls_of(lambda: lint(CRAWLERS, RobotsSource(data, bundled_registry())))

    few, many, more = work(1_000), work(2_000), work(3_000)
    assert more - many < 1.1 * (many - few)
