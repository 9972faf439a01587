"""`optout evidence bundle`, as its user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import UsageError
from optout.evidence.bundle.verify import verify
from tests.evidence.bundle.cases import CANARY, OURS, THEIRS, files_of, make_log
from tests.evidence.setting import records


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_log(tmp_path / "evidence", 9).root


def _run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["evidence", "bundle", str(home), *words])


def test_it_writes_what_its_readers_accept_and_tells_the_log(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "case.zip"
    done = _run(home, "-o", str(out), "--tenant", OURS, "--case", "Case 7", "--by", "clerk", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["visits"], told["personal"]["private_parts"]) == (6, 0)
    bundle = out.read_bytes()
    assert verify(bundle, (home / "vkey").read_text())["exit"] == 0
    assert CANARY.encode() not in bundle
    assert THEIRS.encode() not in bundle
    assert b"Case 7" in files_of(bundle)["data/report.html"]
    (custody,) = records(home, "custody.notice")
    assert (custody["custody.by"], custody["custody.sha256"]) == ("clerk", told["sha256"])


def test_an_earlier_export_stands_in_the_next_ones_custody(home: Path, tmp_path: Path) -> None:
    _run(home, "-o", str(tmp_path / "one.zip"), "--tenant", OURS, "--by", "first")
    _run(home, "-o", str(tmp_path / "two.zip"), "--tenant", OURS, "--by", "second")
    lines = files_of((tmp_path / "two.zip").read_bytes())["data/custody.ndjson"].decode().splitlines()
    assert ["first" in line for line in lines] == [True, False]
    assert "second" in lines[1]


def test_the_preview_names_personal_data_and_writes_nothing(home: Path, tmp_path: Path) -> None:
    done = _run(home, "--preview", "--tenant", OURS)
    assert "6 visits in" in done.output
    assert "From fields, as sent      0" in done.output
    assert records(home, "custody.notice") == []


def test_it_says_how_it_is_checked(home: Path, tmp_path: Path) -> None:
    done = _run(home, "-o", str(tmp_path / "case.zip"))
    assert "python3 verify.py" in done.output
    assert (home / "vkey").read_text().strip() in done.output


@pytest.mark.parametrize(
    "words", [(), ("-o", "x.zip", "--seen", "other 7 AAAA"), ("-o", "x.zip", "--since", "yesterday")]
)
def test_a_wrong_call_says_what_to_try(home: Path, words: tuple[str, ...]) -> None:
    assert isinstance(_run(home, *words).exception, UsageError)


def test_a_bundle_is_of_one_log_and_says_so(home: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["evidence", "key", "rotate", str(home)]).exit_code == 0
    done = _run(home, "-o", str(tmp_path / "now.zip"))
    assert "not in it: the log before it" in done.stderr
    (past,) = home.glob("past/*")
    key = (past / "vkey").read_text()
    done = _run(past, "-o", str(tmp_path / "then.zip"), "--by", "clerk")
    assert done.exit_code == 0, done.output
    assert verify((tmp_path / "then.zip").read_bytes(), key)["exit"] == 0
    assert [each["custody.by"] for each in records(home, "custody.notice")][-1] == "clerk"  # a log that ended is closed
    assert (past / "vkey").read_text() == key
