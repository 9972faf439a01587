"""Filling an index: no record twice, none left out, whatever interrupts it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from optout.evidence.index import batch, filling
from optout.evidence.index.asking import find_rows
from optout.evidence.index.figures import figures
from optout.evidence.index.opening import open_index
from optout.evidence.index.question import Question
from optout.evidence.index.tables import FACETS
from optout.evidence.segments import list_segments
from tests.evidence.index.setting import Scan, add, make_log, record
from tests.evidence.setting import SOON_S, crawl, open_log

_KILLED = """
import os, signal, sys
from pathlib import Path
from optout.evidence.index import batch, filling
from optout.evidence.index.opening import open_index
filling.BATCH = 50
at, how = int(sys.argv[2]), sys.argv[3]
def die(count):
    if count >= at:
        os.kill(os.getpid(), signal.SIGKILL)
if how == "within":
    write = filling.Filler._write
    def half(self, batch):
        write(self, batch)
        die(batch.bookmark.leaf_index)
    filling.Filler._write = half
with open_index(Path(sys.argv[1]), told=die if how == "between" else None):
    pass
"""


def _agrees(home: Path) -> None:
    with open_index(home) as index:
        assert index.replaced == ""
        assert [row.leaf for row in find_rows(index, Question())] == list(Scan(home).facts)
        assert figures([index], Question(), tuple(FACETS)) == Scan(home).figures(Question(), tuple(FACETS))


@pytest.mark.parametrize("how", ["within", "between"])
def test_a_killed_filling_goes_on_where_it_was(tmp_path: Path, how: str) -> None:
    home = make_log(tmp_path / "log", [record(n, **{"url.path": f"/{n % 7}"}) for n in range(400)], segment_bytes=9000)
    for at in (50, 150, 300):
        done = subprocess.run([sys.executable, "-c", _KILLED, str(home), str(at), how], check=False, timeout=SOON_S * 3)
        assert done.returncode == -signal.SIGKILL
    assert (home / "index.sqlite").stat().st_size > 0
    _agrees(home)


def test_two_processes_fill_one_index_together(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [record(n) for n in range(600)], segment_bytes=9000)
    code = _KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", "pass")
    both = [subprocess.Popen([sys.executable, "-c", code, str(home), "0", "between"]) for _ in range(2)]
    assert [one.wait(SOON_S * 3) for one in both] == [0, 0]
    _agrees(home)


def test_an_index_follows_a_door_that_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "BATCH", 7)
    home, log = tmp_path / "log", open_log(tmp_path / "log")
    written, stop = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            log.append(crawl(number)).result(SOON_S)
            number += 1
            written.set()

    door = threading.Thread(target=write)
    door.start()
    try:
        sizes = []
        for _ in range(20):
            assert written.wait(SOON_S)
            written.clear()
            with open_index(home) as index:
                leaves = [row.leaf for row in find_rows(index, Question())]
            assert leaves == list(range(len(leaves)))
            sizes.append(len(leaves))
        assert sizes == sorted(sizes)
        assert sizes[-1] >= 10  # ten of the twenty waits at least were for a record that had not been read yet
    finally:
        stop.set()
        door.join(SOON_S)
        log.close()
    _agrees(home)


def test_an_unfinished_write_is_read_once_it_is_whole(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [record(n) for n in range(4)])
    path = list_segments(home / "segments")[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with open_index(home) as index:
        assert (index.size, index.breaks) == (3, ())
        path.write_bytes(whole)
        index.catch_up()
        assert index.size == 4


def test_damage_is_told_and_what_comes_behind_it_is_read(tmp_path: Path) -> None:
    home = make_log(tmp_path / "log", [record(n) for n in range(12)], segment_bytes=700)
    first = list_segments(home / "segments")[0].path
    whole = first.read_bytes()
    first.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    for _ in range(2):
        with open_index(home) as index:
            assert [each.index for each in index.breaks] == [0]
            assert [row.leaf for row in find_rows(index, Question())] == list(Scan(home).facts)
    first.write_bytes(whole)
    with open_index(home) as index:
        assert "whole again" in index.replaced
        assert (index.size, index.breaks) == (12, ())


def test_catching_up_reads_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_log(tmp_path / "log", [record(n) for n in range(30)], segment_bytes=900)
    with open_index(home) as index:
        parsed: list[bytes] = []
        parse = batch.parse_facts
        monkeypatch.setattr(batch, "parse_facts", lambda data: parsed.append(data) or parse(data))  # type: ignore[func-returns-value]
        add(home, [record(30)], segment_bytes=900)
        assert index.catch_up() == 1
    assert parsed == [record(30)]


def test_the_numbers_of_writers_are_those_that_reading_finds(tmp_path: Path) -> None:
    boots = ["1" * 36, "2" * 36]
    records = [record(n, **{"writer.boot": boots[n % 2], "writer.seq": n // 2}) for n in range(9)]
    with open_index(make_log(tmp_path / "log", records)) as index:
        assert index.taken({boots[0]: 0, boots[1]: 0, "3" * 36: 0}) == {boots[0]: 5, boots[1]: 4, "3" * 36: 0}
