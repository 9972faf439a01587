"""`optout evidence export`, and `show --proof`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from optout.cli.main import main
from optout.evidence.proofs import LogProof, parse_log_proof
from optout.evidence.signing import load_verifier_key
from tests.evidence.setting import fill


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "evidence"
    fill(directory, 4)
    return directory


def test_the_export_says_what_it_holds(home: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["evidence", "export", str(home), "--tiles", str(tmp_path / "a"), "--json"])
    assert json.loads(told.output)["size"] == 6
    told = CliRunner().invoke(main, ["evidence", "export", str(home), "--tiles", str(tmp_path / "b")])
    assert told.output.startswith("6 records of optout.local/")
    assert (tmp_path / "b" / "checkpoint").read_bytes() == (home / "checkpoint").read_bytes()


def test_a_proof_comes_with_its_record(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.tlog-proof"
    done = CliRunner().invoke(main, ["evidence", "show", str(home), "3", "--proof", str(file)])
    assert done.exit_code == 0
    proof = parse_log_proof(file.read_bytes())
    assert isinstance(proof, LogProof)
    record = file.with_name("one.tlog-proof.record").read_bytes()
    assert proof.check(record, load_verifier_key(home / "vkey")) is None


def test_a_proof_that_cannot_be_written_is_told(home: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["evidence", "show", str(home), "3", "--proof", str(tmp_path / "no" / "file")])
    assert "cannot write the proof" in str(done.exception)
