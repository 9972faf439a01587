"""The account of an import on paper: called unproved, with hashes, and nothing of a stranger that works."""

from __future__ import annotations

from collections import Counter

from optout.report.as_html import as_html
from optout.report.as_pdf import as_pdf
from optout.report.language import language
from optout.review.importing.account import BadLine, LogFile, Robots, Taken
from optout.review.importing.sheet import HEADER, rows, sheet
from tests.report.test_as_html import read
from tests.review.importing.test_account import GOOGLE, account

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m=1+1"


def _taken() -> Taken:
    return Taken(
        name=HOSTILE,
        operator="OpenAI",
        purpose="train",
        is_ai=True,
        requests=3,
        statuses=Counter({"2xx": 2, "4xx": 1}),
        content_bytes=1204,
        first_us=1_795_000_000_000_000,
        last_us=1_795_000_000_000_000,
        disallowed=2,
        disallowed_served=1,
        lines=Counter({"robots.txt:2": 2}),
        listed=1,
        unlisted=2,
        paths=Counter({f"/{HOSTILE}": 3}),
        days=Counter({"2026-11-10": 1, "2026-11-11": 2}),
    )


def _account():  # type: ignore[no-untyped-def]
    return account(
        taken=(_taken(), GOOGLE),
        robots=(Robots(name=HOSTILE, since_us=0, sha256="ab" * 32),),
        files=(LogFile(name=HOSTILE, size=7, sha256="cd" * 32, lines=3, why="it is cut off"),),
        bad_lines=2,
        bad=(BadLine(HOSTILE, 4),),
    )


def test_it_says_what_it_is_and_what_it_does_not_show() -> None:
    told = "".join(read(as_html(sheet(_account()))).words)
    for words in (
        "Imported and unproved",
        "nobody checked it",
        "cd" * 32,
        "ab" * 32,
        "it is cut off",
        "8, counted and not kept",
        "1204",
        "robots.txt:2 (2)",
        "a hint and no proof",
        "What it does not show:",
        "Googlebot",
        "2026-11-11",
    ):
        assert words in told, words


def test_nothing_of_a_stranger_works_on_it() -> None:
    found = read(as_html(sheet(_account())))
    assert "script" not in found.tags
    assert all(char.isprintable() or char in "\n" for char in "".join(found.words))
    assert as_pdf(sheet(_account())).startswith(b"%PDF-")


def test_without_a_robots_txt_nothing_is_judged_and_it_says_so() -> None:
    told = "".join(read(as_html(sheet(account()))).words)
    assert "nothing is judged" in told
    assert "Forbidden requests" not in told


def test_no_crawler_is_told_in_words() -> None:
    assert "No line names an AI crawler." in "".join(read(as_html(sheet(account(taken=())))).words)


def test_the_rows_have_the_columns_of_the_header() -> None:
    (row,) = rows(_account())
    found = dict(zip(HEADER, row, strict=True))
    assert (found["requests"], found["answered_2xx"], found["answered_4xx"], found["disallowed"]) == (3, 2, 1, 2)
    assert dict(zip(HEADER, next(iter(rows(account()))), strict=True))["disallowed"] == ""


def test_it_speaks_german() -> None:
    told = "".join(read(as_html(sheet(_account(), language("de"), "de"))).words)
    assert "Eingelesen und unbewiesen" in told
    assert "Imported" not in told
