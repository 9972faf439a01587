"""`optout review --import`, as somebody runs it on the logs that are there."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import UsageError
from tests.report.test_as_html import read
from tests.review.importing.test_counting import CLAUDE, GPTBOT, line
from tests.served import CHROME

HOSTILE = "GPTBot/1.0 \\x1b[31m<b>=cmd|x\\u202e"


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Three rotated files, the newest first, each packed otherwise."""
    new, middle, old = tmp_path / "access.log", tmp_path / "access.log.1.gz", tmp_path / "access.log.2.zst"
    new.write_bytes(line(GPTBOT, "/c", day=12) + line(CHROME, day=12))
    middle.write_bytes(gzip.compress(line(GPTBOT, "/robots.txt", day=11) + line(CLAUDE, "/art/1", day=11)))
    old.write_bytes(zstandard.ZstdCompressor().compress(line(GPTBOT, "/art/1", day=10) + b"broken\n"))
    return [new, middle, old]


def _run(*words: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["review", "--import", *map(str, words)], input=stdin)


def test_it_says_what_was_taken_without_a_word_of_configuration(logs: list[Path]) -> None:
    done = _run(*logs)
    assert done.exit_code == 0, done.output
    out = done.stdout
    assert "AI crawlers took 40 bytes in 4 requests, 2026-11-10 13:55:36 UTC to 2026-11-12 13:55:36 UTC." in out
    assert "6 lines read; 1 name no crawler: counted, and not kept." in out
    assert "1 could not be read; the first are access.log.2.zst:2." in out
    assert hashlib.sha256(logs[1].read_bytes()).hexdigest() in out
    row = next(text for text in out.splitlines() if text.startswith("GPTBot"))
    assert row.split() == ["GPTBot", "OpenAI", "train", "3", "3", "30", "1", "1"]


def test_the_oldest_file_is_read_first_whatever_the_order_given(logs: list[Path]) -> None:
    told = [json.loads(_run(*order, "--json").stdout) for order in (logs, logs[::-1])]
    assert told[0]["taken"] == told[1]["taken"]
    assert [file["name"] for file in told[0]["files"]] == ["access.log.2.zst", "access.log.1.gz", "access.log"]


def test_it_judges_by_the_robots_txt_of_that_time(logs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("User-agent: *\nDisallow: /art/\n")
    (tmp_path / "new.txt").write_text("User-agent: *\nAllow: /\n")
    out = _run(*logs, "--robots", tmp_path / "old.txt", "--robots", f"2026-11-11={tmp_path / 'new.txt'}").stdout
    assert "GPTBot asked 1 times for what robots.txt forbade (old.txt:2), and got it 1 times." in out
    assert "ClaudeBot asked" not in out


def test_standard_input_is_a_log_too() -> None:
    out = _run("-", stdin=gzip.compress(line(GPTBOT)))
    assert "10 bytes in 1 requests" in out.stdout


def test_programs_get_json_and_rows_that_are_no_formulas(logs: list[Path]) -> None:
    told = json.loads(_run(*logs, "--json").stdout)
    assert told["proof"].startswith("none")
    assert told["taken"][0]["paths"] == [{"path": "/art/1", "requests": 1}, {"path": "/c", "requests": 1}]
    rows = list(csv.DictReader(io.StringIO(_run(*logs, "--csv").stdout)))
    assert [(row["crawler"], row["requests"]) for row in rows] == [("GPTBot", "3"), ("ClaudeBot", "1")]


def test_a_report_is_written_beside(logs: list[Path], tmp_path: Path) -> None:
    done = _run(*logs, "-o", tmp_path / "taken.html", "--lang", "de")
    assert done.exit_code == 0, done.output
    assert "Eingelesen und unbewiesen" in "".join(read((tmp_path / "taken.html").read_bytes()).words)
    assert _run(*logs, "-o", tmp_path / "taken.pdf").exit_code == 0
    assert (tmp_path / "taken.pdf").read_bytes().startswith(b"%PDF-")


def test_nothing_of_a_stranger_acts_on_a_terminal(tmp_path: Path) -> None:
    name = tmp_path / "a\x1b[31m.log"
    name.write_bytes(line(HOSTILE, "/\x1b]0;x\x07") + b"\x1b[2J\n" + b'"' * 70_000 + b"\n")
    for words in ((), ("--csv",), ("--json",)):
        out = _run(name, *words).stdout
        assert all(char.isprintable() or char == "\n" for char in out)


def test_an_empty_file_and_one_that_is_no_log_are_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "other").write_bytes(b"PK\x03\x04 something else\n" * 9)
    out = _run(tmp_path / "empty", tmp_path / "other").stdout
    assert "0 requests" in out
    assert "9 could not be read" in out


@pytest.mark.parametrize(
    "words",
    [(), ("none.log",), ("--json", "--csv", "x"), ("--robots", "none.txt", "-"), ("--robots", "x=none.txt", "-")],
)
def test_a_wrong_call_says_what_to_try(words: tuple[str, ...]) -> None:
    assert isinstance(_run(*words, stdin=b"").exception, UsageError)
