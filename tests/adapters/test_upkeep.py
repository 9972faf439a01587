"""The background of a door: bypass intervals that outlive it, and warnings that stay bounded."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from optout.adapters import policy_snapshots
from optout.adapters.intake import now_us
from optout.adapters.list_files import list_directory, write_list
from optout.adapters.switch import Off, Switch, write_switch
from optout.adapters.upkeep import Upkeep
from optout.crawlers.address_book import AddressBook
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import ListSnapshot, take_snapshot
from optout.crawlers.registry import bundled_registry
from optout.decision import Decision
from optout.engine import Engine
from optout.identity import Standing
from optout.policy.model import PolicySet
from optout.signals.declaration import NOTHING_KNOWN, known
from optout.testing import make_request
from tests.crawlers.book import DAY_US, EXBOT, NOW_US, OFF, ON, claim, client, snapshot
from tests.judge import publishes, user_agent


class _Log:
    told: list[dict[str, object]]

    def __init__(self) -> None:
        self.gaps: list[tuple[str, dict[str, object]]] = []
        self.told = []
        self.snapshots: list[tuple[str, bytes]] = []
        self.facts: list[dict[str, object]] = []

    def gap(self, reason: str, from_us: int, to_us: int, **facts: object) -> None:
        assert from_us <= to_us
        self.gaps.append((reason, facts))

    def append(self, fields: dict[str, object]) -> None:
        self.told.append(fields)

    def snapshot(self, kind: str, data: bytes, **facts: object) -> str:
        self.snapshots.append((kind, data))
        self.facts.append(facts)
        return ""


class _Kept:
    def __init__(self, upkeep: Upkeep) -> None:
        self.engine = Engine(upkeep.policies, upkeep.registry)
        self.log = _Log()
        self.used: list[PolicySet] = []

    def use(self, policies: PolicySet) -> None:
        self.used.append(policies)

    def know(self, lists: AddressBook) -> None:
        self.engine = self.engine.knowing(lists)


def _decision(engine: Engine, url: str, ip: str | None = None) -> Decision:
    outcome = engine.explain(make_request(url, user_agent("GPTBot"), ip=ip, received_us=now_us()), NOTHING_KNOWN)
    assert outcome is not None
    return outcome.decision


@pytest.fixture
async def kept(tmp_path: Path):  # type: ignore[no-untyped-def]
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nsites: [a.example]\nmode: enforce\ndefault: deny\non_error: refuse\n")
    upkeep = Upkeep(Switch(tmp_path / "state"), policy, bundled_registry())
    found = _Kept(upkeep)
    upkeep.start(found)  # type: ignore[arg-type]
    yield upkeep, found, tmp_path
    await upkeep.stop()


async def test_the_policy_in_force_is_kept_at_start(kept) -> None:  # type: ignore[no-untyped-def]
    _, door, place = kept
    crawlers = ("crawlers", bundled_registry().document)  # what every inference rests on
    assert door.log.snapshots == [crawlers, ("policy", (place / "policy.yaml").read_bytes())]


async def test_an_interval_that_is_open_at_the_end_is_written(kept) -> None:  # type: ignore[no-untyped-def]
    upkeep, door, place = kept
    write_switch(place / "state", (Off(site="a.example", since_us=1), Off(site="b.example", since_us=1)))
    while not upkeep.is_bypassed:
        await _a_moment()
    assert door.log.gaps == []
    await upkeep.stop()
    assert sorted(str(facts["site"]) for _, facts in door.log.gaps) == ["a.example", "b.example"]
    assert {reason for reason, _ in door.log.gaps} == {"bypass"}


async def _a_moment() -> None:
    import asyncio

    await asyncio.sleep(0.02)


async def test_each_new_document_is_kept_and_an_unknown_one_is_not(kept) -> None:  # type: ignore[no-untyped-def]
    upkeep, door, _ = kept
    door.log.snapshots.clear()
    upkeep.on_document("a.example", known("robots.txt", b"User-agent: *\n"))
    upkeep.on_document("a.example", NOTHING_KNOWN.robots_document)
    assert door.log.snapshots == [("robots.txt", b"User-agent: *\n")]


async def test_nobody_is_warned_about_a_site_of_which_nothing_is_known(kept, caplog) -> None:  # type: ignore[no-untyped-def]
    upkeep, _, _ = kept
    upkeep.saw_published("a.example", NOTHING_KNOWN)
    assert "User-agent" not in caplog.text
    upkeep.saw_published("a.example", publishes())
    assert "User-agent: GPTBot" in caplog.text


async def test_strangers_hosts_fill_neither_the_memory_nor_the_journal(kept, caplog) -> None:  # type: ignore[no-untyped-def]
    upkeep, _, _ = kept
    for number in range(3000):
        upkeep.lacks_policy(make_request(f"https://x{number}.example/", user_agent("GPTBot")))
    assert 0 < caplog.text.count("no policy for") <= 20
    upkeep.could_not_record("disk-full")
    upkeep.could_not_record("disk-full")
    assert caplog.text.count("the evidence log refuses records: disk-full") == 1
    upkeep.saw_published("a.example", publishes())
    assert "a.example refuses crawlers" in caplog.text


async def test_a_host_that_only_a_visitor_named_is_written_nowhere(kept) -> None:  # type: ignore[no-untyped-def]
    upkeep, door, _ = kept
    door.log.facts.clear()
    upkeep.on_document("a.example", known("robots.txt", b"1"))
    upkeep.on_document("canary.example", known("robots.txt", b"2"))
    assert door.log.facts == [{"authority": "a.example"}, {}]
    assert [told["server.address"] for told in door.log.told] == ["a.example"]


async def test_a_policy_of_a_fleet_is_kept_before_the_first_record_that_rests_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_snapshots, "_AT_ONCE", 0)
    monkeypatch.setattr(policy_snapshots, "_AT_A_LOOK", 0)
    for name in ("a", "b"):
        text = f"version: 1\nsites: {name}.example\ndefault: allow\non_error: allow\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    upkeep = Upkeep(Switch(tmp_path / "state"), tmp_path, bundled_registry())
    door = _Kept(upkeep)
    upkeep.start(door)  # type: ignore[arg-type]
    assert [kind for kind, _ in door.log.snapshots] == ["crawlers"]
    door.log.snapshots.clear()
    policy = upkeep.policies.find("b.example")
    assert policy is not None
    decision = _decision(door.engine, "https://b.example/")
    for _ in range(2):
        upkeep.will_record(decision)
    assert door.log.snapshots == [("policy", (tmp_path / "b.yaml").read_bytes())]
    await upkeep.stop()


GPTBOT = "https://openai.com/gptbot.json"


def _list(age_days: float) -> ListSnapshot:
    found = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    return take_snapshot(GPTBOT, b"", found, now_us() - round(age_days * DAY_US))


async def test_a_list_that_arrives_is_used_without_a_restart(kept, caplog) -> None:  # type: ignore[no-untyped-def]
    upkeep, door, place = kept
    assert _decision(door.engine, "https://a.example/", ON).agent.standing is Standing.UNVERIFIED
    fresh = _list(1)
    write_list(list_directory(place / "state"), fresh)
    while not door.engine.lists:
        await _a_moment()
    decision = _decision(door.engine, "https://a.example/", ON)
    assert decision.agent.standing is Standing.VERIFIED
    assert "address lists read, 1 in use" in caplog.text
    door.log.snapshots.clear()
    door.log.facts.clear()
    for _ in range(2):  # what records rest on is kept before the first of them, and only that
        upkeep.will_record(decision)
    assert door.log.snapshots == [("address-list", fresh.document)]
    assert door.log.facts == [{"list.url": GPTBOT}]


async def test_a_broken_and_a_stale_list_are_told_once_and_prove_nothing(kept, caplog) -> None:  # type: ignore[no-untyped-def]
    upkeep, door, place = kept
    write_list(list_directory(place / "state"), _list(15))
    (list_directory(place / "state") / "other.json").write_bytes(b"<html>")
    while "too old" not in caplog.text:
        await _a_moment()
    await upkeep._reload_lists()
    assert caplog.text.count(f"{GPTBOT} is too old to prove anything") == 1
    assert caplog.text.count("address list: other.json: no snapshot of an address list") == 1
    assert _decision(door.engine, "https://a.example/", ON).agent.standing is Standing.UNVERIFIED


async def test_a_doubted_list_is_told_once(kept, caplog) -> None:  # type: ignore[no-untyped-def]
    upkeep, _, place = kept
    write_list(list_directory(place / "state"), snapshot(age_days=0))
    while not upkeep.lists.book:
        await _a_moment()
    for _ in range(20):
        upkeep.lists.book.look(claim(EXBOT), client(OFF), NOW_US)
    await upkeep._reload_lists()
    await upkeep._reload_lists()
    assert caplog.text.count(f"are not on {EXBOT.address_list}; it contradicts nobody until") == 1
