"""`optout evidence erase|hold|retention|retract` and `show --private`, as their user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import EvidenceError, UsageError
from optout.evidence.audit import Verdict, audit
from optout.evidence.succession import logs_of
from tests.evidence.setting import SOON_S, crawl, open_log, records

ID = str(crawl(3)["id"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "evidence"
    log = open_log(directory)
    for number in range(6):
        more = {"tenant": "alice" if number % 2 else "bob", "time_us": 1_795_000_000_000_000 + number, "mono_us": 1}
        log.append(crawl(number, **more), {"url.query": f"\x1b[31mcanary-{number}"}).result(SOON_S)
    log.close()
    return directory


def _run(command: str, home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["evidence", command, str(home), *words])


def _private(home: Path, record_id: str = ID) -> object:
    done = _run("show", home, record_id, "--private", "--reason", "a look", "--json")
    return json.loads(done.stdout)["private"]


def test_a_private_part_is_shown_on_record_and_nothing_of_it_acts(home: Path) -> None:
    assert _private(home) == {"url.query": "\x1b[31mcanary-3"}
    done = _run("show", home, ID, "--private", "--reason", "a look")
    assert "canary-3" in done.output
    assert "\x1b" not in done.output
    assert [notice["custody.act"] for notice in records(home, "custody.notice")] == ["reveal", "reveal"]
    assert isinstance(_run("show", home, ID, "--private").exception, EvidenceError)
    assert "canary" not in _run("show", home, ID).output


def test_one_part_is_erased(home: Path) -> None:
    done = _run("erase", home, "--id", ID, "--reason", "asked for", "--by", "clerk", "--json")
    assert json.loads(done.output) == {"scope": "record", "erased": 1}
    assert _private(home) is None
    assert "there is none, or it was erased" in _run("show", home, ID, "--private", "--reason", "x").output
    assert audit(home).verdict is Verdict.SOUND


@pytest.mark.parametrize(
    ("words", "erased"),
    [
        (("--month", "2026-11"), 2),
        (("--month", "2026-11", "--tenant", "alice"), 1),
        (("--month", "2026-10"), 0),
        (("--before", "2026-12-01"), 2),
        (("--before", "2026-11-30"), 0),
        (("--all",), 2),
    ],
)
def test_months_are_erased(home: Path, words: tuple[str, ...], erased: int) -> None:
    done = _run("erase", home, *words, "--reason", "asked for", "--json")
    assert json.loads(done.output)["erased"] == erased
    assert done.exit_code == (0 if erased else 1)
    assert len(records(home, "erase.notice")) == erased


def test_a_wrong_call_says_what_to_try(home: Path) -> None:
    assert isinstance(_run("erase", home, "--reason", "x").exception, UsageError)
    assert isinstance(_run("erase", home, "--all", "--id", ID, "--reason", "x").exception, UsageError)
    assert isinstance(_run("erase", home, "--all").exception, EvidenceError)
    assert isinstance(_run("erase", home.parent / "none", "--all", "--reason", "x").exception, EvidenceError)
    assert not (home.parent / "none").exists()


def test_a_hold_is_set_listed_and_lifted(home: Path) -> None:
    assert "nothing is held" in _run("hold", home).output
    done = _run("hold", home, "--case", "7 O 1/26", "--tenant", "alice", "--since", "2026-11", "--reason", "suit")
    assert "7 O 1/26  alice  2026-11 to the end" in done.output
    assert isinstance(_run("erase", home, "--all", "--reason", "x").exception, EvidenceError)
    assert json.loads(_run("hold", home, "--json").output)[0]["case"] == "7 O 1/26"
    assert "held for 7 O 1/26" in _run("retention", home).output
    assert isinstance(_run("hold", home, "--case", "other", "--release", "--reason", "x").exception, EvidenceError)
    assert "nothing is held" in _run("hold", home, "--case", "7 O 1/26", "--release", "--reason", "settled").output
    assert [notice["hold.act"] for notice in records(home, "hold.notice")] == ["hold", "release"]


def test_the_retention_table_and_its_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optout.evidence import clock

    months = json.loads(_run("retention", home, "--json").output)
    assert [(each["tenant"], each["month"], each["due"]) for each in months] == [
        ("alice", "2026-11", "2027-05-30"),
        ("bob", "2026-11", "2027-05-30"),
    ]
    later = 1_795_000_000_000_000 + 365 * 86_400_000_000
    monkeypatch.setattr(clock.SystemClock, "now_us", lambda _: later)
    assert "over: --apply erases it" in _run("retention", home).output
    assert "erased now" in _run("retention", home, "--apply").output
    assert "there is no private part" in _run("retention", home).output
    assert _private(home) is None
    told = [notice for log in logs_of(home) for notice in records(log, "erase.notice")]  # the quarter ended meanwhile
    assert len(told) == 2


def test_a_person_is_retracted(home: Path) -> None:
    done = _run("retract", home, ID, "--reason", "it was a person", "--json")
    assert json.loads(done.output) == {"retracted": ID}
    assert [notice["crawl.request.id"] for notice in records(home, "crawl.retract")] == [ID]
    assert _private(home) is None
