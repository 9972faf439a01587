"""A door and probes of its owner's: decided as anybody's, recorded as what they are, and counted nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.intake import now_us
from optout.adapters.list_files import list_directory, write_list
from optout.adapters.probe_watch import ProbeWatch
from optout.adapters.refusals import refusal_of
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.engine import Outcome
from optout.evidence.clock import new_id
from optout.evidence.directory import Layout
from optout.evidence.probe import FIELD, Marked, probe_key
from optout.evidence.signing import load_private_key, new_private_key
from optout.messages import Request
from optout.record import Ending
from optout.testing import make_request
from tests.judge import SITE, leaves, user_agent

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
clauses:
  - {id: shut, action: deny, path: /shut/}
"""


@asynccontextmanager
async def running(place: Path, *, evidence: bool = True) -> AsyncIterator[Driver]:
    (place / "policy.yaml").write_text(POLICY)
    settings = Settings(
        state=place / "state",
        software="test",
        policy=place / "policy.yaml",
        evidence=place / "evidence" if evidence else None,
    )
    driver = Driver(settings, CallableSource(lambda _authority, _path: None))
    await driver.start()
    try:
        yield driver
    finally:
        await driver.stop()


def _key(place: Path) -> bytes:
    return probe_key(load_private_key(Layout(place / "evidence").key))


def _probe(
    key: bytes, path: str = "/shut/", agent: str = "GPTBot", *, number: int = 1, ip: str | None = None
) -> Request:
    now = now_us()
    marked = Marked(
        method="GET",
        authority=SITE,
        target=path,
        user_agent=user_agent(agent),
        time_s=now // 1_000_000,
        number=f"{number:032x}",
    )
    return _request(path, agent, ((FIELD, marked.mark(key)),), ip=ip)


def _request(path: str, agent: str, fields: tuple[tuple[str, str], ...] = (), ip: str | None = None) -> Request:
    now = now_us()
    url = f"https://{SITE}{path}"
    return make_request(url, user_agent(agent), headers=fields, ip=ip, received_us=now, request_id=new_id(now))


async def _decided(driver: Driver, request: Request) -> Outcome:
    claim = driver.recognize(SITE, request.user_agent, None)
    assert claim is not None
    outcome = await driver.decide(request, claim)
    assert outcome is not None
    return outcome


def _body(outcome: Outcome, request: Request) -> tuple[int, object, bytes]:
    assert outcome.response is not None
    answer = outcome.response
    return answer.status, answer.fields, answer.body.replace(request.id.encode(), b"")


def _figures(driver: Driver) -> object:
    tally = driver.tally
    return tally.answers, tally.left_alone, tally.lost, tally.disk_wait, tally.without_policy, dict(driver.counts)


def _types(place: Path) -> Counter[str]:
    kinds = Counter(str(leaf["type"]) for leaf in leaves(place / "evidence"))
    return Counter({kind: kinds[kind] for kind in ("crawl.request", "crawl.outcome", "probe.request") if kinds[kind]})


async def test_the_answer_is_that_of_anybody_to_the_byte_and_the_record_another(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        ordinary, probe = _request("/shut/", "GPTBot"), _probe(_key(tmp_path))
        assert _body(await _decided(driver, ordinary), ordinary) == _body(await _decided(driver, probe), probe)
    assert _types(tmp_path) == {"crawl.request": 1, "probe.request": 1}
    by_type = {str(leaf["type"]): leaf for leaf in leaves(tmp_path / "evidence")}
    left, right = by_type["crawl.request"], by_type["probe.request"]
    own = {"id", "type", "time_us", "mono_us", "writer.seq", "decision.us", "observed.minute", "observed.robots"}
    assert {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)} <= own


async def test_no_figure_of_the_door_knows_of_it(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        before = _figures(driver)
        for number, (path, agent) in enumerate((("/shut/", "GPTBot"), ("/", "GPTBot"), ("/", "AhrefsBot"))):
            request = _probe(_key(tmp_path), path, agent, number=number)
            claim = driver.recognize(SITE, request.user_agent, None)
            assert claim is not None
            await driver.decide(request, claim)
        assert _figures(driver) == before
        await _decided(driver, _request("/shut/", "GPTBot"))
        assert _figures(driver) != before


async def test_one_that_is_let_in_has_no_outcome_in_the_log(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        request = _probe(_key(tmp_path), "/")
        outcome = await _decided(driver, request)
        assert outcome.response is None
        driver.ended(outcome, request, Ending(status=200, body_bytes=5, aborted=False))
    assert _types(tmp_path) == {"probe.request": 1}


async def test_the_same_once_more_is_an_ordinary_request(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        request = _probe(_key(tmp_path))
        outcome = await _decided(driver, request)
        assert refusal_of(driver, driver.engine, request, outcome) is None
        await _decided(driver, request)
    assert _types(tmp_path) == {"crawl.request": 1, "probe.request": 1}


async def test_a_bad_mark_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        ordinary, bad = _request("/shut/", "GPTBot"), _probe(b"x" * 32)
        assert _body(await _decided(driver, ordinary), ordinary) == _body(await _decided(driver, bad), bad)
    assert _types(tmp_path) == {"crawl.request": 2}


async def test_the_address_that_a_probe_came_from_speaks_neither_for_it_nor_against_it(tmp_path: Path) -> None:
    own = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    known = take_snapshot("https://openai.com/gptbot.json", b"", own, now_us())
    write_list(list_directory(tmp_path / "state"), known)
    async with running(tmp_path) as driver:
        itself = _request("/", "GPTBot", ip="192.31.196.7")
        assert (await _decided(driver, itself)).decision.agent.standing == "verified"
        agent = (await _decided(driver, _probe(_key(tmp_path), "/", ip="192.31.196.7"))).decision.agent
        assert (agent.standing, agent.method) == ("unverified", "unavailable")


async def test_where_no_log_is_kept_there_are_no_probes(tmp_path: Path) -> None:
    async with running(tmp_path, evidence=False) as driver:
        await _decided(driver, _probe(b"x" * 32))
        assert sum(each.count for each in driver.tally.answers) == 1


def test_another_key_is_taken_and_the_last_one_stays_while_there_is_none(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "evidence")
    layout.root.mkdir()
    watch = ProbeWatch(layout.root)
    watch.look()
    first = probe_key(new_private_key(layout.key))
    assert not watch.takes(_probe(first))
    watch.look()
    assert watch.takes(_probe(first, number=1))
    layout.key.unlink()
    watch.look()
    assert watch.takes(_probe(first, number=2))
    second = probe_key(new_private_key(layout.key))
    watch.look()
    assert watch.takes(_probe(second))
    assert not watch.takes(_probe(first, number=3))
