"""`optout evidence list|show` as a person or a script runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from optout.cli.evidence import evidence
from optout.errors import EvidenceError, UsageError
from optout.evidence.segments import list_segments
from tests.cli.evidence.setting import run
from tests.evidence.index.setting import make_log, record
from tests.evidence.setting import SOON_S, crawl, entries, open_log, open_spool


def test_list_as_json_gives_each_leaf_as_it_is_stored(home: Path) -> None:
    done = run("list", home, "--json")
    assert done.stdout_bytes.splitlines() == [entry.record for entry in entries(home)]


def test_list_for_people_is_a_line_a_record_and_escaped(home: Path) -> None:
    lines = run("list", home).output.splitlines()
    assert len(lines) == len(entries(home))
    assert "crawl.request" in lines[2]
    assert "GPTBot deny /gallery/0.jpg" in lines[2]
    assert all(line.isprintable() for line in lines)


def test_list_takes_a_type_a_time_and_a_number(home: Path) -> None:
    assert len(run("list", home, "--type", "log.start").output.splitlines()) == 2
    assert len(run("list", home, "--limit", "3").output.splitlines()) == 3
    assert run("list", home, "--limit", "1", "--json").stdout_bytes.strip() == entries(home)[-1].record
    assert len(run("list", home, "--since", "2026-11-17").output.splitlines()) == len(entries(home))
    assert run("list", home, "--since", "2027-01-01T00:00:00+02:00").output == ""


def test_list_refuses_what_is_no_time(home: Path) -> None:
    assert isinstance(run("list", home, "--since", "yesterday").exception, UsageError)


def test_list_of_a_damaged_log_says_that_it_is_not_all(home: Path) -> None:
    path = list_segments(home / "segments")[0].path
    data = bytearray(path.read_bytes())
    data[entries(home)[3].offset + 20] ^= 1
    path.write_bytes(data)
    done = run("list", home)
    assert len(done.output.splitlines()) == 3
    assert isinstance(done.exception, EvidenceError)
    assert "record 3" in done.exception.what


def test_an_unfinished_write_is_no_damage_to_a_list(home: Path) -> None:
    path = list_segments(home / "segments")[0].path
    path.write_bytes(path.read_bytes() + b"\x00\x00")
    done = run("list", home)
    assert (done.exit_code, len(done.output.splitlines())) == (0, 8)


def test_list_of_files_that_cannot_be_read_is_an_error(home: Path) -> None:
    shutil.rmtree(home / "segments")
    assert isinstance(run("list", home).exception, EvidenceError)


def test_list_shows_any_time_that_a_record_can_hold(tmp_path: Path) -> None:
    log = open_log(tmp_path / "new")
    log.append(crawl(1, time_us=2**53 - 1)).result(SOON_S)
    log.append(crawl(2, time_us=-(2**53 - 1))).result(SOON_S)
    log.close()
    done = run("list", tmp_path / "new")
    assert "2255-06-05" in done.output
    assert "1684-07-28" in done.output


def test_list_of_no_log_is_an_error(tmp_path: Path) -> None:
    assert isinstance(run("list", tmp_path).exception, EvidenceError)
    (tmp_path / "vkey").write_text("x")
    assert isinstance(run("list", tmp_path).exception, EvidenceError)


def test_show_prints_one_record_with_leaf_place_and_coverage(home: Path) -> None:
    record_id = "00000000-0000-7000-8000-000000000002"
    done = run("show", home, record_id)
    assert done.exit_code == 0
    assert "record     4 in segments/0000000000000000.frames" in done.output
    assert "covered    yes, by the checkpoint over 8 records" in done.output
    assert "url.path             /gallery/2.jpg" in done.output
    assert run("show", home, "4").output == done.output


def test_show_escapes_what_a_stranger_sent(home: Path) -> None:
    done = run("show", home, "00000000-0000-7000-8000-000000000050")
    assert done.exit_code == 0
    assert all(line.isprintable() for line in done.output.splitlines())


def test_show_as_json_holds_the_record(home: Path) -> None:
    found = json.loads(run("show", home, "4", "--json").output)
    assert (found["index"], found["covered"], found["checkpoint_size"]) == (4, True, 8)
    assert found["record"]["url.path"] == "/gallery/2.jpg"
    assert len(found["leaf_hash"]) == 64


@pytest.mark.parametrize("damage", ["missing", "foreign"])
def test_show_claims_no_coverage_without_a_good_checkpoint(home: Path, damage: str) -> None:
    if damage == "missing":
        (home / "checkpoint").unlink()
    else:
        (home / "checkpoint").write_bytes(b"x")
    assert json.loads(run("show", home, "4", "--json").output)["covered"] is False


def test_show_of_what_is_not_there_is_a_no(home: Path) -> None:
    done = run("show", home, "999\x1b")
    assert done.exit_code == 1
    assert "\x1b" not in done.output


def test_what_waits_in_spools_is_said_and_not_taken_for_the_log(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    open_log(home).close()
    writer = open_spool(home)
    writer.append(crawl(1)).result(SOON_S)
    writer.close()
    listed = CliRunner().invoke(evidence, ["list", str(home), "--json"])
    assert [json.loads(line)["type"] for line in listed.stdout.splitlines()] == ["log.start"]
    assert listed.stderr == "2 more in spools of other writers, not yet in the tree\n"
    verified = CliRunner().invoke(evidence, ["verify", str(home), "--json"])
    assert verified.exit_code == 0
    report = json.loads(verified.output)
    assert (report["size"], report["waiting"]) == (1, 2)
    assert "2 records in the spools of other writers: not yet in the tree" in report["not_proved"]


def test_pages_go_back_from_the_newest_by_cursor(home: Path) -> None:
    stored, seen, cursor = [entry.record for entry in entries(home)], [], []
    for _ in range(3):
        done = CliRunner().invoke(evidence, ["list", str(home), "--json", "--reverse", "--limit", "3", *cursor])
        seen += done.stdout_bytes.splitlines()
        cursor = done.stderr.removeprefix("next page: ").split()
    assert seen == stored[::-1]
    assert cursor == []  # nothing is older


def test_pages_go_on_from_the_start_by_cursor_and_show_what_came_since(home: Path) -> None:
    first = CliRunner().invoke(evidence, ["list", str(home), "--json", "--limit", "5", "--cursor", "start"])
    cursor = first.stderr.removeprefix("next page: ").split()
    log = open_log(home)
    log.append(crawl(77)).result(SOON_S)
    log.close()
    second = CliRunner().invoke(evidence, ["list", str(home), "--json", *cursor])
    assert [*first.stdout_bytes.splitlines(), *second.stdout_bytes.splitlines()] == [e.record for e in entries(home)]
    nothing = CliRunner().invoke(evidence, ["list", str(home), *second.stderr.removeprefix("next page: ").split()])
    assert nothing.stdout == ""
    assert nothing.stderr == second.stderr


def test_a_record_that_was_retracted_is_listed_with_a_mark_and_not_counted(home: Path) -> None:
    log = open_log(home)
    log.append({"type": "crawl.retract", "crawl.request.id": crawl(2)["id"]}).result(SOON_S)
    log.close()
    marked = [line for line in run("list", home).output.splitlines() if line.endswith("(retracted)")]
    assert len(marked) == 1
    assert "/gallery/2.jpg" in marked[0]
    requests = ("list", home, "--type", "crawl.request")
    assert (run(*requests, "--count").output, len(run(*requests).output.splitlines())) == ("4\n", 5)


def test_a_table_and_leaves_at_once_cannot_be(home: Path) -> None:
    assert isinstance(run("list", home, "--csv", "--json").exception, UsageError)


def test_show_finds_what_is_no_record_by_its_place(tmp_path: Path) -> None:
    log = make_log(tmp_path / "log", [b"{}", record(1)])
    assert json.loads(run("show", log, "0", "--json").output)["record"] == {}
    assert run("show", log, "9" * 40).exit_code == 1


def test_show_of_a_damaged_log_does_not_say_that_there_is_none(home: Path) -> None:
    path = list_segments(home / "segments")[0].path
    data = bytearray(path.read_bytes())
    data[entries(home)[3].offset + 20] ^= 1
    path.write_bytes(data)
    assert isinstance(run("show", home, "nobody").exception, EvidenceError)
    assert run("show", home, str(entries(home)[1].leaf_index)).exit_code == 0
