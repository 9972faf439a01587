"""What robots.txt says of uses, asked for each request."""

from __future__ import annotations

from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals import usage_records as room
from optout.signals.usage_records import UsageRecords, usage_records

ROBOTS = """
User-agent: GPTBot
Content-Usage: train-ai=n
Content-Signal: ai-input=no
Content-Usage: /open/ train-ai=y
Allow: /

User-agent: *
Allow: /
"""


def said(records: UsageRecords, token: str, path: str, robots: str = ROBOTS) -> list[str]:
    bound = RobotsMatcher(parse_robots(robots.encode())).match((token,), path)
    return [f"{each.usage}={each.preference}:{each.line}" for each in records.match(bound, path)]


def records_of(text: str) -> UsageRecords:
    found = usage_records(parse_robots(text.encode()))
    assert found is not None
    return found


def test_a_file_without_such_records_costs_nothing() -> None:
    assert usage_records(parse_robots(b"User-agent: *\nDisallow: /\nSitemap: /a.xml\n")) is None


def test_both_kinds_of_record_are_heard_by_path_and_group() -> None:
    records = records_of(ROBOTS)
    assert said(records, "GPTBot", "/a") == ["train=disallowed:3", "input=disallowed:4"]
    assert said(records, "GPTBot", "/open/a") == ["train=allowed:5", "input=disallowed:4"]
    assert said(records, "ClaudeBot", "/a") == []


def test_the_same_statements_are_the_same_tuple() -> None:
    records, matcher = records_of(ROBOTS), RobotsMatcher(parse_robots(ROBOTS.encode()))
    first, second = (records.match(matcher.match(("GPTBot",), path), path) for path in ("/a", "/b"))
    assert first is second


def test_what_is_kept_is_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(room, "_MOST_KEPT", 8)
    lines = "".join(f"Content-Usage: /{number}/ train-ai=n\n" for number in range(40))
    text = f"User-agent: *\n{lines}Allow: /\n"
    records = records_of(text)
    for number in range(40):
        assert len(said(records, "GPTBot", f"/{number}/x", text)) == 1
        assert len(records._kept) <= 8
