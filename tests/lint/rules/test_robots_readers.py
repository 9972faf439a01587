"""RT306: what one reader takes otherwise than the others, for crawlers that are known."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.crawlers.registry import bundled_registry
from optout.lint.base import RobotsSource
from optout.lint.rules.robots_readers import READERS
from optout.lint.runner import lint
from tests.calls import calls_of


def found(text: str | bytes) -> list[tuple[int, str]]:
    data = text.encode() if isinstance(text, str) else text
    return [(each.line, each.text) for each in lint(READERS, RobotsSource(data, bundled_registry()))]


def test_who_reads_it_otherwise_is_told_with_a_path_and_the_line() -> None:
    assert found("User-agent: CCBot\nDisallow: /a$b\n") == [
        (
            2,
            "/a$b is closed to CCBot as the standard reads it, and open to Python's reader",
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "User-agent: *\nDisallow: /\n",
        "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /a\nAllow: /a/b\n\nUser-agent: *\nDisallow: /*.jpg$\n",
        "User-agent: NobodyKnowsMe\nDisallow: /a$b\n",
        "User-agent: 360Spider\nDisallow: /\n",  # Google's reader stops at the digit, and is not 360's
    ],
)
def test_where_all_agree_on_known_crawlers_nothing_is_told(text: str) -> None:
    assert found(text) == []


def test_a_crawler_that_is_not_named_is_asked_for_as_well() -> None:
    ((line, text),) = found("User-agent: *\nDisallow: /a$b\n")
    assert (line, text.partition(" is closed to ")[0]) == (2, "/a$b")


def test_one_find_for_each_crawler() -> None:
    names = "".join(f"User-agent: {name}\n" for name in ("GPTBot", "CCBot"))
    assert len(found(f"{names}Disallow: /a$b\nDisallow: /c$d\n")) == 2


def test_what_is_asked_is_bounded() -> None:
    def work(count: int) -> int:
        data = "User-agent: CCBot\n" + "".join(f"Disallow: /part-{n}/x$y\n" for n in range(count))
        source = RobotsSource(data.encode(), bundled_registry())
        return calls_of(lambda: lint(READERS, source))

    small, large = work(500), work(2000)
    assert large < 8 * small
    assert found("User-agent: CCBot\n" + "Disallow: /a$b\n" * 10_000) == []  # too large
    assert found("User-agent: CCBot\nDisallow: /" + "*a" * 9 + "$b\n") == []


@settings(max_examples=60)
@given(st.binary(max_size=400))
def test_nothing_raises(data: bytes) -> None:
    found(b"User-agent: CCBot\nDisallow: " + data)
