"""`optout evidence policy-at`: what was in force then, and what is different today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import EvidenceError, UsageError
from tests.evidence.setting import SOON_S, StoppedClock, open_log

OLD, NEW = b"User-agent: *\nDisallow: /old/\n\x1b[31m", b"User-agent: *\nDisallow: /new/\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    clock = StoppedClock()  # 2026-11-18
    log = open_log(tmp_path / "evidence", clock)
    log.snapshot("policy", b"version: 1\n", file="site.yaml")
    for data in (OLD, NEW):
        digest = log.snapshot("robots.txt", data, authority="a.example")
        fields = {
            "type": "declaration.seen",
            "server.address": "a.example",
            "declaration.name": "robots.txt",
            "declaration.sha256": digest,
        }
        log.append(fields).result(SOON_S)
        clock.pass_(10 * 86_400)
    fields = {"type": "declaration.seen", "server.address": "a.example", "declaration.name": "tdmrep.json"}
    log.append(fields).result(SOON_S)
    log.close()
    return tmp_path / "evidence"


def _run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["evidence", "policy-at", str(home), *words])


def test_it_tells_what_was_in_force_and_what_changed_since(home: Path) -> None:
    told = _run(home, "2026-11-20").output
    assert "-Disallow: /old/" in told
    assert "+Disallow: /new/" in told
    assert "\x1b" not in told
    assert "policy site.yaml" in told
    found = {(one["document"], one["of"]): one for one in json.loads(_run(home, "2026-11-20", "--json").output)}
    assert found["policy", "site.yaml"]["same"]
    assert not found["robots.txt", "a.example"]["same"]
    assert found["tdmrep.json", "a.example"]["then"] is None


def test_on_a_later_day_nothing_has_changed_and_before_the_first_nothing_is_known(home: Path) -> None:
    assert all(one["same"] for one in json.loads(_run(home, "2027-01-01", "--json").output))
    assert all(one["then"] is None for one in json.loads(_run(home, "2020-01-01", "--json").output))
    assert "nothing is known" in _run(home, "2026-11-20", "--authority", "b.example").output


def test_the_document_itself_is_shown(home: Path) -> None:
    told = _run(home, "2026-11-20", "--show", "--authority", "a.example").output
    assert "Disallow: /old/" in told
    assert "/new/" not in told


def test_a_wrong_call_says_what_to_try(home: Path, tmp_path: Path) -> None:
    assert isinstance(_run(home, "").exception, UsageError)
    assert isinstance(_run(home, "yesterday").exception, UsageError)
    assert isinstance(_run(tmp_path / "none", "2026-11-20").exception, EvidenceError)
