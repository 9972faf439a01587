"""Sums; that they are those of a scan is tried in test_asking."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.errors import UsageError
from optout.evidence.index.facts import OUTCOME
from optout.evidence.index.figures import day_name, figures
from optout.evidence.index.opening import open_index
from optout.evidence.index.question import Question
from optout.evidence.index.tables import DAY_US
from optout.evidence.probe import PROBE
from tests.evidence.index.setting import NOON, add, make_log, record, record_id

_NAMES = {"crawl.product": "GPTBot", "decision.action": "deny"}
_REQUESTS = Question(facets={"type": "crawl.request"})


def test_the_bytes_of_an_outcome_count_for_the_crawler_that_asked(tmp_path: Path) -> None:
    answer = record(2, OUTCOME, **{"crawl.request.id": record_id(0), "http.response.body.size": 1204})
    home = make_log(tmp_path / "log", [record(0, **_NAMES), record(1, **_NAMES), answer])
    with open_index(home) as index:
        (one,) = figures([index], _REQUESTS, ("product", "day"))
    assert (one.key, one.count, one.size) == (("GPTBot", "2026-11-18"), 2, 1204)
    assert (one.first_us, one.last_us) == (NOON, NOON + 1)


def test_what_is_retracted_leaves_the_sums_whenever_that_is(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [record(0, **_NAMES), record(1, **_NAMES)])
    with open_index(home) as index:
        assert figures([index], _REQUESTS)[0].count == 2
        add(home, [record(2, "crawl.retract", **{"crawl.request.id": record_id(0)})])
        index.catch_up()
        (one,) = figures([index], _REQUESTS)
        assert (one.count, one.first_us) == (1, NOON + 1)


def test_probes_are_in_no_sum_but_one_of_their_own(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [record(0, **_NAMES), record(1, PROBE, **_NAMES)])
    with open_index(home) as index:
        for question in (_REQUESTS, Question(), Question(facets={"product": "GPTBot"}), Question(since_us=NOON)):
            for by in ((), ("day",), ("product", "day")):
                assert [one.count for one in figures([index], question, by)] == [1]
        assert [one.count for one in figures([index], Question(facets={"type": PROBE}))] == [1]


def test_whole_days_are_not_counted_again(tmp_path: Path) -> None:
    """The question about a long time reads rows of its two ends only: those of the days between may be gone."""
    home = make_log(tmp_path / "log", [record(n, time_us=NOON + n * DAY_US, **_NAMES) for n in range(9)])
    with open_index(home) as index:
        index.connection.execute("DELETE FROM records WHERE leaf BETWEEN 2 AND 6")
        (one,) = figures([index], Question(since_us=NOON, until_us=NOON + 8 * DAY_US))
    assert one.count == 8


def test_figures_of_several_logs_are_added(tmp_path: Path) -> None:
    homes = [make_log(tmp_path / name, [record(n, **_NAMES) for n in range(3)]) for name in ("one", "two")]
    with open_index(homes[0]) as one, open_index(homes[1]) as two:
        assert figures([one, two], _REQUESTS)[0].count == 6


def test_nothing_is_a_sum_too(tmp_path: Path) -> None:
    with open_index(make_log(tmp_path / "log", [])) as index:
        assert figures([index], Question())[0].count == 0
        assert figures([index], Question(), ("product",)) == []


def test_a_key_that_is_none_reaches_no_statement(tmp_path: Path) -> None:
    with open_index(make_log(tmp_path / "log", [])) as index, pytest.raises(UsageError, match="summed up by"):
        figures([index], Question(), ("day", "1; DROP TABLE days"))


def test_days_that_no_calendar_has_are_numbers() -> None:
    assert day_name(0) == "1970-01-01"
    assert day_name(-719_163) == "-719163"
