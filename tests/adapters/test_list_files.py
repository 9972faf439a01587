"""Lists on disk: read whole or not at all, replaced at once, and looked at again only when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optout.adapters.list_files import ListWatch, list_directory, read_lists, write_list
from optout.crawlers.address_book import Listing
from optout.errors import UsageError
from tests.crawlers.book import EXBOT, NOW_US, OFF, ON, claim, client, snapshot


def test_the_lists_lie_in_the_state_directory(tmp_path: Path) -> None:
    assert list_directory(tmp_path) == tmp_path / "address-lists"


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_list(tmp_path / "new" / "place", snapshot())
    assert read_lists(tmp_path / "new" / "place") == {"bots-example-exbot.json": snapshot().document}
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "new" / "place").iterdir()] == [0o644]
    assert read_lists(tmp_path / "nowhere") == {}


def test_a_directory_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write into"):
        write_list(tmp_path / "file", snapshot())


def test_a_door_sees_a_new_list_and_no_change_where_there_is_none(tmp_path: Path) -> None:
    watch = ListWatch(tmp_path / "lists")
    assert (watch.poll(), bool(watch.book)) == (None, False)
    write_list(tmp_path / "lists", snapshot())
    book = watch.poll()
    assert book is watch.book
    assert book is not None
    assert book.look(claim(EXBOT), client(ON), NOW_US).listing is Listing.LISTED
    assert watch.poll() is None
    (tmp_path / "lists" / "bots-example-exbot.json").unlink()
    assert watch.poll() is not None
    assert not watch.book


def test_a_broken_file_is_told_once_and_its_list_is_none(tmp_path: Path) -> None:
    write_list(tmp_path, snapshot())
    (tmp_path / "other.json").write_bytes(b"<html>")
    watch = ListWatch(tmp_path)
    assert len(watch.book.snapshots) == 1
    assert [problem.what.partition(":")[0] for problem in watch.take_problems()] == ["other.json"]
    assert watch.take_problems() == ()


def test_a_doubt_outlives_a_reading_of_the_same_list(tmp_path: Path) -> None:
    write_list(tmp_path, snapshot())
    watch = ListWatch(tmp_path)
    for _ in range(20):
        watch.book.look(claim(EXBOT), client(OFF), NOW_US)
    os.utime(tmp_path / "bots-example-exbot.json", ns=(1, 1))
    book = watch.poll()
    assert book is not None
    assert book.doubted == book.snapshots
