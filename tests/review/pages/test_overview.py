"""The first page's numbers: exact, by standing, without who was taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.review.asked import parse_asked
from optout.review.pages import overview as pages
from optout.review.pages.overview import overview
from optout.review.reader import Reader
from tests.evidence.setting import open_log
from tests.review.setting import HOSTILE, TIME_US, log_of_visits


def _told(place: Path, tenant: str = "", **query: str):  # type: ignore[no-untyped-def]
    reader = Reader(log_of_visits(place / "evidence"))
    return overview(reader, parse_asked(query), tenant)


def test_every_visit_is_counted_once(tmp_path: Path) -> None:
    told = _told(tmp_path)
    assert {each["name"]: each["count"] for each in told["by_standing"]} == {
        "unverified": 4,
        "contradicted": 1,
        "verified": 1,
    }
    assert [(day["day"], day["count"]) for day in told["by_standing"][0]["days"]] == [
        ("2026-11-18", 2),
        ("2026-11-19", 1),
        ("2026-11-20", 1),
    ]


def test_claims_of_different_standing_are_rows_of_their_own(tmp_path: Path) -> None:
    rows = {(row["name"], row["standing"]): row["count"] for row in _told(tmp_path)["crawlers"]}
    assert rows == {
        ("GPTBot", "unverified"): 3,
        ("GPTBot", "verified"): 1,
        ("CCBot", "unverified"): 1,
        (HOSTILE, "contradicted"): 1,
    }


def test_what_a_long_table_leaves_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _told(tmp_path)["crawlers_left_out"] == 0
    monkeypatch.setattr(pages, "_MOST_ROWS", 1)
    told = overview(Reader(tmp_path / "evidence"), parse_asked({}), "")
    assert ([row["count"] for row in told["crawlers"]], told["crawlers_left_out"]) == ([3], 3)


def test_who_fetched_robots_txt_and_what_was_sought(tmp_path: Path) -> None:
    told = _told(tmp_path)
    reads = {(row["name"], row["standing"]): row["robots_reads"] for row in told["crawlers"]}
    assert (reads["GPTBot", "unverified"], reads["GPTBot", "verified"]) == (1, 0)
    assert told["works"][0] == {"path": "/art/1.jpg", "standing": "unverified", "count": 2, "bytes": 0}


def test_filters_narrow_every_figure(tmp_path: Path) -> None:
    told = _told(tmp_path, crawler="GPTBot", since="2026-11-19")
    assert [each["count"] for each in told["by_standing"]] == [1]
    assert told["filters"] == {"since": "2026-11-19", "crawler": "GPTBot"}


def test_a_tenant_gets_his_own_figures(tmp_path: Path) -> None:
    assert [each["count"] for each in _told(tmp_path, "bob")["by_standing"]] == [1]


def test_the_logs_own_state_and_gaps_stand_on_it(tmp_path: Path) -> None:
    told = _told(tmp_path)
    assert told["health"]["gaps"] == 1
    assert told["gaps"][0]["reason"] == HOSTILE
    assert told["gaps"][0]["count"] == 3


def test_a_tenant_hears_of_the_gaps_of_his_own_and_of_the_log_s_only(tmp_path: Path) -> None:
    home = log_of_visits(tmp_path / "evidence")
    log = open_log(home)
    for _ in range(60):
        log.append({"type": "log.gap", "tenant": "bob", "reason": "bob's", "from_us": TIME_US, "to_us": TIME_US + 1})
    log.close()
    alice, bob = (overview(Reader(home), parse_asked({}), tenant) for tenant in ("alice", "bob"))
    assert (alice["health"]["gaps"], bob["health"]["gaps"]) == (1, 61)
    assert [gap["reason"] for gap in alice["gaps"]] == [HOSTILE]
    assert alice["records_in_log"] < bob["records_in_log"]
