"""`optout evidence` as a person or a script runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.evidence import evidence
from optout.errors import EvidenceError, UsageError
from optout.evidence.segments import list_segments
from tests.evidence.setting import SOON_S, crawl, entries, fill, open_log, open_spool

HOSTILE = "GPTBot\x1b]8;;http://evil.example\x07\u202e\x9b2J\udcff"


def _run(*words: object) -> Result:
    return CliRunner().invoke(evidence, [str(word) for word in words])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli") / "evidence"
    fill(home, 4)
    log = open_log(home)
    log.append(crawl(50, **{"url.path": "/x" + HOSTILE, "server.address": "example.org"})).result(SOON_S)
    log.close()
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "evidence")
    return tmp_path / "evidence"


def test_init_makes_a_log_and_prints_its_key(tmp_path: Path) -> None:
    done = _run("init", tmp_path / "new", "--origin", "example.org/log")
    assert done.exit_code == 0
    vkey = (tmp_path / "new" / "vkey").read_text().strip()
    assert vkey in done.output
    assert vkey.startswith("example.org/log+")


def test_init_as_json_names_origin_key_and_fingerprint(tmp_path: Path) -> None:
    found = json.loads(_run("init", tmp_path / "new", "--json").output)
    assert set(found) == {"origin", "vkey", "fingerprint"}
    assert found == json.loads(_run("key", tmp_path / "new", "--json").output)


def test_init_twice_is_an_error(home: Path) -> None:
    assert isinstance(_run("init", home).exception, EvidenceError)


def test_key_prints_key_and_fingerprint(home: Path) -> None:
    done = _run("key", home)
    assert (home / "vkey").read_text().strip() in done.output
    assert "fingerprint  sha256:" in done.output


def test_list_as_json_gives_each_leaf_as_it_is_stored(home: Path) -> None:
    done = _run("list", home, "--json")
    assert done.stdout_bytes.splitlines() == [entry.record for entry in entries(home)]


def test_list_for_people_is_a_line_a_record_and_escaped(home: Path) -> None:
    lines = _run("list", home).output.splitlines()
    assert len(lines) == len(entries(home))
    assert "crawl.request" in lines[2]
    assert "GPTBot deny /gallery/0.jpg" in lines[2]
    assert all(line.isprintable() for line in lines)


def test_list_takes_a_type_a_time_and_a_number(home: Path) -> None:
    assert len(_run("list", home, "--type", "log.start").output.splitlines()) == 2
    assert len(_run("list", home, "--limit", "3").output.splitlines()) == 3
    assert _run("list", home, "--limit", "1", "--json").stdout_bytes.strip() == entries(home)[-1].record
    assert len(_run("list", home, "--since", "2026-11-17").output.splitlines()) == len(entries(home))
    assert _run("list", home, "--since", "2027-01-01T00:00:00+02:00").output == ""


def test_list_refuses_what_is_no_time(home: Path) -> None:
    assert isinstance(_run("list", home, "--since", "yesterday").exception, UsageError)


def test_list_of_a_damaged_log_says_that_it_is_not_all(home: Path) -> None:
    path = list_segments(home / "segments")[0].path
    data = bytearray(path.read_bytes())
    data[entries(home)[3].offset + 20] ^= 1
    path.write_bytes(data)
    done = _run("list", home)
    assert len(done.output.splitlines()) == 3
    assert isinstance(done.exception, EvidenceError)
    assert "record 3" in done.exception.what


def test_an_unfinished_write_is_no_damage_to_a_list(home: Path) -> None:
    path = list_segments(home / "segments")[0].path
    path.write_bytes(path.read_bytes() + b"\x00\x00")
    done = _run("list", home)
    assert (done.exit_code, len(done.output.splitlines())) == (0, 8)


def test_list_of_files_that_cannot_be_read_is_an_error(home: Path) -> None:
    shutil.rmtree(home / "segments")
    assert isinstance(_run("list", home).exception, EvidenceError)


def test_list_shows_any_time_that_a_record_can_hold(tmp_path: Path) -> None:
    log = open_log(tmp_path / "new")
    log.append(crawl(1, time_us=2**53 - 1)).result(SOON_S)
    log.append(crawl(2, time_us=-(2**53 - 1))).result(SOON_S)
    log.close()
    done = _run("list", tmp_path / "new")
    assert "2255-06-05" in done.output
    assert "1684-07-28" in done.output


def test_list_of_no_log_is_an_error(tmp_path: Path) -> None:
    assert isinstance(_run("list", tmp_path).exception, EvidenceError)
    (tmp_path / "vkey").write_text("x")
    assert isinstance(_run("list", tmp_path).exception, EvidenceError)


def test_show_prints_one_record_with_leaf_place_and_coverage(home: Path) -> None:
    record_id = "00000000-0000-7000-8000-000000000002"
    done = _run("show", home, record_id)
    assert done.exit_code == 0
    assert "record     4 in segments/0000000000000000.frames" in done.output
    assert "covered    yes, by the checkpoint over 8 records" in done.output
    assert "url.path             /gallery/2.jpg" in done.output
    assert _run("show", home, "4").output == done.output


def test_show_escapes_what_a_stranger_sent(home: Path) -> None:
    done = _run("show", home, "00000000-0000-7000-8000-000000000050")
    assert done.exit_code == 0
    assert all(line.isprintable() for line in done.output.splitlines())


def test_show_as_json_holds_the_record(home: Path) -> None:
    found = json.loads(_run("show", home, "4", "--json").output)
    assert (found["index"], found["covered"], found["checkpoint_size"]) == (4, True, 8)
    assert found["record"]["url.path"] == "/gallery/2.jpg"
    assert len(found["leaf_hash"]) == 64


@pytest.mark.parametrize("damage", ["missing", "foreign"])
def test_show_claims_no_coverage_without_a_good_checkpoint(home: Path, damage: str) -> None:
    if damage == "missing":
        (home / "checkpoint").unlink()
    else:
        (home / "checkpoint").write_bytes(b"x")
    assert json.loads(_run("show", home, "4", "--json").output)["covered"] is False


def test_show_of_what_is_not_there_is_a_no(home: Path) -> None:
    done = _run("show", home, "999\x1b")
    assert done.exit_code == 1
    assert "\x1b" not in done.output


def test_verify_says_sound_and_what_that_does_not_mean(home: Path) -> None:
    done = _run("verify", home)
    assert done.exit_code == 0
    assert done.output.startswith("sound (self-attested")
    assert "not proved" in done.output


def test_verify_with_the_expected_key_is_not_self_attested(home: Path) -> None:
    done = _run("verify", home, "--vkey", (home / "vkey").read_text().strip())
    assert done.exit_code == 0
    assert "self-attested" not in done.output


def test_verify_as_json_lists_problems_and_proofs(home: Path) -> None:
    (home / "snapshots").joinpath(next((home / "snapshots").iterdir()).name).write_bytes(b"x")
    done = _run("verify", home, "--json")
    found = json.loads(done.output)
    assert done.exit_code == 1
    assert (found["verdict"], found["size"], found["covered"], found["proved"]) == ("not sound", 8, 8, [])
    assert found["problems"][0]["file"].startswith("snapshots/")
    assert found["not_proved"]


def test_verify_of_no_log_cannot_tell(tmp_path: Path) -> None:
    assert _run("verify", tmp_path).exit_code == 2


def test_verify_refuses_a_key_that_is_none(home: Path) -> None:
    assert isinstance(_run("verify", home, "--vkey", "x").exception, UsageError)


@pytest.mark.parametrize(("damage", "code"), [(False, 0), (True, 1)])
def test_the_exit_code_reaches_the_shell(home: Path, damage: bool, code: int) -> None:
    if damage:
        (home / "checkpoint").write_bytes(b"x")
    done = subprocess.run(
        [sys.executable, "-m", "optout", "evidence", "verify", home], capture_output=True, text=True, check=False
    )
    assert done.returncode == code


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
