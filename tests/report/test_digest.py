"""The weekly letter: exact, safe for a mail reader, with the line that anchors the log."""

from __future__ import annotations

from dataclasses import replace

from optout.report.digest import WEEK_US, Gap, Sum, Week, digest, subject
from optout.report.language import language

HOSTILE = "GPT\x1b[31mBot\r\nBcc: x@y\u202e"


def _sum(crawler: str, count: int, standing: str = "unverified", action: str = "deny") -> Sum:
    return Sum(crawler=crawler, operator="o", standing=standing, action=action, count=count, size=count * 10)


WEEK = Week(
    log="log",
    since_us=1_795_000_000_000_000 - WEEK_US,
    until_us=1_795_000_000_000_000,
    sums=(_sum("GPTBot", 1234), _sum("GPTBot", 2, standing="verified"), _sum("CCBot", 5)),
    before=(_sum("GPTBot", 1000),),
    gaps=(),
    broken=0,
    seen_line="log 7 AAAA",
)


def test_it_counts_exactly_and_sets_the_week_before_beside() -> None:
    lines = digest(WEEK).splitlines()
    row = next(line for line in lines if "1234" in line)
    assert row.split() == ["GPTBot", "unverified", "deny", "1234", "(1000)", "12340"]
    assert any(line.split() == ["GPTBot", "verified", "deny", "2", "(0)", "20"] for line in lines)
    assert "Not seen in the seven days before: CCBot" in lines
    assert "  log 7 AAAA" in lines
    assert subject(WEEK) == "AI crawlers, 2026-11-11 to 2026-11-18: 1241 visits"


def test_nothing_of_a_stranger_acts_in_a_mail_reader() -> None:
    hostile = replace(WEEK, sums=(_sum(HOSTILE, 1),), gaps=(Gap(from_us=1, to_us=2, reason=HOSTILE),))
    told = digest(hostile) + subject(hostile)
    assert all(char.isprintable() or char == "\n" for char in told)
    assert "\nBcc" not in told


def test_gaps_and_damage_are_said_first_in_words() -> None:
    told = digest(replace(WEEK, gaps=(Gap(from_us=1, to_us=2, reason="disk-full"),) * 12, broken=3))
    assert "12 stretches of time" in told
    assert "and 2 more" in told
    assert "3 records are damaged" in told
    assert "no gap" in digest(WEEK)


def test_a_week_without_visits_says_so_and_names_no_news() -> None:
    told = digest(replace(WEEK, sums=()))
    assert "No AI crawler came." in told
    assert "Not seen" not in told


def test_the_first_week_calls_nobody_new() -> None:
    assert "Not seen" not in digest(replace(WEEK, before=()))


def test_it_speaks_german() -> None:
    assert "Bewahren Sie diesen Brief auf" in digest(WEEK, language("de"))
    assert subject(WEEK, language("de")).startswith("KI-Crawler")
