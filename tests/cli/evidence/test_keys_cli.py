"""`optout evidence init|key` as a person or a script runs it."""

from __future__ import annotations

import json
from pathlib import Path

from optout.errors import EvidenceError
from tests.cli.evidence.setting import run


def test_init_makes_a_log_and_prints_its_key(tmp_path: Path) -> None:
    done = run("init", tmp_path / "new", "--origin", "example.org/log")
    assert done.exit_code == 0
    vkey = (tmp_path / "new" / "vkey").read_text().strip()
    assert vkey in done.output
    assert vkey.startswith("example.org/log+")


def test_init_as_json_names_origin_key_and_fingerprint(tmp_path: Path) -> None:
    found = json.loads(run("init", tmp_path / "new", "--json").output)
    assert set(found) == {"origin", "vkey", "fingerprint"}
    assert found == json.loads(run("key", tmp_path / "new", "--json").output)


def test_init_twice_is_an_error(home: Path) -> None:
    assert isinstance(run("init", home).exception, EvidenceError)


def test_key_prints_key_and_fingerprint(home: Path) -> None:
    done = run("key", home)
    assert (home / "vkey").read_text().strip() in done.output
    assert "fingerprint  sha256:" in done.output
