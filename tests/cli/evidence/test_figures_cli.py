"""`optout evidence figures` as a person or a script runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.evidence.setting import HOSTILE, run
from tests.evidence.index.setting import NOON, make_log, record, record_id


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """Two requests of one crawler, one of them answered with content, and one of another."""
    named = {"crawl.product": "GPTBot", "decision.action": "allow"}
    answer = {"crawl.request.id": record_id(0), "http.response.body.size": 1204}
    return make_log(
        tmp_path / "log",
        [
            record(0, **named),
            record(1, **named),
            record(2, "crawl.outcome", **answer),
            record(3, **{"crawl.product": HOSTILE.encode("utf-8", "replace").decode(), "decision.action": "deny"}),
        ],
    )


def test_figures_are_a_table_of_what_was_asked(busy: Path) -> None:
    lines = run("figures", busy, "--by", "crawler", "--by", "action").output.splitlines()
    assert lines[0].split() == ["crawler", "action", "count", "bytes", "first", "last"]
    assert lines[1].split()[:4] == ["GPTBot", "allow", "2", "1204"]
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


def test_figures_for_a_program_have_the_names_that_were_asked_for(busy: Path) -> None:
    assert json.loads(run("figures", busy, "--by", "crawler", "--crawler", "GPTBot", "--json").output) == [
        {"crawler": "GPTBot", "count": 2, "bytes": 1204, "first_us": NOON, "last_us": NOON + 1}
    ]
    (everything,) = json.loads(run("figures", busy, "--json").output)
    assert everything == {"count": 3, "bytes": 1204, "first_us": NOON, "last_us": NOON + 3}


def test_figures_of_nothing_are_nothing(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [])
    assert json.loads(run("figures", home, "--by", "day", "--json").output) == []
    assert run("figures", home).output.splitlines()[1].split() == ["0", "0"]


def test_another_type_can_be_summed_up(busy: Path) -> None:
    assert json.loads(run("figures", busy, "--type", "crawl.outcome", "--json").output)[0]["count"] == 1
