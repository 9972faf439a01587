"""First match and longest match come to the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.compilers.documents import ordered
from optout.compilers.documents.ordered import Line, by_length, canonical
from optout.policy.model import Action, Place
from optout.robots.model import PathPattern, normalize_path

PARTS = st.lists(st.sampled_from(["/", "a", "b", "*", "$", ".", "%24", "%2A", "%61", "ä", "%", "41"]), max_size=6)
PATTERNS = PARTS.map("".join).map(lambda text: text if text[:1] == "*" else f"/{text}")
PATHS = st.lists(st.sampled_from(["/", "a", "b", "$", ".", "%24", "x", "%41"]), max_size=6).map("".join)


def line(pattern: str, action: Action = Action.DENY) -> Line:
    return Line(pattern=PathPattern.parse(pattern), action=action, place=Place(file="p.yaml", line=1))


def written(*lines: Line) -> list[str]:
    return [each.pattern.written for each in by_length(lines).lines]


@pytest.mark.parametrize(
    ("pattern", "same"),
    [
        ("*", "/"), ("/*", "/"), ("/a**b*", "/a*b"), ("/a*$", "/a"), ("*$", "/"), ("/a$*", "/a$*"), ("/a$", "/a$"),
        ("/%61", "/a"), ("/ä", "/%C3%A4"),
    ],
)  # fmt: skip
def test_a_pattern_is_written_without_needless_stars(pattern: str, same: str) -> None:
    assert canonical(PathPattern.parse(pattern)).written == same


@given(PATTERNS, PATHS)
def test_a_canonical_pattern_matches_the_same_paths(pattern: str, path: str) -> None:
    parsed, octets = PathPattern.parse(pattern), normalize_path(path)
    assert canonical(parsed).matches(octets) is parsed.matches(octets)


def test_what_never_decides_is_left_out() -> None:
    assert written(line("/a"), line("/a/b", Action.ALLOW), line("*"), line("/c", Action.ALLOW)) == ["/"]


def test_a_shorter_pattern_that_comes_first_gets_stars() -> None:
    assert written(line("/*.jpg$"), line("/gallery/", Action.ALLOW)) == ["/****.jpg$", "/gallery/"]


def test_patterns_that_never_meet_stay_short() -> None:
    assert written(line("/b*c"), line("/gallery/", Action.ALLOW)) == ["/b*c", "/gallery/"]


def test_a_pattern_without_room_for_a_star_is_told() -> None:
    found = by_length([line("/a$", Action.ALLOW), line("/*a*a*a$"), line("/*a$")])
    assert [each.pattern.written for each in found.stuck] == ["/a$"]


@given(st.lists(st.tuples(PATTERNS, st.sampled_from([Action.ALLOW, Action.DENY])), max_size=6), PATHS)
def test_the_first_match_and_the_longest_say_the_same(pairs: list[tuple[str, Action]], path: str) -> None:
    lines = [line(pattern, action) for pattern, action in pairs]
    octets, found = normalize_path(path), by_length(lines)
    if found.stuck:
        return
    first = next((each.allows for each in lines if each.pattern.matches(octets)), None)
    still = next((each.allows for each in found.lines if each.pattern.matches(octets)), None)
    matching = [each for each in found.lines if each.pattern.matches(octets)]
    longest = max(matching, key=lambda each: (each.pattern.priority, each.allows)) if matching else None
    assert first is still
    assert first is (None if longest is None else longest.allows)


def test_very_many_patterns_are_not_compared_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    monkeypatch.setattr(ordered, "_may_meet", lambda *both: compared.append(both) or True)
    lines = [line(f"/{number}*x", (Action.ALLOW, Action.DENY)[number % 2]) for number in range(600)]
    assert len(by_length(lines).lines) == 600
    assert not compared
