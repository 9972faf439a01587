"""Which rule decides, for whom, and how little is looked at to find it."""

from __future__ import annotations

import pytest

from optout.robots import matcher
from optout.robots.matcher import PatternIndex, RobotsMatcher, also_matching
from optout.robots.model import EMPTY, PathPattern
from optout.robots.parser import parse_robots


def matcher_for(*lines: str) -> RobotsMatcher:
    return RobotsMatcher(parse_robots("\n".join(lines).encode()))


def index_of(*patterns: str) -> PatternIndex:
    return PatternIndex([PathPattern.parse(pattern) for pattern in patterns])


def test_an_index_gives_all_that_match_in_ascending_order() -> None:
    index = index_of("/a/b", "/*c", "/a", "", "/a/b/c$", "/b", "/", "/a*z", "*")
    assert index.matching(b"/a/b/c") == [0, 1, 2, 4, 6, 8]
    assert index.matching(b"/") == [6, 8]
    assert index_of().matching(b"/") == []


def test_the_first_of_an_index_is_the_least_number_not_the_longest_pattern() -> None:
    assert index_of("/", "/a/b/c").first(b"/a/b/c") == 0
    assert index_of("/x", "/a*", "/a/b").first(b"/a/b") == 1
    assert index_of("/x", "/y$").first(b"/z") is None
    assert index_of().first(b"/") is None


def test_prefixes_that_the_path_sorts_behind_but_does_not_begin_with_are_passed_over() -> None:
    index = index_of("/a", "/a/b", "/a/b/c", "/a/b/c/d")
    assert index.matching(b"/a/b/zzz") == [0, 1]
    assert index.matching(b"/azzz") == [0]


def test_a_match_names_its_rule_token_and_groups() -> None:
    found = matcher_for("User-agent: GPTBot", "Disallow: /a", "Allow: /a/b").match(("gptbot",), "/a/b?c#d")
    assert found.rule is not None
    assert (found.allowed, found.rule.line, found.rule.text) == (True, 3, "Allow: /a/b")
    assert (found.token, found.everyone, [group.line for group in found.groups]) == ("GPTBot", False, [1])


def test_no_rule_is_an_answer_too() -> None:
    found = matcher_for("User-agent: GPTBot", "Disallow: /a").match(("GPTBot",), "/b")
    assert (found.allowed, found.rule, found.token) == (True, None, "GPTBot")


def test_the_first_token_that_a_group_names_binds() -> None:
    robots = matcher_for(
        "User-agent: Old", "Disallow: /old", "User-agent: New", "Disallow: /new", "User-agent: *", "Disallow: /"
    )
    assert robots.match(("New", "Old"), "/").token == "New"
    assert robots.match(("Unheard", "Old"), "/").token == "Old"
    assert robots.match(("Unheard",), "/").token == "*"
    assert robots.match((), "/").everyone


def test_names_are_whole_values_without_case() -> None:
    robots = matcher_for("User-agent: Foo Bot/1.0", "User-agent: ", "Disallow: /")
    assert [robots.names(token) for token in ("foo bot/1.0", " Foo Bot/1.0\t", "Foo", "*", "")] == [
        *(True, True, False, False, False)
    ]
    assert robots.match(("",), "/").token is None


def test_of_equal_rules_the_first_line_is_named() -> None:
    found = matcher_for("User-agent: a", "Disallow: /x", "User-agent: a", "Disallow: /x").match(("a",), "/x")
    assert found.rule is not None
    assert found.rule.line == 2


def test_a_token_twice_in_one_group_merges_it_once() -> None:
    found = matcher_for("User-agent: a", "User-agent: A", "Disallow: /").match(("A",), "/")
    assert (len(found.groups), found.token) == (1, "a")


def test_the_empty_file_binds_nobody() -> None:
    found = RobotsMatcher(EMPTY).match(("a",), "/")
    assert (found.allowed, found.rule, found.token, found.groups, found.everyone) == (True, None, None, (), False)


def test_the_rules_that_match_and_did_not_decide_are_told_in_order() -> None:
    robots = matcher_for("User-agent: a", "Allow: /", "Disallow: /a", "Allow: /a", "Disallow: /b", "Disallow: /*")
    found = robots.match(("a",), "/a")
    assert [rule.line for rule in also_matching(found, "/a")] == [3, 6, 2]
    assert also_matching(RobotsMatcher(EMPTY).match(("a",), "/a"), "/a") == ()


def test_rules_with_another_literal_prefix_are_never_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0
    matches = PathPattern.matches

    def counting(self: PathPattern, path: bytes) -> bool:
        nonlocal tried
        tried += 1
        return matches(self, path)

    monkeypatch.setattr(PathPattern, "matches", counting)
    lines = [f"Disallow: /section-{number}/*.html$" for number in range(5_000)]
    robots = matcher_for("User-agent: a", *lines, *(f"Disallow: /s-{number}/" for number in range(5_000)))
    assert not robots.match(("a",), "/section-77/x.html").allowed
    assert not robots.match(("a",), "/s-77/x.html").allowed
    assert robots.match(("a",), "/news/x.html").allowed
    assert tried == 1


def test_only_rules_that_could_still_decide_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"Disallow: /*{'x' * number}" for number in range(50)]
    robots = matcher_for("User-agent: a", *lines, f"Allow: /{'y' * 200}")
    assert robots.match(("a",), "/").rule  # indexed before the counting begins
    monkeypatch.setattr(PathPattern, "matches", None)  # to try a rule would now raise
    found = robots.match(("b", "a"), "/" + "y" * 200)
    assert found.allowed


def test_answers_are_kept_but_never_without_limit() -> None:
    rules = [f"Disallow: /{number:05d}" for number in range(2_000)]
    robots = matcher_for("User-agent: a", *rules)
    for number in range(2_000):
        found = robots.match(("a",), f"/{number:05d}")
        assert found.rule is not None
        assert found.rule.line == number + 2
    assert len(robots._bindings["a"].answers) <= matcher._MOST_ANSWERS
    assert robots.match(("a",), "/00007") == robots.match(("a",), "/00007")


def test_what_strangers_ask_for_is_not_remembered() -> None:
    robots = matcher_for("User-agent: a", "Disallow: /")
    for number in range(1_000):
        robots.match((f"stranger-{number}",), f"/{number}")
    assert list(robots._bindings) == ["a"]


def test_indexes_of_one_site_are_bounded_however_many_tokens_share_its_rules() -> None:
    tokens = [f"t{number}" for number in range(600)]
    shared = [f"User-agent: {token}" for token in tokens] + [f"Disallow: /{number}" for number in range(1_000)]
    own = [line for token in tokens for line in (f"User-agent: {token}", f"Allow: /{token}")]
    robots = matcher_for(*shared, *own)
    for token in (*tokens, tokens[0]):
        assert [robots.match((token,), path).allowed for path in ("/7", f"/{token}", "/other")] == [False, True, True]
    assert sum(rules for _, rules in robots._held) <= matcher._MOST_RULES
    assert len(robots._held) <= matcher._MOST_INDEXES
    built = [binding for binding in robots._bindings.values() if binding.merged.ranked is not None]
    assert len(built) == len(robots._held)


def test_tokens_of_the_same_groups_share_one_index() -> None:
    robots = matcher_for("User-agent: a", "User-agent: b", "Disallow: /x")
    assert [robots.match((token,), "/x").token for token in "ab"] == ["a", "b"]
    assert len(robots._held) == 1
