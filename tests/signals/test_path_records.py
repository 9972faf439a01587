"""Whom a record of robots.txt binds, and which records decide for a path."""

from __future__ import annotations

import pytest

from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.path_records import EVERYWHERE, PathRecord, PathRecords, split_path
from optout.signals.preference import Preference, Statement, Usage
from tests.calls import calls_of

ALLOWED, DISALLOWED = Preference.ALLOWED, Preference.DISALLOWED


def said(preference: Preference) -> tuple[Statement, ...]:
    return (Statement(usage=Usage.TRAIN, preference=preference, source="x"),)


def deciding(token: str, target: str, *lines: str, own_tokens: bool = True) -> list[tuple[int, str]]:
    """The lines that decide and their preference. `y`, `n` and anything else unreadable stand for statements."""
    robots = parse_robots("\n".join(lines).encode())
    records = []
    for record in robots.others:
        path, rest, _ = split_path(record.value)
        preference = {"y": ALLOWED, "n": DISALLOWED}.get(rest)
        assert record.group is not None
        records.append(
            PathRecord(
                line=record.line,
                group=record.group,
                tokens=record.tokens,
                path=path,
                statements=said(preference) if preference else (),
                readable=preference is not None,
            )
        )
    bound = RobotsMatcher(robots).match((token,), target)
    found = PathRecords(robots, records).deciding(bound, target, own_tokens=own_tokens)
    return [(record.line, "".join(str(statement.preference) for statement in record.statements)) for record in found]


@pytest.mark.parametrize(
    ("value", "path", "rest", "before"),
    [
        ("a=n", "/", "a=n", 0),
        ("/ a=n", "/", "a=n", 2),
        ("/blog/ \t a=n", "/blog/", "a=n", 9),
        ("/é a=n", "/é", "a=n", 4),
        ("/blog/", "/blog/", "", 6),
        ("*=n", "/", "*=n", 0),
        ("", "/", "", 0),
    ],
)
def test_a_path_starts_with_a_slash_and_ends_at_a_blank(value: str, path: str, rest: str, before: int) -> None:
    found = split_path(value)
    assert (found[0].written, found[1:]) == (path, (rest, before))


def test_the_most_octets_decide_whatever_the_order() -> None:
    lines = ("User-agent: a", "X: /b/ y", "X: n", "X: /b/c n", "X: /b/ n")
    assert deciding("a", "/b/d", *lines) == [(2, "allowed"), (5, "disallowed")]
    assert deciding("a", "/b/c", *lines) == [(4, "disallowed")]
    assert deciding("a", "/", *lines) == [(3, "disallowed")]


def test_no_path_and_the_root_are_the_same() -> None:
    assert deciding("a", "/x", "User-agent: a", "X: y", "X: / n") == [(2, "allowed"), (3, "disallowed")]
    assert EVERYWHERE.priority == 1


def test_wildcards_are_those_of_robots_txt() -> None:
    lines = ("User-agent: a", "X: /*.jpg$ n", "X: /a%2Fb y")
    assert deciding("a", "/b.jpg", *lines) == [(2, "disallowed")]
    assert deciding("a", "/b.jpg?x", *lines) == []
    assert deciding("a", "/a%2fb", *lines) == [(3, "allowed")]


def test_a_group_of_its_own_hides_that_of_everyone() -> None:
    lines = ("User-agent: *", "X: n", "Allow: /", "User-agent: Own", "Allow: /")
    assert deciding("own", "/", *lines) == []
    assert deciding("other", "/", *lines) == [(2, "disallowed")]


def test_groups_with_the_same_token_are_one() -> None:
    lines = ("User-agent: a", "X: n", "Allow: /", "User-agent: b", "Allow: /", "User-agent: A", "X: /b y", "Allow: /")
    assert deciding("a", "/b", *lines) == [(7, "allowed")]
    assert deciding("a", "/c", *lines) == [(2, "disallowed")]
    assert deciding("b", "/b", *lines) == []


def test_a_record_binds_the_user_agents_since_the_last_one_or_all_of_the_group() -> None:
    lines = (
        "User-agent: a",
        "User-agent: b",
        "X: n",
        "X: /p n",
        "User-agent: c",
        "X: /p y",
        "User-agent: d",
        "Allow: /",
    )
    assert deciding("a", "/p", *lines) == deciding("B", "/p", *lines) == [(4, "disallowed")]
    assert deciding("c", "/p", *lines) == [(6, "allowed")]
    assert deciding("d", "/p", *lines) == []
    assert deciding("d", "/p", *lines, own_tokens=False) == [(4, "disallowed"), (6, "allowed")]


def test_behind_a_record_that_cannot_be_read_the_shorter_ones_still_restrict() -> None:
    assert deciding("a", "/b", "User-agent: a", "X: n", "X: /b ?") == [(2, "disallowed"), (3, "")]
    assert deciding("a", "/b", "User-agent: a", "X: y", "X: /b ?") == [(2, ""), (3, "")]
    assert deciding("a", "/b", "User-agent: a", "X: n", "X: /b ?", "X: /b y") == [(3, ""), (4, "allowed")]


def test_a_path_costs_the_same_among_ten_records_and_among_a_thousand() -> None:
    def records(count: int) -> PathRecords[PathRecord]:
        robots = parse_robots(b"User-agent: a\n")
        held = [
            PathRecord(line=2 + n, group=0, tokens=1, path=split_path(f"/{n:05}/ x")[0], statements=said(ALLOWED))
            for n in range(count)
        ]
        return PathRecords(robots, held)

    bound = RobotsMatcher(parse_robots(b"User-agent: a\n")).match(("a",), "/")
    few, many = records(10), records(1_000)
    assert calls_of(lambda: few.deciding(bound, "/00005/x", own_tokens=True)) == calls_of(
        lambda: many.deciding(bound, "/00005/x", own_tokens=True)
    )
