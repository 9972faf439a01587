"""The doors of this process and what each can tell, from the first request to the last."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import optout
from optout.adapters.driver import Driver
from optout.adapters.intake import now_us
from optout.adapters.stats import Stats, encode_stats, merged
from optout.adapters.stats.reading import enter, leave, read_log, read_stats, registry_date
from optout.adapters.switch import Off, write_switch
from optout.crawlers.model import Purpose
from optout.crawlers.registry import bundled_registry
from optout.evidence.log import EvidenceLog
from optout.evidence.receipt import Loss
from optout.evidence.spooled_log import SpooledLog
from optout.policy.model import Mode
from tests.adapters.test_driver import CHROME, POLICY, _BrokenLog, _until, running
from tests.adapters.test_driver import _visit as visit
from tests.judge import SITE


def _only() -> Stats:
    (found,) = optout.stats()
    return found


def _answered(stats: Stats) -> dict[tuple[str, int | None], int]:
    return {(each.purpose.value, each.status): each.count for each in stats.answers}


async def test_a_door_is_there_from_its_start_to_its_stop(tmp_path: Path) -> None:
    assert optout.stats() == ()
    async with running(tmp_path):
        assert _only().software == "optout test"
    assert optout.stats() == ()


async def test_two_doors_are_two_and_can_be_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with running(tmp_path / "a") as one, running(tmp_path / "b") as two:
        await visit(one, "GPTBot", "/drafts/a")
        await visit(two, "GPTBot", "/drafts/a")
        both = merged(optout.stats())
    assert both is not None
    assert both.doors == 2
    assert _answered(both) == {("train", 403): 2}


async def test_every_way_through_the_door_is_counted_once(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        for agent, path in [("GPTBot", "/drafts/a"), ("GPTBot", "/drafts/a"), ("GPTBot", "/"), ("CCBot", "/drafts/a")]:
            await visit(driver, agent, path)
        await visit(driver, "Googlebot", "/drafts/a")
        stats = read_stats(driver)
    assert _answered(stats) == {("train", 403): 2, ("train", None): 1, ("dataset", 403): 1}
    assert stats.left_alone == {Purpose.SEARCH: 1}
    assert stats.search_refused == 0
    assert sum(stats.disk_wait.counts) == 4
    assert stats.disk_wait.sum_us > 0
    assert stats.log is not None
    assert stats.log.writable
    assert stats.log.size >= 4


async def test_people_are_not_counted(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        before = read_stats(driver)
        for _ in range(5):
            assert driver.recognize(SITE, CHROME, None) is None
            driver.declare(method="GET", authority=SITE, target="/")
        after = read_stats(driver)
    for field in ("answers", "left_alone", "without_policy", "disk_wait", "lost", "faults"):
        assert getattr(before, field) == getattr(after, field)


async def test_a_search_engine_that_a_clause_refuses_is_told(tmp_path: Path) -> None:
    clause = "clauses:\n  - {crawler: Googlebot, action: deny, including_search: true}\n"
    async with running(tmp_path, POLICY + clause) as driver:
        await visit(driver, "Googlebot")
        assert read_stats(driver).search_refused == 1


async def test_nothing_that_a_stranger_sent_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        await visit(driver, "GPTBot", "/drafts/marker?marker=1")
        told = encode_stats(read_stats(driver)).decode()
    assert "marker" not in told
    assert SITE not in told
    assert "GPTBot" not in told


async def test_a_site_without_a_policy_is_told_as_a_number(tmp_path: Path) -> None:
    async with running(tmp_path, POLICY + "sites: [other.example]\n") as driver:
        await visit(driver, "GPTBot")
        await visit(driver, "Googlebot")
        stats = read_stats(driver)
    assert stats.without_policy == 2
    assert stats.left_alone == {}


@pytest.mark.parametrize(
    ("policy", "mode"), [(POLICY, Mode.ENFORCE), (POLICY.replace("enforce", "observe"), Mode.OBSERVE)]
)
async def test_the_mode_is_that_of_the_policies(tmp_path: Path, policy: str, mode: Mode) -> None:
    async with running(tmp_path, policy) as driver:
        stats = read_stats(driver)
    assert stats.mode is mode
    assert stats.policies == {mode: 1, next(each for each in Mode if each is not mode): 0}


async def test_the_environment_s_word_is_told_as_the_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_MODE", "observe")
    async with running(tmp_path) as driver:
        assert read_stats(driver).mode is Mode.OBSERVE


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_record_that_is_lost_or_late_is_counted(tmp_path: Path, hangs: bool) -> None:
    async with running(tmp_path, evidence=False) as driver:
        driver.log = _BrokenLog(hangs=hangs)  # type: ignore[assignment]
        await visit(driver, "GPTBot")
        assert driver.tally.lost[Loss.DISK_FULL] == (0 if hangs else 1)
        assert driver.tally.late == (1 if hangs else 0)
        driver.log = None
        assert _answered(read_stats(driver)) == {("train", 503): 1}


async def test_a_crawler_that_hangs_up_is_counted_as_well(tmp_path: Path) -> None:
    async with running(tmp_path, evidence=False) as driver:
        await visit(driver, "GPTBot")  # documents are known from here on
        driver.log = _BrokenLog(hangs=True)  # type: ignore[assignment]
        waiting = asyncio.create_task(visit(driver, "CCBot"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        driver.log = None
        assert _answered(read_stats(driver)) == {("train", None): 1, ("dataset", None): 1}


async def test_without_evidence_there_is_no_log_and_one_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, evidence=False) as driver:
        assert read_stats(driver).log is None
    async with running(tmp_path) as driver:
        log, driver.log = driver.log, None
        told = read_stats(driver).log
        driver.log = log
    assert told is not None
    assert (told.writable, told.gap_open, told.trouble) == (False, True, "the log is not open")


def test_a_spool_beside_a_log_is_told_apart_from_it(tmp_path: Path) -> None:
    with (
        closing(EvidenceLog.open(tmp_path / "evidence", software="holder")) as log,
        closing(SpooledLog.open(tmp_path / "evidence", software="worker")) as spool,
    ):
        assert (read_log(log).holds_log, read_log(spool).holds_log) == (True, False)
        assert read_log(spool).writable


async def test_off_is_told_with_since_when(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        begun = now_us()
        write_switch(tmp_path / "state", (Off(site="*", since_us=begun),))
        await _until(lambda: bool(read_stats(driver).off_since_us))
        assert begun <= read_stats(driver).off_since_us <= now_us()
        write_switch(tmp_path / "state", ())
        await _until(lambda: not read_stats(driver).off_since_us)


async def test_a_broken_policy_is_told_until_it_is_mended(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        file = tmp_path / "policy.yaml"
        assert read_stats(driver).policy_problems == 0
        file.write_text(POLICY.replace("default: allow", "default: block"))
        await _until(lambda: read_stats(driver).policy_problems == 1)
        file.write_text(POLICY.replace("default: allow", "default: deny"))
        await _until(lambda: read_stats(driver).policy_problems == 0)


async def test_a_site_that_does_not_answer_is_told_by_whether_a_policy_names_it(tmp_path: Path) -> None:
    def read(_authority: str, _path: str) -> bytes | None:
        raise OSError

    async with running(tmp_path, POLICY + f"sites: [{SITE}, '*.example']\n", read=read) as driver:
        await driver.published.ask(SITE, within=5)
        await driver.published.ask("stranger.example", within=5)
        found = read_stats(driver).declarations
    assert (found.sites, found.unknown, found.unknown_named, found.silent_s) == (2, 2, 1, 0)


def test_the_registry_s_date_is_the_newest_of_its_facts() -> None:
    registry = bundled_registry()
    dates = {source.date for crawler in registry.crawlers for source in crawler.sources}
    assert registry_date(registry) == max(dates)


_FORKING = """
import asyncio, os, sys
from pathlib import Path
import optout
from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings

async def main():
    settings = Settings(state=Path(sys.argv[1]), software="optout test")
    driver = Driver(settings, CallableSource(lambda authority, path: None))
    await driver.start()
    child = os.fork()
    if child == 0:
        os._exit(len(optout.stats()))
    told = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(len(optout.stats()), told)
    await driver.stop()

asyncio.run(main())
"""


def test_a_forked_child_does_not_speak_for_its_parent(tmp_path: Path) -> None:
    # In a process of its own: Python warns of a fork beside threads, which an application's server does all the same.
    command = [sys.executable, "-W", "ignore", "-c", _FORKING, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0"]


async def test_leaving_twice_is_leaving(tmp_path: Path) -> None:
    async with running(tmp_path, evidence=False) as driver:
        leave(driver)
        leave(driver)
        assert optout.stats() == ()
        enter(driver)
        assert isinstance(driver, Driver)
        assert len(optout.stats()) == 1


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import optout, sys; print(*(name for name in sys.modules if name.startswith('optout')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["optout"]


def test_a_name_that_the_package_does_not_have_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="statistics"):
        optout.statistics  # noqa: B018
    assert set(optout.__all__) == {"on_decision", "stats"}
