"""`optout evidence init|key` as a person or a script runs it."""

from __future__ import annotations

import json
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.log import EvidenceLog
from tests.cli.evidence.setting import run


def test_init_makes_a_log_and_prints_its_key(tmp_path: Path) -> None:
    done = run("init", tmp_path / "new", "--origin", "example.org/log")
    assert done.exit_code == 0
    vkey = (tmp_path / "new" / "vkey").read_text().strip()
    assert vkey in done.output
    assert vkey.startswith("example.org/log/20")


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


def test_key_show_is_the_same(home: Path) -> None:
    assert run("key", "show", home).output == run("key", home).output


def test_the_state_may_lie_elsewhere(tmp_path: Path) -> None:
    assert run("init", tmp_path / "new", "--state-directory", tmp_path / "volume").exit_code == 0
    assert (tmp_path / "new" / "state").resolve().parent == tmp_path / "volume"
    assert run("verify", tmp_path / "new").exit_code == 0


def test_a_key_is_changed_where_nobody_holds_the_log(home: Path) -> None:
    before = (home / "vkey").read_text()
    done = run("key", "rotate", home)
    assert done.exit_code == 0, done.output
    assert (home / "vkey").read_text().strip() in done.output
    assert (home / "vkey").read_text() != before
    found = json.loads(run("verify", home, "--vkey", before.strip(), "--json").output)
    assert found["verdict"] == found["past"][0]["verdict"] == "sound"
    assert "before it" in run("verify", home).output


def test_a_key_is_changed_while_a_service_holds_the_log(home: Path) -> None:
    before = (home / "vkey").read_text()
    had = int(run("list", home, "--type", "crawl.request", "--count").output)
    with EvidenceLog.open(home, software="a service") as log:
        log.append({"type": "crawl.request"}).result(20)
        assert run("key", "rotate", home).exit_code == 0
        log.append({"type": "crawl.request"}).result(20)
    assert (home / "vkey").read_text() != before
    assert run("verify", home).exit_code == 0
    assert run("list", home, "--type", "crawl.request", "--count").output.strip() == str(had + 2)


def test_damage_in_a_log_before_it_is_told(home: Path) -> None:
    run("key", "rotate", home)
    (segment,) = home.glob("past/*/segments/*")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    done = run("verify", home)
    assert done.exit_code == 1
    assert "not sound" in done.output.lower()
