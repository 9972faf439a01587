"""`optout evidence offboard`, and `bundle --disclose`: private parts go to whom they belong, then nobody has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import EvidenceError
from optout.evidence.bundle.verify import verify
from optout.evidence.directory import Layout
from optout.evidence.erasure import find_record, open_part
from optout.evidence.keys import KeyStore
from tests.evidence.bundle.cases import files_of
from tests.evidence.setting import SOON_S, crawl, open_log, records


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "evidence"
    log = open_log(directory)
    for number in range(6):
        tenant = "alice" if number % 2 else "bob"
        log.append(crawl(number, tenant=tenant), {"url.query": f"canary-{tenant}-{number}"}).result(SOON_S)
    log.close()
    return directory


def _run(command: str, home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["evidence", command, str(home), *words])


def _readable(home: Path, number: int) -> bool:
    layout = Layout(home)
    return open_part(KeyStore(layout.keys), find_record(layout, str(crawl(number)["id"]))) is not None


def test_a_tenant_takes_everything_and_leaves_nothing_readable(home: Path, tmp_path: Path) -> None:
    done = _run("offboard", home, "alice", "-o", str(tmp_path / "alice.zip"), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["private_parts"] == 3
    bundle = (tmp_path / "alice.zip").read_bytes()
    said = verify(bundle, (home / "vkey").read_text())
    assert (said["exit"], len(said["disclosed"])) == (0, 3)
    assert b"canary-alice-1" in bundle
    assert b"canary-bob" not in bundle
    assert [_readable(home, number) for number in range(6)] == [True, False] * 3
    assert [notice["erase.reason"] for notice in records(home, "erase.notice")] == ["offboarding"]


def test_what_is_held_stops_it_before_it_begins(home: Path, tmp_path: Path) -> None:
    _run("hold", home, "--case", "c", "--reason", "suit")
    assert isinstance(_run("offboard", home, "alice", "-o", str(tmp_path / "a.zip")).exception, EvidenceError)
    assert not (tmp_path / "a.zip").exists()
    assert _readable(home, 1)


def test_a_part_is_disclosed_only_where_it_was_asked_for(home: Path, tmp_path: Path) -> None:
    one = str(crawl(1)["id"])
    out = tmp_path / "one.zip"
    assert _run("bundle", home, "-o", str(out), "--tenant", "alice", "--disclose", one).exit_code == 0
    files = files_of(out.read_bytes())
    assert [name for name in files if name.startswith("data/private/")] == [f"data/private/{one}.json"]
    assert verify(out.read_bytes(), (home / "vkey").read_text())["disclosed"] == [one]
    told = _run("bundle", home, "--preview", "--tenant", "alice", "--disclose", one).output
    assert "private parts             1" in told
    wrong = str(crawl(2)["id"])  # a neighbor's
    done = _run("bundle", home, "-o", str(tmp_path / "x.zip"), "--tenant", "alice", "--disclose", wrong)
    assert isinstance(done.exception, EvidenceError)


def test_earlier_logs_are_taken_along(home: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["evidence", "key", "rotate", str(home)]).exit_code == 0
    (past,) = home.glob("past/*")
    done = _run("offboard", home, "alice", "-o", str(tmp_path / "alice.zip"), "--json")
    told = json.loads(done.stdout)
    assert told["private_parts"] == 3
    (earlier,) = told["earlier"]
    assert earlier["file"] == str(tmp_path / f"alice-{past.name}.zip")
    bundle = Path(earlier["file"]).read_bytes()
    assert verify(bundle, (past / "vkey").read_text())["exit"] == 0
    assert b"canary-alice-1" in bundle
    assert [_readable(home, number) for number in range(6)] == [True, False] * 3


def test_a_record_of_an_earlier_log_can_be_erased(home: Path) -> None:
    assert CliRunner().invoke(main, ["evidence", "key", "rotate", str(home)]).exit_code == 0
    done = _run("erase", home, "--id", str(crawl(1)["id"]), "--reason", "asked for")
    assert done.exit_code == 0, done.output
    assert [_readable(home, number) for number in (1, 3)] == [False, True]
