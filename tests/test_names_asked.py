"""Reverse DNS on the way of a request: who is asked about, and what becomes of the answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from optout.adapters.driver import Driver, Settings
from optout.adapters.forward_auth.server import NothingPublished
from optout.adapters.reverse_dns import ReverseNames
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine
from optout.identity import Named, Standing
from optout.lookups import Answers, Lookup, ReverseDns
from optout.messages import AddressSource, ClientAddress
from optout.policy.loader import load_policy, policy_set
from optout.testing import make_request
from tests.adapters.name_server import name_server
from tests.served import CHROME

POLICY = """
version: 1
mode: enforce
default: allow
on_error: allow
clauses:
  - {id: proved, action: allow, crawler: CCBot, standing: verified}
  - {id: others, action: deny, crawler: CCBot}
"""
CCBOT = "CCBot/2.0 (https://commoncrawl.org/faq/)"
ADDRESS = "192.0.2.7"


def _engine(*, asks: bool = True) -> Engine:
    registry = bundled_registry()
    policies = policy_set([load_policy(POLICY.encode(), "policy.yaml", registry)])
    return Engine(policies, registry, asks_names=asks)


def _asked(engine: Engine, agent: str = CCBOT, ip: str | None = ADDRESS) -> tuple[Lookup, ...]:
    case = engine.examine(make_request("https://site.example/", agent, ip=ip))
    return () if case is None else tuple(each for each in case.lookups if isinstance(each, ReverseDns))


def test_only_a_recognized_crawler_with_a_known_address_is_asked_about() -> None:
    assert _asked(_engine()) == (ReverseDns(address=ADDRESS, suffixes=(".crawl.commoncrawl.org",)),)
    assert _asked(_engine(), ip=None) == ()
    assert _asked(_engine(), agent=CHROME) == ()
    assert _asked(_engine(), agent="Bytespider") == ()  # its operator names no names
    assert _asked(_engine(asks=False)) == ()


@pytest.mark.parametrize(("named", "clause"), [(Named.CONFIRMED, "proved"), (Named.OTHER, "others"), (None, "others")])
def test_the_answer_decides_by_standing_and_is_recorded_without_the_name(named: Named | None, clause: str) -> None:
    engine = _engine()
    case = engine.examine(make_request("https://site.example/", CCBOT, ip=ADDRESS))
    assert case is not None
    answers: Answers = {} if named is None else {case.lookups[-1]: named}
    outcome = engine.conclude(case, answers)
    assert outcome.decision.clause == clause
    assert outcome.record is not None
    public = outcome.record.public
    assert public["identity.standing"] == ("verified" if named is Named.CONFIRMED else "unverified")
    assert ADDRESS not in str(dict(public))


async def test_a_resolver_that_never_answers_keeps_nobody_longer_than_the_box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTOUT_REVERSE_DNS", "on")
    (tmp_path / "policy.yaml").write_text(POLICY)
    driver = Driver(Settings(state=tmp_path, software="test", policy=tmp_path / "policy.yaml"), NothingPublished())
    async with name_server({}, lambda _question, _answer: None) as server:
        driver._resolver._names = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=0.05)
        await driver.start()
        try:
            request = make_request("https://site.example/", CCBOT, ip=ADDRESS)
            claim = driver.recognize("site.example", CCBOT, None)
            assert claim is not None
            assert driver.recognize("site.example", CHROME, None) is None  # a person is never asked about
            async with asyncio.timeout(20):
                outcome = await driver.decide(request, claim)
            assert outcome is not None
            assert outcome.decision.agent.standing is Standing.UNVERIFIED
            assert outcome.decision.clause == "others"
            assert server.asked
            await driver._resolver._names.close()
        finally:
            await driver.stop()


def test_an_address_of_a_trusted_proxy_alone_is_no_address() -> None:
    engine = _engine()
    request = make_request("https://site.example/", CCBOT)
    unknown = ClientAddress(address="10.0.0.1", source=AddressSource.UNKNOWN)
    case = engine.examine(msgspec.structs.replace(request, client=unknown))
    assert case is not None
    assert not any(isinstance(each, ReverseDns) for each in case.lookups)
