"""One log ends and the next begins: nothing is lost between them, and each key vouches for the other."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence import succession
from optout.evidence.audit import Verdict
from optout.evidence.chain import audit_chain, last_key
from optout.evidence.directory import Layout, create_log
from optout.evidence.index.catalog import open_catalog
from optout.evidence.index.question import Question
from optout.evidence.log import EvidenceLog
from optout.evidence.signing import load_verifier_key
from optout.evidence.succession import WISH, link_state, living, logs_of
from tests.evidence.setting import SOON_S, StoppedClock, crawl, open_log, open_spool, records

QUARTER_S = 100 * 86_400.0


def _await(log: EvidenceLog, root: Path, logs: int) -> None:
    """Let the log see that it is time; it looks once a second."""
    until = time.monotonic() + SOON_S
    while len(logs_of(root)) < logs or (root / succession.TURNING).exists():
        assert time.monotonic() < until, log.health
        log.lost("test", crawler="x", action="y")
        time.sleep(0.01)


def _two(root: Path, clock: StoppedClock) -> None:
    """A log that went through the end of a quarter, with two records in each."""
    create_log(root, "example.org/node/2026q4", now_us=clock.now_us())
    log = open_log(root, clock)
    for number in range(2):
        log.append(crawl(number)).result(SOON_S)
    log.snapshot("robots.txt", b"User-agent: *")
    clock.pass_(QUARTER_S)
    _await(log, root, 2)
    for number in range(2, 4):
        log.append(crawl(number)).result(SOON_S)
    log.close()


@pytest.fixture
def two(home: Path, clock: StoppedClock) -> Path:
    """A log and the one before it."""
    _two(home, clock)
    return home


def test_a_new_log_begins_when_the_quarter_is_over(two: Path) -> None:
    past, now = logs_of(two)
    assert past == two / "past" / "2026q4"
    assert load_verifier_key(Layout(now).vkey).name.startswith("example.org/node/2027q")
    assert [each["url.path"] for each in records(past, "crawl.request")] == ["/gallery/0.jpg", "/gallery/1.jpg"]
    assert [each["url.path"] for each in records(now, "crawl.request")] == ["/gallery/2.jpg", "/gallery/3.jpg"]


def test_each_names_the_other(two: Path) -> None:
    past, now = logs_of(two)
    end, start = records(past)[-1], records(now)[0]
    assert end["type"] == "log.end"
    assert end["reason"] == "quarter"
    assert end["log.next.vkey"] == start["log.vkey"] == str(load_verifier_key(Layout(now).vkey))
    assert start["type"] == "log.start"
    assert start["log.predecessor.vkey"] == str(load_verifier_key(Layout(past).vkey))
    assert start["log.predecessor.checkpoint"] == Layout(past).checkpoint.read_text()
    assert Layout(past).checkpoint.read_text().count("\N{EM DASH} ") == 2
    assert start["writer.seq"] == 0


def test_the_chain_is_sound_by_either_key(two: Path) -> None:
    for log in logs_of(two):
        key = load_verifier_key(Layout(log).vkey)
        found = audit_chain(two, key)
        assert [each.report.problems for each in found] == [(), ()]
        assert not any(each.report.self_attested for each in found)
    assert all(each.report.self_attested for each in audit_chain(two))
    other = create_log(two.parent / "other", now_us=1)
    assert audit_chain(two, other)[-1].report.verdict is Verdict.NOT_SOUND


def test_the_last_key_is_that_of_the_log_that_goes_on_whichever_was_given(two: Path) -> None:
    past, now = (load_verifier_key(Layout(log).vkey) for log in logs_of(two))
    assert last_key(two, None) == last_key(two, past) == last_key(two, now) == now
    other = create_log(two.parent / "other", now_us=1)
    assert last_key(two, other) == other
    assert last_key(two.parent / "nowhere", None) is None


def test_documents_stay_and_are_not_taken_for_left_over(two: Path, clock: StoppedClock) -> None:
    clock.pass_(QUARTER_S)
    log = open_log(two, clock)
    digest = log.snapshot("robots.txt", b"User-agent: *")
    log.close()
    assert (two / "snapshots" / digest).exists()
    assert (two / "past" / "2026q4" / "snapshots" / digest).exists()
    assert not (two / "torn").exists()


def test_questions_are_asked_of_both(two: Path) -> None:
    with open_catalog(two) as catalog:
        found = list(catalog.records(Question(facets={"type": "crawl.request"})))
    assert len(found) == 4


@pytest.mark.parametrize("what", ["end", "cosignature", "start"])
def test_a_log_that_does_not_belong_before_it_is_a_problem(
    two: Path, tmp_path: Path, clock: StoppedClock, what: str
) -> None:
    past, _ = logs_of(two)
    if what == "cosignature":
        note = Layout(past).checkpoint.read_text()
        Layout(past).checkpoint.write_text("".join(note.splitlines(keepends=True)[:-1]))
    else:
        _two(tmp_path / "other", clock)
        shutil.rmtree(past)
        (tmp_path / "other" / "past" / "2026q4").rename(past)
    report = audit_chain(two)[-1].report
    assert report.verdict is Verdict.NOT_SOUND
    expected = {"cosignature": "has not signed", "end": "does not end by naming", "start": "another last checkpoint"}
    assert expected[what] in " ".join(each.text for each in report.problems)


def test_a_key_is_changed_on_wish_within_the_quarter(home: Path, clock: StoppedClock) -> None:
    old = create_log(home, "example.org/node/2026q4", now_us=clock.now_us())
    log = open_log(home, clock)
    (home / WISH).touch()
    clock.pass_(2)
    _await(log, home, 2)
    log.close()
    new = load_verifier_key(Layout(home).vkey)
    assert new.name == "example.org/node/2026q4-02"
    assert new.public != old.public
    assert not (home / WISH).exists()
    assert [each.report.problems for each in audit_chain(home, old)] == [(), ()]


def test_writers_of_spools_notice_nothing(home: Path, clock: StoppedClock) -> None:
    create_log(home, "example.org/node/2026q4", now_us=clock.now_us())
    log = open_log(home, clock)
    spool = open_spool(home, clock)
    spool.append(crawl(0)).result(SOON_S)
    log.sign().result(SOON_S)
    clock.pass_(QUARTER_S)
    _await(log, home, 2)
    spool.append(crawl(1)).result(SOON_S)
    log.sign().result(SOON_S)
    again = [each.report for each in audit_chain(home)]
    assert [each.problems for each in again] == [(), ()]
    spool.close()
    log.close()
    log = open_log(home, clock)  # and neither does whoever opens the log anew
    log.close()
    past, now = logs_of(home)
    assert [each["url.path"] for each in records(past, "crawl.request")] == ["/gallery/0.jpg"]
    assert [each["url.path"] for each in records(now, "crawl.request")] == ["/gallery/1.jpg"]
    assert [each.report.problems for each in audit_chain(home)] == [(), ()]


_STEPS = 14


@pytest.mark.parametrize("step", range(_STEPS))
def test_moves_that_a_crash_broke_off_are_finished(
    home: Path, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    create_log(home, "example.org/node/2026q4", now_us=clock.now_us())
    log = open_log(home, clock)
    log.append(crawl(0)).result(SOON_S)
    whole, left = Path.rename, [step]

    def rename(path: Path, target: Path) -> Path:
        if left[0] == 0:
            raise OSError(5, "the machine is gone")
        left[0] -= 1
        return whole(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    clock.pass_(QUARTER_S)
    until = time.monotonic() + SOON_S
    while not (log.health.trouble or len(logs_of(home)) == 2) or (left[0] and (home / succession.TURNING).exists()):
        assert time.monotonic() < until
        log.lost("test", crawler="x", action="y")
        time.sleep(0.01)
    log.close()
    monkeypatch.undo()
    log = open_log(home, clock)
    log.append(crawl(1)).result(SOON_S)
    log.close()
    assert len(logs_of(home)) == 2
    assert not (home / succession.TURNING).exists()
    assert [each.report.problems for each in audit_chain(home)] == [(), ()]
    paths = [each["url.path"] for one in logs_of(home) for each in records(one, "crawl.request")]
    assert paths == ["/gallery/0.jpg", "/gallery/1.jpg"]


def test_a_state_on_another_volume_stays_there(home: Path, tmp_path: Path, clock: StoppedClock) -> None:
    home.mkdir(exist_ok=True)
    link_state(Layout(home), tmp_path / "volume", "example.org/node/2026q4")
    create_log(home, "example.org/node/2026q4", now_us=clock.now_us())
    log = open_log(home, clock)
    log.append(crawl(0)).result(SOON_S)
    clock.pass_(QUARTER_S)
    _await(log, home, 2)
    log.close()
    assert len(list((tmp_path / "volume").iterdir())) == 2
    assert all((each / "state").is_symlink() for each in logs_of(home))
    assert [each.report.problems for each in audit_chain(home)] == [(), ()]


def test_whoever_writes_about_a_log_that_has_ended_writes_into_the_one_that_goes_on(two: Path) -> None:
    past, now = logs_of(two)
    assert living(past).resolve() == now.resolve()
    assert living(now) == now


def test_a_log_that_cannot_be_moved_goes_on(home: Path, clock: StoppedClock) -> None:
    create_log(home, "example.org/node/2026q4", now_us=clock.now_us())
    (home / "past" / "2026q4").mkdir(parents=True)
    log = open_log(home, clock)
    clock.pass_(QUARTER_S)
    for number in range(50):
        log.append(crawl(number)).result(SOON_S)
    log.close()
    assert any("is there already" in str(each.get("reason")) for each in records(home, "log.fault"))
    with pytest.raises(EvidenceError, match="there already"):
        succession.begin(Layout(home), "example.org/node/2026q4", "quarter", clock.now_us())
