"""`optout report --digest`: printed, or sent to a real mail server."""

from __future__ import annotations

import email
from email import policy
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import UsageError
from tests.adapters.test_mailer import receiving
from tests.cli.test_report_visits import log_of_visits


def _run(*words: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, words)])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return log_of_visits(tmp_path / "evidence")


def test_it_is_printed_with_the_line_that_anchors_the_log(home: Path) -> None:
    done = _run(home, "--digest", "--to", "2026-11-20")
    assert done.exit_code == 0, done.output
    assert "AI crawlers, 2026-11-13 to 2026-11-20: 3 visits" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  optout.local/") or "2026q4 " in line]
    checked = CliRunner().invoke(main, ["evidence", "verify", str(home), "--seen", line.strip()])
    assert checked.exit_code == 0, checked.output


def test_it_is_sent(home: Path) -> None:
    with receiving() as (box, port):
        words = (
            "--mail",
            "owner@site.example",
            "--sender",
            "optout@site.example",
            "--smtp",
            f"smtp://127.0.0.1:{port}",
        )
        done = _run(home, "--digest", "--to", "2026-11-20", *words)
    assert done.exit_code == 0, done.output
    (found,) = box.letters
    letter = email.message_from_bytes(found.as_bytes(), policy=policy.default)  # type: ignore[attr-defined]
    assert letter["Subject"] == "AI crawlers, 2026-11-13 to 2026-11-20: 3 visits"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "GPTBot" in letter.get_content()


@pytest.mark.parametrize(
    "words",
    [
        ("--mail", "a@b"),
        ("--mail", "a@b\r\nBcc: x@y", "--sender", "c@d"),
        ("--mail", "a@b", "--sender", "c@d", "--smtp", "http://x"),
    ],
)
def test_a_wrong_call_says_what_to_try(home: Path, words: tuple[str, ...]) -> None:
    assert isinstance(_run(home, "--digest", *words).exception, UsageError)
