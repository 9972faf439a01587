"""Who has read robots.txt, and which version: per crawler and site, bounded."""

from __future__ import annotations

from optout.adapters import notices
from optout.adapters.notices import Notices


def test_a_record_names_the_last_fetch_of_the_same_crawler_at_the_same_site() -> None:
    found = Notices()
    assert found.fields("GPTBot", "a.example", 0) == {}
    found.read("GPTBot", "a.example", record_id="1", sha256="aa", time_us=1_000_000)
    found.read("GPTBot", "a.example", record_id="2", sha256="bb", time_us=5_000_000)
    found.read("CCBot", "a.example", record_id="3", sha256="cc", time_us=6_000_000)
    assert found.fields("GPTBot", "a.example", 8_900_000) == {
        "notice.robots.id": "2",
        "notice.robots.sha256": "bb",
        "notice.robots.age_s": 3,
    }
    assert found.fields("GPTBot", "b.example", 8_000_000) == {}
    assert found.fields("GPTBot", "a.example", 0)["notice.robots.age_s"] == 0  # a clock that was set back


def test_memory_is_bounded_and_the_latest_stay() -> None:
    found = Notices()
    for number in range(notices._MOST + 10):
        found.read("GPTBot", f"{number}.example", record_id=str(number), sha256="", time_us=0)
    assert found.fields("GPTBot", "9.example", 0) == {}
    assert found.fields("GPTBot", "10.example", 0) != {}


DAY_US = 86_400_000_000


def test_what_was_read_is_compared_with_what_is_in_force_with_a_day_of_grace() -> None:
    found = Notices()

    def seen(sha256: str, time_us: int) -> object:
        return found.observe("GPTBot", "a.example", sha256=sha256, time_us=time_us)["observed.robots"]

    assert seen("aa", 0) == "not-seen"
    found.read("GPTBot", "a.example", record_id="1", sha256="aa", time_us=0)
    assert seen("aa", 9 * DAY_US) == "current"
    assert seen("bb", DAY_US - 1) == "in-grace"
    assert seen("bb", DAY_US) == "outdated"


def test_requests_are_counted_since_the_full_minute() -> None:
    found = Notices()
    minute = 60_000_000
    times = [0, 1, minute - 1, minute, minute + 5, 9 * minute]
    counts = [found.observe("GPTBot", "a.example", sha256="", time_us=time)["observed.minute"] for time in times]
    assert counts == [1, 2, 3, 1, 2, 1]
    assert found.observe("CCBot", "a.example", sha256="", time_us=9 * minute)["observed.minute"] == 1


def test_minutes_are_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(notices, "_MOST", 4)
    found = Notices()
    for number in range(20):
        found.observe("GPTBot", f"{number}.example", sha256="", time_us=0)
    assert len(found._minutes) == 4
