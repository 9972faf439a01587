"""A refusal that is given again: as like the first as two can be, on record, and only while it would be given anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.intake import now_us
from optout.adapters.refusals import Refusal, Refusals, refusal_of
from optout.adapters.switch import Off, write_switch
from optout.crawlers.address_book import AddressBook
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.engine import Outcome
from optout.evidence.clock import new_id
from optout.identity import Standing
from optout.messages import Request
from optout.signals.declaration import NOTHING_KNOWN
from optout.testing import make_request
from tests.crawlers.book import DAY_US, ON
from tests.judge import leaves, user_agent

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
contact: rights@site.example
clauses:
  - {id: shut, action: deny, path: /shut/}
  - {id: priced, action: require-license, path: /priced/}
"""
OWN = {"id", "time_us", "mono_us", "decision.us", "writer.seq"}


@asynccontextmanager
async def running(place: Path, *, evidence: bool = True) -> AsyncIterator[Driver]:
    """A driver that knows what the site publishes: nothing."""
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
        await driver.published.ask("site.example", within=10)
        yield driver
    finally:
        await driver.stop()


async def decided(driver: Driver, path: str = "/shut/a", agent: str = "GPTBot") -> tuple[Request, Outcome]:
    request = make_request(f"https://site.example{path}", user_agent(agent))
    claim = driver.recognize(request.authority, request.user_agent, None)
    assert claim is not None
    outcome = await driver.decide(request, claim)
    assert outcome is not None
    return request, outcome


async def refused(driver: Driver, path: str = "/shut/a") -> Refusal | None:
    request, outcome = await decided(driver, path)
    return refusal_of(driver, driver.engine, request, outcome)


@pytest.mark.parametrize("path", ["/shut/a", "/priced/a?b=c"])
async def test_record_and_answer_are_those_of_the_first_but_for_number_and_time(tmp_path: Path, path: str) -> None:
    async with running(tmp_path) as driver:
        request, outcome = await decided(driver, path)
        refusal = refusal_of(driver, driver.engine, request, outcome)
        assert refusal is not None
        assert outcome.response is not None
        number = await refusal.recorded()
        answer = refusal.numbered(number)
    assert answer.body == outcome.response.body.replace(request.id.encode(), number.encode())
    assert (answer.status, answer.fields) == (outcome.response.status, outcome.response.fields)
    first, second = (leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request")
    assert (first["id"], second["id"]) == (request.id, number)
    assert first.keys() == second.keys()
    its_moments = {"private.commit", "private.key"}  # salted anew, and sealed by the key of its own month
    for key in first.keys() - OWN:
        assert (first[key] == second[key]) is (key not in its_moments), key


async def test_what_lets_in_is_judged_each_time(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        assert await refused(driver, "/open") is None


async def test_a_fault_is_no_decision_to_repeat(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        request, _ = await decided(driver)
        case = driver.engine.examine(request)
        assert case is not None
        assert refusal_of(driver, driver.engine, request, driver.engine.fail(case)) is None


@pytest.mark.parametrize("change", ["policy", "switch", "documents"])
async def test_it_is_kept_from_the_second_time_on_and_stands_while_nothing_has_changed(
    tmp_path: Path, change: str
) -> None:
    async with running(tmp_path) as driver:
        kept = Refusals(driver)
        for _ in range(2):
            assert kept.find("same") is None
            kept.note("same", driver.engine, *await decided(driver))
        assert kept.find("same") is not None
        match change:
            case "policy":
                driver.use(driver.engine.policies)
            case "switch":
                write_switch(tmp_path / "state", (Off(site="*", since_us=now_us()),))
                driver.switch.look()
            case _:
                driver.published._entries["site.example"].published = NOTHING_KNOWN
        assert kept.find("same") is None


async def test_without_a_log_it_is_counted_and_nothing_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path, evidence=False) as driver:
        refusal = await refused(driver)
        assert refusal is not None
        told: list[Outcome] = []
        refusal.put_on_record(refusal.number(), told.append)
        assert len(told) == 1
        assert refusal.counts_alone()


async def test_with_a_log_it_does_not_count_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        refusal = await refused(driver)
        assert refusal is not None
        assert not refusal.counts_alone()


async def test_memory_is_bounded_whatever_strangers_send(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        kept = Refusals(driver)
        request, outcome = await decided(driver)
        for number in range(10_000):
            for _ in range(2 if number < 1000 else 1):
                kept.note(number, driver.engine, request, outcome)
            assert len(kept._kept) <= 64
            assert len(kept._seen) <= 2048
        open_request, let_in = await decided(driver, "/open")
        for _ in range(3):
            kept.note("let in", driver.engine, open_request, let_in)
        assert kept.find("let in") is None


def test_numbers_are_new_each_time() -> None:
    assert len({Refusal.number() for _ in range(1000)}) == 1000
    assert Refusal.number()[:8] >= new_id(now_us() - 60_000_000)[:8]


async def test_a_refusal_stands_only_while_the_lists_say_the_same(tmp_path: Path) -> None:
    networks = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    async with running(tmp_path) as driver:
        fetched_us = now_us() - 13 * DAY_US
        driver.know(AddressBook([take_snapshot("https://openai.com/gptbot.json", b"", networks, fetched_us)]))
        request = make_request("https://site.example/shut/a", user_agent("GPTBot"), ip=ON, received_us=now_us())
        claim = driver.recognize(request.authority, request.user_agent, None)
        assert claim is not None
        outcome = await driver.decide(request, claim)
        assert outcome is not None
        assert outcome.decision.agent.standing is Standing.VERIFIED
        refusal = refusal_of(driver, driver.engine, request, outcome)
        assert refusal is not None
        assert refusal.stands
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("optout.adapters.refusals.now_us", lambda: now_us() + 2 * DAY_US)
            assert not refusal.stands  # the list is too old by then
        assert refusal.stands
        driver.know(AddressBook())
        assert not refusal.stands
