"""Content Signals as their policy has them, and the restrictive reading where it is silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.content_signals import ContentSignalMatcher, ContentUse, parse_content_signals
from optout.signals.path_records import LONGEST_VALUE
from optout.signals.preference import Preference, Usage, combine
from tests.calls import calls_of

Y, N, U = Preference.ALLOWED, Preference.DISALLOWED, Preference.UNKNOWN


def said(*lines: str, token: str = "Any", target: str = "/") -> dict[Usage, Preference]:
    """What stands for a crawler and a path."""
    robots = parse_robots("\n".join(lines).encode())
    bound = RobotsMatcher(robots).match((token,), target)
    statements = ContentSignalMatcher(robots, parse_content_signals(robots)).match(bound, target)
    return {statement.usage: statement.preference for statement in combine(statements)}


def of(value: str) -> dict[Usage, Preference]:
    return said("User-agent: *", f"Content-Signal: {value}")


def use(*lines: str, token: str = "Any", target: str = "/") -> ContentUse | None:
    robots = parse_robots("\n".join(lines).encode())
    bound = RobotsMatcher(robots).match((token,), target)
    return ContentSignalMatcher(robots, parse_content_signals(robots)).use(bound, target)


def faults(*lines: str) -> list[tuple[int, str, int]]:
    found = parse_content_signals(parse_robots("\n".join(lines).encode())).faults
    return [(fault.line, str(fault.code), fault.column) for fault in found]


MANAGED = (
    "User-Agent: *",
    "Content-signal: search=yes,ai-train=no,use=reference",
    "Allow: /",
    "",
    "User-agent: GPTBot",
    "Disallow: /",
)


def test_the_managed_robots_txt() -> None:
    assert said(*MANAGED) == {Usage.SEARCH: Y, Usage.TRAIN: N}
    assert use(*MANAGED) is ContentUse.REFERENCE
    assert faults(*MANAGED) == []


def test_a_named_crawler_does_not_see_the_signals_of_everyone() -> None:
    assert said(*MANAGED, token="GPTBot") == {}
    assert use(*MANAGED, token="GPTBot") is None


def test_a_statement_names_its_line_and_repeats_it() -> None:
    robots = parse_robots(b"User-agent: *\nContent-Signal: /a ai-input=no")
    statement = parse_content_signals(robots).records[0].statements[0]
    assert (statement.usage, statement.line, statement.text) == (Usage.INPUT, 2, "ai-input=no")
    assert statement.source == "robots.txt Content-Signal"


def test_a_signal_that_is_absent_neither_grants_nor_restricts() -> None:
    assert of("ai-train=no") == {Usage.TRAIN: N}


def test_signals_hold_for_a_path_that_may_not_be_crawled() -> None:
    assert said("User-agent: *", "Content-Signal: ai-train=no", "Disallow: /") == {Usage.TRAIN: N}


@pytest.mark.parametrize("value", ["ai-train=no, search=yes", "ai-train=no,search=yes", "ai-train=no\t,\tsearch=yes"])
def test_blanks_beside_commas_are_optional(value: str) -> None:
    assert of(value) == {Usage.TRAIN: N, Usage.SEARCH: Y}
    assert faults("User-agent: *", f"Content-Signal: {value}") == []


@pytest.mark.parametrize(
    ("value", "found", "code", "column"),
    [
        ("ai-train=no search=yes", {Usage.TRAIN: N, Usage.SEARCH: U}, "loose-spelling", 13),
        ("search=yes; ai-train=no", {Usage.TRAIN: N, Usage.SEARCH: U}, "loose-spelling", 13),
        ("AI-Train=NO", {Usage.TRAIN: N}, "loose-spelling", 1),
        ("AI-Train=YES", {Usage.TRAIN: U}, "loose-spelling", 1),
        ("ai-train = no", {Usage.TRAIN: N}, "loose-spelling", 1),
        ("ai-train=no,", {Usage.TRAIN: N}, "loose-spelling", 12),
        (",ai-train=no", {Usage.TRAIN: N}, "loose-spelling", 2),
        ("ai-train=n", {Usage.TRAIN: U}, "bad-value", 1),
        ("ai-train", {Usage.TRAIN: U}, "bad-value", 1),
        ("ai-train=", {Usage.TRAIN: U}, "bad-value", 1),
        ("search=yes,use=never", {Usage.SEARCH: Y}, "bad-value", 12),
        ("ai-train=yes,ai-train=no", {Usage.TRAIN: N}, "duplicate-key", 14),
        ("ai-train=no,ai-train=yes", {Usage.TRAIN: N}, "duplicate-key", 13),
        ("train-ai=no", {}, "foreign-key", 1),
        ("/é ai-index=no", {}, "unknown-key", 5),
        ("", {}, "no-signal", 0),
        ("/a", {}, "no-signal", 0),
        ("ai-train=no" + "," * LONGEST_VALUE, {}, "too-long", 0),
    ],
)
def test_what_the_policy_does_not_know_is_a_fault_and_grants_nothing(
    value: str, found: dict[Usage, Preference], code: str, column: int
) -> None:
    assert of(value) == found
    assert faults("User-agent: *", f"Content-Signal: {value}") == [(2, code, column)]


def test_an_unknown_value_beside_a_permission_grants_nothing() -> None:
    assert of("ai-train=yes, ai-train=maybe") == {Usage.TRAIN: U}


def test_the_longest_path_decides_and_of_equal_ones_the_stricter() -> None:
    lines = ("User-agent: *", "Content-Signal: ai-train=no", "Content-Signal: /open ai-train=yes")
    assert said(*lines, target="/open/a") == {Usage.TRAIN: Y}
    assert said(*lines, target="/a") == {Usage.TRAIN: N}
    assert said(*lines, "Content-Signal: /open ai-train=no", target="/open/a") == {Usage.TRAIN: N}


def test_the_least_use_stands() -> None:
    assert use("User-agent: *", "Content-Signal: use=full, use=immediate") is ContentUse.IMMEDIATE
    assert use("User-agent: *", "Content-Signal: use=full", "Content-Signal: use=reference") is ContentUse.REFERENCE


def test_before_the_first_group_a_restriction_binds_everybody_and_a_permission_nobody() -> None:
    lines = ("Content-Signal: ai-train=no, search=yes", "User-agent: a", "Content-Signal: ai-train=yes", "Allow: /")
    assert said(*lines) == said(*lines, token="a") == {Usage.TRAIN: N}
    assert faults(*lines) == [(1, "outside-group", 0)]


def test_between_user_agents_a_restriction_binds_the_whole_group_and_a_permission_those_before() -> None:
    lines = (
        "User-agent: a",
        "Content-Signal: ai-train=no, search=yes",
        "User-agent: b",
        "Content-Signal: /x ai-train=yes",
        "Allow: /",
    )
    assert said(*lines, token="a", target="/x") == {Usage.TRAIN: N}
    assert said(*lines, token="b", target="/x") == {Usage.TRAIN: Y}
    assert said(*lines, token="a", target="/y") == {Usage.TRAIN: N, Usage.SEARCH: Y}
    assert said(*lines, token="b", target="/y") == {Usage.TRAIN: N}
    assert faults(*lines) == [(2, "between-user-agents", 0)]


def test_faults_and_statements_quote_nothing_that_could_write_on_a_terminal() -> None:
    signals = parse_content_signals(
        parse_robots("User-agent: *\nContent-Signal: ai-train=no,\x1b[31m\u202e=1".encode())
    )
    texts = [fault.text for fault in signals.faults] + [said.text for said in signals.records[0].statements]
    assert len(texts) == 2
    for text in texts:
        assert text.isascii()
        assert text.isprintable()


HOSTILE: dict[str, Callable[[int], str]] = {
    "signals": lambda n: ",".join(["ai-train=no"] * n),
    "words without a value": lambda n: "a " * n,
    "one word": lambda n: "a" * n,
    "blanks": lambda n: "a" + " " * n + "b",
    "commas": lambda n: "a" + "," * n,
    "equals signs": lambda n: "a" + "=" * n,
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_record(shape: str) -> None:
    small, large = (parse_robots(f"User-agent: a\nContent-Signal: {HOSTILE[shape](n)}".encode()) for n in (100, 400))
    assert calls_of(lambda: parse_content_signals(large)) <= 4 * calls_of(lambda: parse_content_signals(small)) + 100


def test_work_grows_no_faster_than_the_file() -> None:
    def robots(count: int) -> Callable[[], object]:
        lines = [f"User-agent: a\nContent-Signal: /{n} ai-train=no, x=y" for n in range(count)]
        parsed = parse_robots("\n".join(lines).encode())
        return lambda: ContentSignalMatcher(parsed, parse_content_signals(parsed))

    assert calls_of(robots(800)) <= 4 * calls_of(robots(200)) + 100
