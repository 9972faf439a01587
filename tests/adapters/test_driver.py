"""What every door shares: decisions with their record on disk, and what happens when something fails or hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from ipaddress import ip_network
from pathlib import Path

import pytest

from optout.adapters.documents import CallableSource, Read
from optout.adapters.driver import Driver, Settings
from optout.adapters.intake import now_us
from optout.adapters.list_files import list_directory, write_list
from optout.adapters.switch import Off, write_switch
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.crawlers.model import Claim
from optout.engine import Outcome
from optout.errors import EvidenceError, PolicyError
from optout.evidence.log import NotLoggedError
from optout.evidence.receipt import Loss, Told
from optout.messages import Request
from optout.record import Ending
from optout.testing import make_request
from tests.judge import SITE, leaves, user_agent

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
license: https://site.example/license.xml
"""
DOCUMENTS = {
    "/robots.txt": b"User-agent: *\nDisallow: /drafts/\n",
    "/.well-known/tdmrep.json": b'[{"location": "/", "tdm-reservation": 1}]',
}
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"


def _read(_authority: str, path: str) -> bytes | None:
    return DOCUMENTS.get(path)


@asynccontextmanager
async def running(
    tmp_path: Path, policy: str = POLICY, *, read: Read = _read, evidence: bool = True
) -> AsyncIterator[Driver]:
    file = tmp_path / "policy.yaml"
    file.write_text(policy)
    settings = Settings(
        state=tmp_path / "state",
        software="optout test",
        policy=file,
        evidence=tmp_path / "evidence" if evidence else None,
    )
    driver = Driver(settings, CallableSource(read))
    await driver.start()
    try:
        yield driver
    finally:
        await driver.stop()


def _come(agent: str, path: str = "/") -> Request:
    return make_request(f"https://{SITE}{path}", user_agent(agent), received_us=now_us())


def _claim(driver: Driver, agent: str) -> Claim | None:
    return driver.recognize(SITE, agent, None)


async def _visit(driver: Driver, agent: str, path: str = "/") -> Outcome | None:
    request = _come(agent, path)
    claim = _claim(driver, request.user_agent)
    return None if claim is None else await driver.decide(request, claim)


def _leaves(tmp_path: Path) -> list[dict[str, object]]:
    return leaves(tmp_path / "evidence")


async def test_a_refusal_is_on_disk_before_the_answer(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        outcome = await _visit(driver, "GPTBot", "/drafts/a")
        assert outcome is not None
        assert outcome.response is not None
        assert outcome.response.status == 403
        found = [leaf for leaf in _leaves(tmp_path) if leaf["type"] == "crawl.request"]
    assert [(leaf["crawl.product"], leaf["decision.action"], leaf["robots.line"]) for leaf in found] == [
        ("GPTBot", "deny", 2)
    ]


async def test_people_and_search_engines_leave_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        assert _claim(driver, CHROME) is None
        assert await _visit(driver, "Googlebot", "/drafts/a") is None
        assert await _visit(driver, "facebookexternalhit", "/drafts/a") is None
    assert not any(str(leaf["type"]).startswith("crawl.") for leaf in _leaves(tmp_path))


async def test_what_was_in_force_is_kept_byte_for_byte(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        await _visit(driver, "GPTBot", "/drafts/a")
    kept = {path.name: path.read_bytes() for path in (tmp_path / "evidence" / "snapshots").iterdir()}
    assert {POLICY.encode(), *DOCUMENTS.values()} <= set(kept.values())
    record = next(leaf for leaf in _leaves(tmp_path) if leaf["type"] == "crawl.request")
    assert kept[str(record["robots.sha256"])] == DOCUMENTS["/robots.txt"]
    assert kept[str(record["policy.sha256"])] == POLICY.encode()


async def test_an_outcome_follows_its_request(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        request = _come("GPTBot")
        claim = _claim(driver, request.user_agent)
        assert claim is not None
        outcome = await driver.decide(request, claim)
        assert outcome is not None
        driver.ended(outcome, request, Ending(status=200, body_bytes=7, aborted=False))
    ended = next(leaf for leaf in _leaves(tmp_path) if leaf["type"] == "crawl.outcome")
    assert ended["crawl.request.id"] == request.id
    assert ended["http.response.body.size"] == 7


async def test_a_fault_in_recognition_lets_everybody_pass_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as driver:
        monkeypatch.setattr(driver.engine.registry.__class__, "recognize", _raise)
        assert _claim(driver, user_agent("GPTBot")) is None
        assert driver.counts["fault.recognition"] == 1
    assert not any(str(leaf["type"]).startswith("crawl.") for leaf in _leaves(tmp_path))


def _raise(*_args: object, **_named: object) -> None:
    raise RuntimeError("planted")


@pytest.mark.parametrize(("on_error", "status"), [("refuse", 503), ("allow", None)])
async def test_a_fault_in_judgement_takes_on_error_and_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_error: str, status: int | None
) -> None:
    monkeypatch.setattr("optout.engine.decide", _raise)
    async with running(tmp_path, POLICY.replace("refuse", on_error)) as driver:
        outcome = await _visit(driver, "GPTBot")
        assert outcome is not None
        assert (outcome.response.status if outcome.response else None) == status
        assert driver.counts["fault.judgement"] == 1
    record = next(leaf for leaf in _leaves(tmp_path) if leaf["type"] == "crawl.request")
    assert record["decision.reason"] == "fault"


class _BrokenLog:
    """A log whose disk is full, or never answers."""

    def __init__(self, *, hangs: bool = False, loss: Loss = Loss.DISK_FULL) -> None:
        self.hangs = hangs
        self.loss = loss

    def record(self, *_args: object, told: Told, **_named: object) -> None:
        if not self.hangs:
            told.set_exception(NotLoggedError(self.loss, "planted"))

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def snapshot(self, *_args: object, **_named: object) -> str:
        return ""

    def close(self) -> None:
        return None


@pytest.mark.parametrize("hangs", [False, True])
async def test_without_a_record_content_for_training_stays_and_all_else_goes(tmp_path: Path, hangs: bool) -> None:
    async with running(tmp_path, evidence=False) as driver:
        driver.log = _BrokenLog(hangs=hangs)  # type: ignore[assignment]
        told = {
            (agent, path): await _visit(driver, agent, path)
            for agent, path in [
                ("GPTBot", "/"),
                ("GPTBot", "/robots.txt"),
                ("GPTBot", "/drafts/a"),
                ("OAI-SearchBot", "/"),
                ("Googlebot", "/"),
            ]
        }
        status = {
            key: outcome.response.status if outcome and outcome.response else None for key, outcome in told.items()
        }
    assert status == {
        ("GPTBot", "/"): 503,
        ("GPTBot", "/robots.txt"): None,
        ("GPTBot", "/drafts/a"): 403,
        ("OAI-SearchBot", "/"): None,
        ("Googlebot", "/"): None,
    }


async def test_a_log_that_is_full_by_choice_holds_nobody_up(tmp_path: Path) -> None:
    async with running(tmp_path, evidence=False) as driver:
        for loss in (Loss.BUDGET, Loss.FLOOD):
            driver.log = _BrokenLog(loss=loss)  # type: ignore[assignment]
            outcome = await _visit(driver, "GPTBot")
            assert outcome is not None
            assert outcome.response is None
        assert {loss: count for loss, count in driver.tally.lost.items() if count} == {Loss.FLOOD: 1, Loss.BUDGET: 1}


async def test_observing_hands_out_content_whatever_the_log_does(tmp_path: Path) -> None:
    async with running(tmp_path, POLICY.replace("enforce", "observe"), evidence=False) as driver:
        driver.log = _BrokenLog()  # type: ignore[assignment]
        outcome = await _visit(driver, "GPTBot", "/drafts/a")
    assert outcome is not None
    assert outcome.response is None


async def test_a_person_waits_for_nothing_that_is_blocked_for_ever(tmp_path: Path) -> None:
    async def never(_authority: str, _path: str) -> bytes | None:
        await asyncio.Event().wait()
        return None

    async with running(tmp_path, read=never, evidence=False) as driver:
        driver.log = _BrokenLog(hangs=True)  # type: ignore[assignment]
        crawler = asyncio.create_task(_visit(driver, "GPTBot"))
        await asyncio.sleep(0)
        assert _claim(driver, CHROME) is None
        assert driver.declare(method="GET", authority=SITE, target="/").all("tdm-reservation") == ()
        assert not crawler.done()
        outcome = await crawler
    assert outcome is not None  # and the crawler itself was answered in a bounded time
    assert outcome.response is not None


async def test_giving_up_does_not_take_the_record_along(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        await _visit(driver, "GPTBot")  # documents are known from here on
        visit = asyncio.create_task(_visit(driver, "CCBot"))
        while not visit.done() and not driver.log.health.queue_depth:  # type: ignore[union-attr]
            await asyncio.sleep(0)
        visit.cancel()
        await asyncio.gather(visit, return_exceptions=True)
    assert "CCBot" in {leaf.get("crawl.product") for leaf in _leaves(tmp_path)}


async def test_what_is_declared_goes_on_every_response(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        await driver.published.ask(SITE, within=5)
        fields = driver.declare(method="GET", authority=SITE, target="/")
        assert fields.first("tdm-reservation") == "1"
        assert fields.first("link") is not None
        assert len(driver.declare(method="POST", authority=SITE, target="/")) == 0
        assert driver.declare(method="HEAD", authority=SITE, target="/") == fields


async def test_off_means_untouched_and_leaves_a_gap(tmp_path: Path) -> None:
    async with running(tmp_path) as driver:
        write_switch(tmp_path / "state", (Off(site="*", since_us=now_us()),))
        await _until(lambda: _claim(driver, user_agent("GPTBot")) is None)
        assert len(driver.declare(method="GET", authority=SITE, target="/")) == 0
        await _until(lambda: bool(driver.upkeep.is_bypassed))
        write_switch(tmp_path / "state", ())
        await _until(lambda: _claim(driver, user_agent("GPTBot")) is not None)
        await _until(lambda: not driver.upkeep.is_bypassed)
    gaps = [leaf for leaf in _leaves(tmp_path) if leaf["type"] == "log.gap"]
    assert [gap["reason"] for gap in gaps] == ["bypass"]
    assert gaps[0]["to_us"] > gaps[0]["from_us"]  # type: ignore[operator]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_changed_policy_is_taken_into_force_and_a_broken_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as driver:
        file = tmp_path / "policy.yaml"
        file.write_text(POLICY.replace("default: allow", "default: block"))
        await _until(lambda: "block" in caplog.text)
        assert driver.engine.policies.policies[0].default == "allow"
        file.write_text(POLICY.replace("default: allow", "default: deny"))
        await _until(lambda: driver.engine.policies.policies[0].default == "deny")


async def test_a_door_does_not_open_on_a_broken_policy_or_a_log_that_is_held(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        async with running(tmp_path, "version: 1\n"):
            pass
    async with running(tmp_path):
        with pytest.raises(EvidenceError):
            async with running(tmp_path):
                pass


async def test_a_site_without_a_policy_is_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tmp_path, POLICY + "sites: [other.example]\n") as driver:
        assert await _visit(driver, "GPTBot") is None
        assert await _visit(driver, "GPTBot") is None
    assert caplog.text.count("no policy for 'site.example'") == 1


async def test_what_is_refused_without_being_declared_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, POLICY + "clauses:\n  - {crawler: CCBot, action: deny}\n") as driver:
        await _visit(driver, "CCBot")
        await _visit(driver, "CCBot")
    assert caplog.text.count("User-agent: CCBot") == 1


async def test_the_environment_can_make_every_policy_observe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_MODE", "observe")
    async with running(tmp_path) as driver:
        outcome = await _visit(driver, "GPTBot", "/drafts/a")
    assert outcome is not None
    assert outcome.response is None
    assert not outcome.decision.enforced


async def test_a_door_before_an_origin_names_at_start_what_is_not_declared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY + "sites: [site.example]\nclauses:\n  - {crawler: CCBot, action: deny}\n")
    settings = Settings(state=tmp_path / "state", software="optout test", policy=file, asks_at_start=True)
    driver = Driver(settings, CallableSource(_read))
    await driver.start()
    try:
        await _until(lambda: "User-agent: CCBot" in caplog.text)
    finally:
        await driver.stop()


async def test_a_list_in_the_state_directory_is_used_and_kept_with_the_records_that_rest_on_it(tmp_path: Path) -> None:
    found = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    known = take_snapshot("https://openai.com/gptbot.json", b"", found, now_us())
    write_list(list_directory(tmp_path / "state"), known)
    async with running(tmp_path) as driver:
        for ip in ("192.31.196.7", "192.175.48.7", None):
            request = make_request(f"https://{SITE}/", user_agent("GPTBot"), ip=ip, received_us=now_us())
            claim = _claim(driver, request.user_agent)
            assert claim is not None
            assert await driver.decide(request, claim) is not None
    leaves_ = _leaves(tmp_path)
    told = [
        (leaf["identity.standing"], leaf["identity.verified"], leaf["identity.list.sha256"])
        for leaf in leaves_
        if leaf["type"] == "crawl.request"
    ]
    assert told == [
        ("verified", "address-list", known.sha256),
        ("unverified", "none", known.sha256),
        ("unverified", "unavailable", known.sha256),
    ]
    order = [leaf.get("snapshot.kind", leaf["type"]) for leaf in leaves_]
    assert order.index("address-list") < order.index("crawl.request")
    kept = [leaf for leaf in leaves_ if leaf.get("snapshot.kind") == "address-list"]
    assert [(leaf["snapshot.sha256"], leaf["list.url"]) for leaf in kept] == [(known.sha256, known.url)]


GENERATED = f"{POLICY}sites: {SITE}\ndocuments: {{from: generated}}\nclauses: [{{action: deny, purpose: train}}]\n"


async def test_documents_of_a_policy_are_answered_and_decided_by(tmp_path: Path) -> None:
    async with running(tmp_path, GENERATED) as driver:
        document = driver.document(method="GET", authority=SITE, target="/robots.txt")
        assert document is not None
        assert b"User-agent: GPTBot\n" in document.body
        assert driver.may_declare(SITE)
        assert driver.document(method="POST", authority=SITE, target="/robots.txt") is None
        assert driver.document(method="GET", authority=SITE, target="/page") is None
        assert driver.document(method="GET", authority="other.example", target="/robots.txt") is None
        published = await driver.published.ask(SITE)
        assert published.robots_document.data == document.body


async def test_documents_follow_their_policy_and_the_off_switch(tmp_path: Path) -> None:
    def body() -> bytes:
        document = driver.document(method="GET", authority=SITE, target="/robots.txt")
        return b"" if document is None else document.body

    async with running(tmp_path, GENERATED) as driver:
        before = (await driver.published.ask(SITE)).robots_document.data
        assert body() == before
        (tmp_path / "policy.yaml").write_text(GENERATED.replace("purpose: train", "purpose: user-fetch"))
        await _until(lambda: body() not in (before, b""))
        await _until(lambda: driver.published.get(SITE).robots_document.data == body())
        write_switch(tmp_path / "state", (Off(site=SITE, since_us=now_us()),))
        await _until(lambda: body() == b"")


async def test_who_observes_leaves_the_documents_of_the_site(tmp_path: Path) -> None:
    async with running(tmp_path, GENERATED.replace("mode: enforce", "mode: observe")) as driver:
        assert driver.document(method="GET", authority=SITE, target="/robots.txt") is None
        assert (await driver.published.ask(SITE)).robots_document.data == DOCUMENTS["/robots.txt"]


async def test_a_fault_while_a_document_is_made_leaves_the_request_to_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, GENERATED) as driver:
        monkeypatch.setattr(driver._generated, "find", _raise)
        assert driver.document(method="GET", authority=SITE, target="/robots.txt") is None
        assert driver.counts["fault.documents"] == 1
