"""`optout evidence ingest` as a person or a script runs it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import click
from click.testing import CliRunner, Result

from optout.cli.evidence import evidence
from optout.cli.ingest import ingest
from optout.errors import UsageError
from tests.front_end_lines import line

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "optout-ingest.service"
ANALYZE = shutil.which("systemd-analyze")


def _run(*words: object) -> Result:
    return CliRunner().invoke(evidence, ["ingest", *(str(word) for word in words)])


def _written(tmp_path: Path, *lines: bytes) -> Path:
    log = tmp_path / "access.log"
    log.write_bytes(b"".join(each + b"\n" for each in lines))
    return log


def test_it_says_how_many_records_were_made(tmp_path: Path) -> None:
    log = _written(tmp_path, line(1), line(2))
    done = _run(tmp_path / "evidence", log)
    assert (done.exit_code, done.output) == (0, "2 lines read, 2 records made, 0 known already\n")


def test_what_was_not_recorded_is_told_by_reason_and_in_the_exit_code(tmp_path: Path) -> None:
    log = _written(tmp_path, line(1), b"\x1b]8;;http://evil.example\x07 no line")
    done = _run(tmp_path / "evidence", log)
    assert done.exit_code == 1
    assert "not recorded, line-not-json: 1" in done.output
    assert "evil" not in done.output


def test_the_same_as_json(tmp_path: Path) -> None:
    log = _written(tmp_path, line(1), b"no line", line(1))
    done = _run(tmp_path / "evidence", log, "--json")
    assert json.loads(done.output) == {"lines": 3, "records": 1, "repeated": 1, "lost": {"line-not-json": 1}}


def test_a_log_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    done = _run(tmp_path / "evidence", tmp_path / "access.log")
    assert isinstance(done.exception, UsageError)


def test_a_record_made_from_a_line_is_listed_and_shown(tmp_path: Path) -> None:
    _run(tmp_path / "evidence", _written(tmp_path, line(1)))
    listed = CliRunner().invoke(evidence, ["list", str(tmp_path / "evidence"), "--type", "crawl.request"])
    assert "GPTBot deny site.example/gallery/1.jpg" in listed.output


def _words() -> list[str]:
    (line,) = (each for each in UNIT.read_text(encoding="utf-8").splitlines() if each.startswith("ExecStart="))
    return shlex.split(line.removeprefix("ExecStart="))


def test_the_unit_starts_a_command_that_exists() -> None:
    options = {flag for option in ingest.params if isinstance(option, click.Option) for flag in option.opts}
    assert _words()[:3] == ["/usr/local/bin/optout", "evidence", "ingest"]
    assert {word for word in _words() if word.startswith("--")} <= options


if ANALYZE is not None:  # Debian's systemd package; .ci/system-packages.sh installs it

    def test_systemd_understands_the_unit_and_rates_it_as_little_exposed(tmp_path: Path) -> None:
        program = tmp_path / "optout"
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
        unit = tmp_path / UNIT.name
        unit.write_text(UNIT.read_text(encoding="utf-8").replace("/usr/local/bin/optout", str(program)))
        for words in (
            ["verify", "--recursive-errors=no", "--man=no"],
            ["security", "--offline=true", "--threshold=20"],
        ):
            done = subprocess.run([ANALYZE, *words, unit], capture_output=True, text=True, check=False)
            assert [line for line in done.stderr.splitlines() if UNIT.stem in line] == []
            assert done.returncode == 0, done.stdout
