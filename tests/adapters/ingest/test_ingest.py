"""From lines to records: each once, whatever is repeated, broken off or refused on the way."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from optout.adapters.ingest import Following, Ingest, LogFiles
from optout.adapters.ingest.positions import Positions
from optout.adapters.ingest.recent import read_recent
from optout.compilers.access_log import LineFault
from optout.compilers.access_log.forms import CADDY_MEMBERS
from optout.crawlers.registry import bundled_registry
from optout.evidence.log import Budget, EvidenceLog
from optout.evidence.receipt import Loss, NotLoggedError
from tests.evidence.setting import SMALL, lost_in_gaps, open_log, records
from tests.front_end_lines import SHA, line, members, number, passed


class Running:
    """An ingesting of one log file, started and ended as a process would."""

    def __init__(self, place: Path, budget: Budget = SMALL) -> None:
        self.evidence = place / "evidence"
        self.log_file = place / "access.log"
        self.log: EvidenceLog = open_log(self.evidence, budget=budget)
        self.positions = Positions(self.evidence, self.log_file)
        self.ingest = Ingest(self.log, bundled_registry(), read_recent(self.evidence), {SHA: "atelier"})
        self.files = LogFiles(self.log_file, self.positions)

    def look(self) -> None:
        """Read what is new."""
        for _ in self.files.read(self.ingest):
            pass

    def end(self) -> None:
        """Stop."""
        self.positions.close()
        self.log.close()

    def write(self, *lines: bytes) -> None:
        """What the front end does."""
        with self.log_file.open("ab") as file:
            file.write(b"".join(each + b"\n" for each in lines))

    def told(self) -> list[str]:
        """The numbers of the requests on record."""
        return [str(record["id"]) for record in records(self.evidence, "crawl.request")]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path)
    yield started
    started.end()


def _numbers(*counts: int) -> list[str]:
    return [number(count) for count in counts]


def test_each_line_becomes_its_records_once(running: Running) -> None:
    running.write(line(1), passed(2))
    running.look()
    running.look()
    running.write(line(3))
    running.look()
    assert running.told() == _numbers(1, 2, 3)
    (outcome,) = records(running.evidence, "crawl.outcome")
    assert outcome["crawl.request.id"] == number(2)
    assert running.ingest.counts == {"lines": 3, "records": 4}


def test_a_record_says_whose_observation_it_is_and_whose_policy_applied(running: Running) -> None:
    running.write(line(1), line(2, policy="cd" * 32))
    running.look()
    first, second = records(running.evidence, "crawl.request")
    assert (first["observed.by"], first["tenant"], second["tenant"]) == ("front-end nginx", "atelier", "default")


def test_a_record_claims_nothing_of_the_front_end_s_clock(running: Running) -> None:
    running.write(line(1))
    running.look()
    (record,) = records(running.evidence, "crawl.request")
    assert {name: value for name, value in record.items() if name.startswith("clock.")} == {"clock.src": "front-end"}
    assert record["time_us"] == 1_795_000_001_250_000
    assert "mono_us" not in record


def test_a_line_that_is_written_twice_is_told_once(running: Running) -> None:
    running.write(line(1), passed(2), line(1), passed(2))
    running.look()
    running.write(line(1))
    running.look()
    assert running.told() == _numbers(1, 2)
    assert running.ingest.counts["repeated"] == 3


def test_a_number_that_comes_with_other_words_is_counted_and_not_believed(running: Running) -> None:
    running.write(line(1), line(1, path="/other"))
    running.look()
    running.write(line(1, path="/third"))
    running.look()
    assert running.told() == _numbers(1)
    assert running.ingest.counts["line-id-reused"] == 2


def test_a_line_in_caddy_s_own_form_is_one_too(running: Running) -> None:
    said = members(1, front="caddy", user_agent="GPTBot \ud800")
    told = "\n".join(["optout 1", *(said[name] for name in CADDY_MEMBERS)])
    running.write(
        json.dumps({"level": "info", "ts": 1795000001.25, "user_id": told, "status": 403, "size": 9}).encode()
    )
    running.look()
    (record,) = records(running.evidence, "crawl.request")
    assert (record["id"], record["observed.by"]) == (number(1), "front-end caddy")
    assert record["time_us"] == 1_795_000_001_250_000


def test_what_is_no_line_is_counted_by_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    started = Running(tmp_path)
    started.write(b"no json", b"\xff\xfe", line(1), b"x" * (1 << 20), line(2, optout="9"), b"{}", line(3))
    started.look()
    assert started.told() == _numbers(1, 3)
    started.end()
    gaps = {gap["reason"]: gap["count"] for gap in records(started.evidence, "log.gap")}
    assert gaps == {LineFault.NOT_JSON: 2, LineFault.TOO_LONG: 1, LineFault.VERSION: 1, LineFault.MEMBER: 1}


def test_reading_goes_on_after_a_restart(tmp_path: Path) -> None:
    for count in (1, 2, 3):
        started = Running(tmp_path)
        started.write(line(count))
        started.look()
        started.end()
    assert started.told() == _numbers(1, 2, 3)


@pytest.mark.parametrize("lost", ["ingest", "nothing"])
def test_lines_behind_the_last_saved_position_are_told_once(tmp_path: Path, lost: str) -> None:
    started = Running(tmp_path)
    started.write(line(1), passed(2))
    started.ingest.take([line(1), passed(2)])  # recorded; the crash comes before the position is saved
    started.end()
    if lost == "ingest":
        shutil.rmtree(started.evidence / "ingest")
    again = Running(tmp_path)
    again.write(line(3))
    again.look()
    assert again.told() == _numbers(1, 2, 3)
    assert again.ingest.counts["repeated"] == 2
    again.end()


def test_an_outcome_that_a_crash_cut_off_follows(tmp_path: Path) -> None:
    started = Running(tmp_path)
    started.write(passed(1))
    started.look()
    (request,) = records(started.evidence, "crawl.request")
    started.end()
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "access.log").write_bytes(passed(1) + b"\n")
    log = open_log(tmp_path / "second" / "evidence")
    log.append(request)
    log.close()
    again = Running(tmp_path / "second")
    again.look()
    assert again.told() == _numbers(1)
    assert len(records(again.evidence, "crawl.outcome")) == 1
    again.end()


def test_a_log_that_is_renamed_and_packed_is_read_to_its_end(running: Running, tmp_path: Path) -> None:
    running.write(line(1))
    running.look()
    running.write(line(2))
    first = running.log_file.rename(tmp_path / "access.log.1")
    with first.open("ab") as file:  # the front end writes to the old file until it is told to open the new one
        file.write(line(3) + b"\n")
    running.write(line(4))
    running.look()
    (tmp_path / "access.log.2.gz").write_bytes(gzip.compress(first.read_bytes() + line(5) + b"\n"))
    first.unlink()
    running.log_file.rename(first)
    running.write(line(6))
    running.look()
    assert sorted(running.told()) == _numbers(1, 2, 3, 4, 5, 6)


def test_a_log_that_is_copied_and_cut_is_read_to_its_end(running: Running, tmp_path: Path) -> None:
    running.write(line(1), line(2))
    running.look()
    running.write(line(3))
    shutil.copy(running.log_file, tmp_path / "access.log.1")
    os.truncate(running.log_file, 0)
    running.look()
    running.write(line(4))
    running.look()
    assert running.told() == _numbers(1, 2, 3, 4)


def test_a_log_that_grew_past_its_old_size_after_it_was_cut_is_not_taken_for_the_old_one(running: Running) -> None:
    running.write(line(1))
    running.look()
    os.truncate(running.log_file, 0)
    running.write(*(line(count) for count in range(2, 9)))
    running.look()
    assert running.told() == _numbers(*range(1, 9))


def test_files_that_were_rotated_while_nobody_read_are_read(tmp_path: Path) -> None:
    for count, name in enumerate(("access.log.2.gz", "access.log.1", "access.log")):
        data = line(count) + b"\n"
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
        os.utime(tmp_path / name, (10_000 + count, 10_000 + count))
    started = Running(tmp_path)
    started.look()
    assert started.told() == _numbers(0, 1, 2)
    started.end()


def test_a_packed_file_that_is_not_whole_yet_holds_nothing_up(running: Running, tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(line(count) + b"\n" for count in range(1, 400)))
    (tmp_path / "access.log.1.gz").write_bytes(packed[: len(packed) // 2])
    running.write(line(500))
    running.look()
    assert number(500) in running.told()
    (tmp_path / "access.log.1.gz").write_bytes(packed)
    running.look()
    assert sorted(running.told()) == _numbers(*range(1, 400), 500)


def test_a_log_that_is_not_there_or_is_a_directory_is_waited_for(running: Running) -> None:
    running.look()
    running.log_file.mkdir()
    running.look()
    running.log_file.rmdir()
    running.write(line(1))
    running.look()
    assert running.told() == _numbers(1)


def test_a_log_that_takes_nothing_holds_the_reading_up_and_loses_no_line(tmp_path: Path) -> None:
    started = Running(tmp_path, budget=Budget(ballast_bytes=64 * 1024, max_bytes=300 * 1024))
    started.write(*(line(count) for count in range(200)))
    with pytest.raises(NotLoggedError) as caught:
        started.look()
    assert caught.value.loss is Loss.BUDGET
    written = len(started.told())
    assert 0 < written < 200
    started.end()
    again = Running(tmp_path)
    again.look()
    assert again.told() == _numbers(*range(200))
    assert lost_in_gaps(again.evidence) >= 200 - written
    again.end()


def test_following_waits_while_the_log_takes_nothing(tmp_path: Path) -> None:
    started = Running(tmp_path, budget=Budget(ballast_bytes=64 * 1024, max_bytes=300 * 1024))
    started.write(*(line(count) for count in range(200)))
    following = Following(started.ingest, [started.files], [])
    following.follow()
    counted = lost_in_gaps(started.evidence)
    for _ in range(5):
        following.follow()
    assert len(started.told()) < 200
    started.end()
    assert lost_in_gaps(started.evidence) <= counted + 200  # what is refused again is not counted again


def test_who_is_to_end_in_the_middle_of_a_file_goes_on_there_the_next_time(tmp_path: Path) -> None:
    started = Running(tmp_path)
    started.write(*(line(count, user_agent="GPTBot " + "x" * 1000) for count in range(1000)))
    Following(started.ingest, [started.files], [], lambda: True).read_files()
    first = len(started.told())
    assert 0 < first < 1000
    started.end()
    again = Running(tmp_path)
    again.look()
    assert again.told() == _numbers(*range(1000))
    assert again.ingest.counts["lines"] == 1000 - first
    again.end()


def test_a_forged_user_agent_in_a_loop_does_not_fill_the_disk(tmp_path: Path) -> None:
    started = Running(tmp_path)
    started.ingest._flood.limit = 10
    started.write(*(line(count, time="1795000000.5") for count in range(50)), line(100, time="1795000090.5"))
    started.look()
    assert started.told() == _numbers(*range(10), 100)
    assert started.ingest.counts["flood"] == 40
    started.end()


def test_datagrams_that_the_kernel_dropped_are_told_in_a_gap(tmp_path: Path) -> None:
    started = Running(tmp_path)
    started.ingest.dropped(7, 1_795_000_000_000_000)
    started.end()
    (gap,) = records(started.evidence, "log.gap")
    assert (gap["reason"], gap["count"]) == ("line-dropped", 7)
