"""Who has read robots.txt, and which version: per crawler and site, bounded, of all processes of a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters import shared_marks
from optout.adapters.notices import Notices

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
A, B, C = ("aa" * 32, "bb" * 32, "cc" * 32)


def fields(found: Notices, crawler: str, site: str, time_us: int) -> dict[str, object]:
    return dict(found.beside(crawler, site, sha256=None, time_us=time_us))


def number(value: int) -> str:
    return f"00000000-0000-7000-8000-{value:012}"


def test_a_record_names_the_last_fetch_of_the_same_crawler_at_the_same_site() -> None:
    found = Notices()
    assert fields(found, "GPTBot", "a.example", 0) == {}
    found.read("GPTBot", "a.example", record_id=number(1), sha256=A, time_us=1_000_000)
    found.read("GPTBot", "a.example", record_id=number(2), sha256=B, time_us=5_000_000)
    found.read("CCBot", "a.example", record_id=number(3), sha256=C, time_us=6_000_000)
    assert fields(found, "GPTBot", "a.example", 8_900_000) == {
        "notice.robots.id": number(2),
        "notice.robots.sha256": B,
        "notice.robots.age_s": 3,
    }
    assert fields(found, "GPTBot", "b.example", 8_000_000) == {}
    assert fields(found, "GPTBot", "a.example", 0)["notice.robots.age_s"] == 0  # a clock that was set back


def test_a_fetch_where_no_version_is_known_says_so() -> None:
    found = Notices()
    found.read("GPTBot", "a.example", record_id=number(1), sha256="", time_us=0)
    assert fields(found, "GPTBot", "a.example", 0)["notice.robots.sha256"] == ""
    assert found.beside("GPTBot", "a.example", sha256="", time_us=0)["observed.robots"] == "current"


def test_what_was_read_is_compared_with_what_is_in_force_with_a_day_of_grace() -> None:
    found = Notices()

    def seen(sha256: str, time_us: int) -> object:
        return found.beside("GPTBot", "a.example", sha256=sha256, time_us=time_us)["observed.robots"]

    assert seen(A, 0) == "not-seen"
    found.read("GPTBot", "a.example", record_id=number(1), sha256=A, time_us=0)
    assert seen(A, 9 * DAY_US) == "current"
    assert seen(B, DAY_US - 1) == "in-grace"
    assert seen(B, DAY_US) == "outdated"


def test_requests_are_counted_since_the_full_minute() -> None:
    found = Notices()
    times = [0, 1, MINUTE_US - 1, MINUTE_US, MINUTE_US + 5, 9 * MINUTE_US]
    counts = [found.beside("GPTBot", "a.example", sha256="", time_us=time)["observed.minute"] for time in times]
    assert counts == [1, 2, 3, 1, 2, 1]
    assert found.beside("CCBot", "a.example", sha256="", time_us=9 * MINUTE_US)["observed.minute"] == 1


def test_memory_is_bounded_and_the_earliest_go() -> None:
    found = Notices(most=16)
    for place in range(17):
        found.read("GPTBot", f"{place}.example", record_id=number(place), sha256=A, time_us=place)
    assert fields(found, "GPTBot", "0.example", 20) == {}
    assert fields(found, "GPTBot", "16.example", 20)["notice.robots.id"] == number(16)


def test_what_one_worker_has_seen_the_others_say_and_so_does_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_marks, "_MEMORY", tmp_path)
    one, other, elsewhere = Notices(tmp_path / "log"), Notices(tmp_path / "log"), Notices(tmp_path / "another")
    one.read("GPTBot", "a.example", record_id=number(1), sha256=A, time_us=0)
    counts = [each.beside("GPTBot", "a.example", sha256=A, time_us=1)["observed.minute"] for each in (one, other, one)]
    assert counts == [1, 2, 3]
    assert fields(other, "GPTBot", "a.example", 1) == fields(one, "GPTBot", "a.example", 1) != {}
    assert fields(elsewhere, "GPTBot", "a.example", 1) == {}
    for each in (one, other, elsewhere):
        each.close()
    assert fields(Notices(tmp_path / "log"), "GPTBot", "a.example", 1)["notice.robots.id"] == number(1)
