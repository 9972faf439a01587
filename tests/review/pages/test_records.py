"""The list: newest first, page by page, nobody who was taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.review.asked import parse_asked
from optout.review.pages import records as room
from optout.review.pages.records import records
from optout.review.reader import Reader
from tests.review.setting import log_of_visits


def test_pages_follow_one_another_without_a_record_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PAGE", 2)
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        told = records(reader, parse_asked({"cursor": cursor}), "")
        assert told["count"] == 6
        seen += [row["id"] for row in told["rows"]]
        cursor = told["next"]
        if not cursor:
            break
    assert seen == ["r6", "r5", "r4", "r3", "r2", "r1"]


def test_a_broken_cursor_begins_anew(tmp_path: Path) -> None:
    reader = Reader(log_of_visits(tmp_path / "evidence"))
    assert len(records(reader, parse_asked({"cursor": "what"}), "")["rows"]) == 6
