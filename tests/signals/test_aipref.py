"""What the drafts leave open, and what a stranger may write: faults, places, limits, cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from optout.messages import Fields
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.aipref import (
    ContentUsageMatcher,
    parse_content_usage,
    parse_content_usage_fields,
)
from optout.signals.path_records import LONGEST_VALUE
from optout.signals.preference import Preference, Usage
from tests.calls import calls_of


def field_faults(*values: str) -> list[tuple[str, int]]:
    _, faults = parse_content_usage_fields(Fields(tuple(("content-usage", value) for value in values)))
    return [(str(fault.code), fault.column) for fault in faults]


def robots_faults(*lines: str) -> list[tuple[int, str, int]]:
    faults = parse_content_usage(parse_robots("\n".join(lines).encode())).faults
    return [(fault.line, str(fault.code), fault.column) for fault in faults]


def test_no_field_says_nothing() -> None:
    assert parse_content_usage_fields(Fields()) == ((), ())


def test_a_statement_names_its_source_and_repeats_it() -> None:
    statements, faults = parse_content_usage_fields(Fields((("Content-Usage", " train-ai=n;x=1\t"),)))
    assert faults == ()
    said = statements[0]
    assert (said.usage, said.preference, said.line) == (Usage.TRAIN, Preference.DISALLOWED, 0)
    assert (said.source, said.text) == ("Content-Usage", "train-ai=n;x=1")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("train-ai=n",), []),
        (("",), [("no-preference", 0)]),
        (("train-ai=n,",), [("not-a-dictionary", 12)]),
        (("Train-AI=n",), [("not-a-dictionary", 1)]),
        (("search=y", "!"), [("not-a-dictionary", 11)]),
        (("train-ai=no",), [("bad-value", 0)]),
        (("train-ai=n, train-ai=y",), [("duplicate-label", 0)]),
        (("train-genai=n, bots=n",), [("earlier-label", 0)]),
        (("ai-train=n",), [("foreign-label", 0)]),
        (("foo=n, bar",), [("unknown-label", 0)]),
        (("foo;a;a, foo",), [("unknown-label", 0)]),
        (("x" * (LONGEST_VALUE + 1),), [("too-long", 0)]),
        (("\udcff",), [("not-a-dictionary", 1)]),
        (("a=@99999999999999",), [("not-a-dictionary", 18)]),
    ],
)
def test_each_fault_has_a_code_and_a_column(values: tuple[str, ...], found: list[tuple[str, int]]) -> None:
    assert field_faults(*values) == found


def test_faults_of_a_rule_carry_line_and_column_in_the_value() -> None:
    found = robots_faults(
        "Content-Usage: train-ai=n",
        "User-agent: *",
        "Content-Usage: /b/ train-ai=n,",
        "Content-Usage: /c",
        "Content-Usage: ai-input=n",
    )
    assert found == [
        (1, "outside-group", 0),
        (3, "not-a-dictionary", 16),
        (4, "no-preference", 0),
        (5, "foreign-label", 0),
    ]


def test_a_label_that_a_longer_path_leaves_out_is_reported() -> None:
    lines = ("User-agent: *", "Content-Usage: /b search=y", "Content-Usage: train-ai=n", "Content-Usage: /c train-ai=y")
    assert robots_faults(*lines) == [(2, "partial-set", 0)]


def test_behind_a_rule_that_cannot_be_read_shorter_paths_still_restrict() -> None:
    robots = parse_robots(b"User-agent: *\nContent-Usage: train-ai=n, search=y\nContent-Usage: /b train-ai=n search=y")
    bound = RobotsMatcher(robots).match(("a",), "/b")
    said = ContentUsageMatcher(robots, parse_content_usage(robots)).match(bound, "/b")
    assert [(statement.usage, statement.preference) for statement in said] == [(Usage.TRAIN, Preference.DISALLOWED)]


def test_faults_and_statements_quote_nothing_that_could_write_on_a_terminal() -> None:
    robots = parse_robots(
        "User-agent: *\nContent-Usage: train-ai=n, \x1b[31m\u202e\nContent-Usage: train-ai=n;x".encode()
    )
    usage = parse_content_usage(robots)
    texts = [fault.text for fault in usage.faults]
    texts += [said.text for record in usage.records for said in record.statements]
    assert len(texts) == 2
    for text in texts:
        assert text.isascii()
        assert text.isprintable()


HOSTILE: dict[str, Callable[[int], str]] = {
    "labels": lambda n: ", ".join(f"a{k}" for k in range(n)),
    "duplicates": lambda n: ", ".join(["train-ai=n"] * n),
    "parameters": lambda n: "train-ai=n" + ";a" * n,
    "items of a list": lambda n: f"a=({'n ' * n})",
    "a list without end": lambda n: "a=(" + "n " * n,
    "brackets": lambda n: "a=" + "(" * n,
    "a string without end": lambda n: 'a="' + '\\"' * n,
    "an encoded string": lambda n: 'a=%"' + "%20" * n + '%ff"',
    "blanks": lambda n: "a," + " \t" * n,
    "digits": lambda n: "a=" + "9" * n,
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_value(shape: str) -> None:
    small, large = (Fields((("content-usage", HOSTILE[shape](n)),)) for n in (100, 400))
    work = [calls_of(lambda fields=fields: parse_content_usage_fields(fields)) for fields in (small, large)]  # type: ignore[misc]
    assert work[1] <= 4 * work[0] + 100


def test_work_grows_no_faster_than_the_file() -> None:
    def robots(count: int) -> Callable[[], object]:
        lines = [f"User-agent: a\nContent-Usage: /{n} train-ai=n, x=y" for n in range(count)]
        parsed = parse_robots("\n".join(lines).encode())
        return lambda: ContentUsageMatcher(parsed, parse_content_usage(parsed))

    assert calls_of(robots(800)) <= 4 * calls_of(robots(200)) + 100
