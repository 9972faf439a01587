"""The options that choose records, as `optout evidence list` takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optout.errors import UsageError
from tests.cli.evidence.setting import run
from tests.evidence.index.setting import NOON, make_log, record

_DAY_US = 86_400_000_000
_RECORDS = [
    record(0, **{"crawl.product": "GPTBot", "crawl.operator": "OpenAI", "url.path": "/a/1.jpg", "tenant": "one"}),
    record(1, **{"crawl.product": "CCBot", "crawl.purpose": "dataset", "decision.action": "deny", "tenant": "two"}),
    record(2, **{"identity.standing": "contradicted", "server.address": "example.org", "url.path": "/b"}),
    record(3, "log.gap", time_us=NOON + _DAY_US),
]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return make_log(tmp_path / "log", _RECORDS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--crawler gptbot", [0]),
        ("--operator OpenAI", [0]),
        ("--purpose dataset", [1]),
        ("--action deny", [1]),
        ("--standing contradicted", [2]),
        ("--host EXAMPLE.org", [2]),
        ("--tenant two", [1]),
        ("--type log.gap", [3]),
        ("--type crawl.request --tenant one --crawler CCBot", []),
        ("--path /a", [0]),
        ("--path /*", [0, 2]),
        ("--path *.jpg", [0]),
        ("--since 2026-11-19", [3]),
        ("--until 2026-11-18", []),
        ("--until 2026-11-19", [0, 1, 2]),
        ("--until 2026-11-18T12:00:00Z", []),
        ("--until 2026-11-19T11:59:59Z", [0, 1, 2]),
        ("--since 2026-11-18T14:00:00+02:00 --until 2026-11-18T12:00:00.000002Z", [0, 1]),
    ],
)
def test_each_filter_chooses(mixed: Path, words: str, expected: list[int]) -> None:
    done = run("list", mixed, "--json", *words.split())
    assert done.exception is None
    assert done.stdout_bytes.splitlines() == [_RECORDS[place] for place in expected]
    assert json.loads(run("list", mixed, "--count", "--json", *words.split()).output) == {"count": len(expected)}


@pytest.mark.parametrize("words", ["--since yesterday", "--until 2026-13-01", "--cursor x"])
def test_what_cannot_be_used_is_said(mixed: Path, words: str) -> None:
    assert isinstance(run("list", mixed, *words.split()).exception, UsageError)
