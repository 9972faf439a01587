"""`optout report --declaration`, on a log that a real door has written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings
from optout.cli.main import main
from optout.errors import EvidenceError, UsageError

POLICY = "version: 1\nsites: [a.example]\ndefault: allow\non_error: allow\n"
ROBOTS = b"User-agent: GPTBot\nDisallow: /art/\n"


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A log of a site that published a robots.txt and no tdmrep.json, and that nobody visited."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    settings = Settings(
        state=tmp_path / "state", software="test", policy=tmp_path / "policy.yaml", evidence=tmp_path / "evidence"
    )
    driver = Driver(settings, CallableSource(lambda _, path: ROBOTS if path == "/robots.txt" else None))
    await driver.start()
    await driver.published.ask("a.example", within=10)
    await driver.stop()
    return tmp_path / "evidence"


def _run(*words: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, words)])


def test_a_site_that_nobody_visited_has_its_certificate(home: Path, tmp_path: Path) -> None:
    done = _run(home, "--declaration", "--work", "/art/1.jpg", "-o", tmp_path / "page.html", "--by", "owner")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text()
    for words in (
        "What a.example declared",
        "may not fetch /art/1.jpg: GPTBot (line 2)",
        "There was no such file",
        "No AI crawler fetched it in this period",
        "rest on the clock of the machine",
        "by owner, with optout",
    ):
        assert words in page
    assert b"What a.example declared" in _run(home, "--declaration").stdout_bytes


def test_a_wrong_call_says_what_to_try(home: Path, tmp_path: Path) -> None:
    assert isinstance(_run(home, home).exception, UsageError)
    assert isinstance(_run(tmp_path / "none", "--declaration").exception, EvidenceError)
    assert isinstance(_run(home, "--declaration", "--from", "x").exception, UsageError)
    assert isinstance(_run(home, "--declaration", "-o", tmp_path / "no" / "page").exception, EvidenceError)


def test_where_a_log_has_several_sites_or_none_one_has_to_be_named(tmp_path: Path) -> None:
    from tests.evidence.setting import SOON_S, open_log

    log = open_log(tmp_path / "evidence")
    log.close()
    assert isinstance(_run(tmp_path / "evidence", "--declaration").exception, UsageError)
    log = open_log(tmp_path / "evidence")
    for site in ("a.example", "b.example"):
        fields = {"type": "declaration.seen", "server.address": site, "declaration.name": "robots.txt"}
        log.append(fields).result(SOON_S)
    log.close()
    done = _run(tmp_path / "evidence", "--declaration")
    assert isinstance(done.exception, UsageError)
    assert "a.example, b.example" in str(done.exception)
    assert (
        b"What b.example declared"
        in _run(tmp_path / "evidence", "--declaration", "--authority", "b.example").stdout_bytes
    )
