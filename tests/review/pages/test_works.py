"""Coverage: which works were sought, by whom, when."""

from __future__ import annotations

from pathlib import Path

from optout.review.asked import Asked
from optout.review.pages import works as room
from optout.review.pages.works import works
from optout.review.reader import Reader
from optout.review.works import Work
from tests.review.setting import log_of_visits

LISTED = (Work(path="/art/*", title="All"), Work(path="/art/1.jpg", title="One"), Work(path="/none"))


def test_a_work_is_counted_by_path_and_by_pattern(tmp_path: Path) -> None:
    told = works(Reader(log_of_visits(tmp_path / "evidence")), (LISTED, ()), Asked(), "")
    assert [(row["title"], row["standing"], row["count"]) for row in told["rows"]] == [
        ("All", "unverified", 3),
        ("All", "verified", 1),
        ("One", "unverified", 2),
        ("One", "verified", 1),
        ("", "", 0),
    ]
    assert (told["sought"], told["works"], told["next"]) == (2, 3, None)
    one = told["rows"][2]
    assert {each["name"]: each["count"] for each in one["crawlers"]} == {"GPTBot": 1, "CCBot": 1}
    assert one["first"] < one["last"]


def test_a_long_list_goes_over_pages(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(room, "PAGE", 2)
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    assert works(reader, (LISTED, ()), Asked(), "")["next"] == 2
    assert [row["path"] for row in works(reader, (LISTED, ()), Asked(), "", 2)["rows"]] == ["/none"]
