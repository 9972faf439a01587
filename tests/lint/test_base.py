"""The file that rules look at."""

from __future__ import annotations

from optout.crawlers.registry import bundled_registry
from optout.lint.base import RobotsSource, shown


def test_lines_count_as_the_parser_counts_them() -> None:
    source = RobotsSource(b"\xef\xbb\xbfUser-agent: a # c\r\nDisallow : /x\rallow:\n\nno colon", bundled_registry())
    assert source.records == ((1, "user-agent", "a"), (2, "disallow", "/x"), (3, "allow", ""))
    assert source.robots.groups[0].rules[0].line == 2


def test_a_stranger_s_text_is_printable_ascii() -> None:
    assert shown("a\x1b\u202e\ud800") == "a\\x1b\\u202e\\ud800"
    assert len(shown("x" * 1000)) == 200
