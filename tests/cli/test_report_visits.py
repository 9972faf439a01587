"""`optout report`: the account of visits, by crawler and work, as HTML and as PDF."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import UsageError
from tests.cli.evidence.setting import run
from tests.evidence.setting import SOON_S, open_log
from tests.report.test_as_pdf import words_of

ROBOTS = b"User-agent: GPTBot\nDisallow: /art/\n"
SHA256 = hashlib.sha256(ROBOTS).hexdigest()
TIME_US = 1_795_000_000_000_000  # 2026-11-18


def log_of_visits(place: Path) -> Path:
    """A log with two visits of GPTBot, one of CCBot, one that was a person's, and a gap."""
    log = open_log(place)
    for number, (name, path) in enumerate((("GPTBot", "/art/1.jpg"), ("GPTBot", "/"), ("CCBot", "/art/1.jpg"))):
        log.append(_visit(str(number), name, path, number)).result(SOON_S)
    log.append(_visit("person", "GPTBot", "/secret", 9)).result(SOON_S)
    log.append({"type": "crawl.retract", "crawl.request.id": "person"}).result(SOON_S)
    log.append({"type": "log.gap", "reason": "bypass", "from_us": TIME_US, "to_us": TIME_US + 1}).result(SOON_S)
    log.close()
    (place / "snapshots").mkdir(exist_ok=True)
    (place / "snapshots" / SHA256).write_bytes(ROBOTS)
    return place


def _visit(name: str, crawler: str, path: str, later: int) -> dict[str, str | int | bool | list[str]]:
    return {
        "type": "crawl.request",
        "id": name,
        "time_us": TIME_US + later * 1_000_000,
        "tenant": "t",
        "server.address": "a.example",
        "http.request.method": "GET",
        "url.path": path,
        "user_agent.original": f"{crawler}/1.0",
        "crawl.product": crawler,
        "crawl.operator": "OpenAI",
        "crawl.purpose": "train",
        "identity.standing": "unverified",
        "decision.action": "deny",
        "decision.enforced": True,
        "decision.reasons": ["robots-disallow robots.txt:2"],
        "robots.sha256": SHA256,
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return log_of_visits(tmp_path / "evidence")


def _run(*words: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, words)])


def test_one_crawler_s_visits_to_one_work_with_rule_and_proof_as_pdf(home: Path, tmp_path: Path) -> None:
    done = _run(home, "--crawler", "GPTBot", "--work", "/art/*", "-o", tmp_path / "visits.pdf", "--by", "owner")
    assert done.exit_code == 0, done.output
    told = words_of((tmp_path / "visits.pdf").read_bytes(), tmp_path)
    for words in (
        "Visits of GPTBot to /art/*",
        "About the crawler",
        "Disallow: /art/",
        "robots.txt, line 2: decided 1 times",
        "a.example/art/1.jpg",
        "Proof: leaf hash",
        "owner, with optout",
    ):
        assert words in told, (words, told)
    assert "CCBot" not in told


def test_all_visits_as_html_without_the_person(home: Path) -> None:
    page = _run(home).stdout_bytes.decode()
    assert re.search("<dt>Visits</dt><dd>(?:[1-3] [a-z]+(?:, )?)+</dd>", page)
    assert "CCBot" in page
    assert "/secret" not in page
    assert "1 that proved to be a person" in page
    assert "bypass" in page


def test_the_leaf_hash_is_that_of_the_log(home: Path) -> None:
    shown = json.loads(run("show", home, "2", "--json").stdout)
    assert shown["record"]["type"] == "crawl.request"
    assert f"<td>{shown['leaf_hash']}</td>" in _run(home).stdout_bytes.decode()


def test_a_period_and_another_language(home: Path) -> None:
    page = _run(home, "--from", "2026-11-19", "--lang", "de").stdout_bytes.decode()
    assert "<dd>0</dd>" in page
    assert '<html lang="de">' in page
    assert "Besuche von KI-Crawlern" in page


def test_a_pdf_goes_to_the_terminal_s_pipe_when_asked_for(home: Path) -> None:
    assert _run(home, "--pdf").stdout_bytes.startswith(b"%PDF-")


def test_a_damaged_record_is_said_and_in_no_figure(home: Path) -> None:
    (segment,) = sorted((home / "segments").iterdir())
    data = bytearray(segment.read_bytes())
    at = data.index(b'"CCBot/1.0"')
    data[at + 1 : at + 3] = b"XX"
    segment.write_bytes(data)
    page = _run(home).stdout_bytes.decode()
    assert re.search(r"\b[2-9] records of this log are damaged and in no figure", page), "it, and what lies behind it"
    assert "CCBot" not in page


@pytest.mark.parametrize("words", [("--crawler", "Nobody"), ("--lang", "fr"), ("second",), ("--from", "x")])
def test_a_wrong_call_says_what_to_try(home: Path, words: tuple[str, ...]) -> None:
    assert isinstance(_run(home, *words).exception, UsageError)
