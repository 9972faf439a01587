"""A crawler in a loop is told the same again, by number and on record, for as long as it would be judged the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from optout.adapters.driver import Driver
from optout.adapters.gateway import Gateway
from optout.adapters.gateway.server import opened
from optout.adapters.intake import now_us
from optout.adapters.serve_options import ServeOptions
from optout.adapters.switch import Off, write_switch
from optout.engine import Engine
from optout.signals.declaration import NOTHING_KNOWN
from tests.doors.raw_origin import RawOrigin
from tests.gateways import POLICY
from tests.judge import leaves
from tests.served import Answer, Raw, connected

REFUSED = b"GET /drafts/a HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n"


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    """An origin whose robots.txt refuses /drafts/."""
    with RawOrigin() as running:
        yield running


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets that were judged, in order."""
    found: list[str] = []
    examine = Engine.examine

    def noted(engine: Engine, request: object, claim: object = None) -> object:
        found.append(request.target)  # type: ignore[attr-defined]
        return examine(engine, request, claim)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "examine", noted)
    return found


@dataclass
class Running:
    """A gateway, and one connection to it."""

    driver: Driver
    raw: Raw
    place: Path

    async def ask(self, octets: bytes = REFUSED) -> Answer:
        """The answer to these octets."""
        await self.raw.send(octets)
        return await self.raw.answer(octets.split(b" ")[0].decode())


@asynccontextmanager
async def running(place: Path, origin: RawOrigin, *, evidence: bool = True) -> AsyncIterator[Running]:
    """A gateway before the origin that knows its documents."""
    (place / "policy.yaml").write_text(POLICY)
    options = ServeOptions(
        upstream=f"http://127.0.0.1:{origin.port}",
        state=place / "state",
        listen_port=0,
        policy=place / "policy.yaml",
        evidence=place / "evidence" if evidence else None,
    )
    gateway = Gateway(options)
    async with opened(gateway, options) as listener:
        await gateway.driver.published.ask("site.example", within=10)
        async with connected(listener.port) as raw:
            yield Running(gateway.driver, raw, place)


def number(answer: Answer) -> str:
    """The number in a refusal."""
    return str(json.loads(answer.body)["instance"])


@pytest.mark.parametrize("evidence", [True, False])
async def test_the_same_request_is_told_the_same_under_another_number_and_is_not_judged_anew(
    tmp_path: Path, origin: RawOrigin, judged: list[str], evidence: bool
) -> None:
    async with running(tmp_path, origin, evidence=evidence) as gateway:
        answers = [await gateway.ask() for _ in range(4)]
        (count,) = gateway.driver.tally.answers
    assert [answer.status for answer in answers] == [403] * 4
    numbers = [number(answer) for answer in answers]
    assert len(set(numbers)) == 4
    told = [answer.body.replace(each.encode(), b"") for answer, each in zip(answers, numbers, strict=True)]
    assert len(set(told)) == 1
    heads = [[line for line in answer.head.split(b"\r\n") if not line.startswith(b"Date:")] for answer in answers]
    assert heads[0] == heads[1] == heads[2] == heads[3]
    assert judged == ["/drafts/a"] * 2, "what comes once is not kept"
    assert count.count == 4


async def test_each_is_on_record_with_its_number_and_time(tmp_path: Path, origin: RawOrigin) -> None:
    async with running(tmp_path, origin) as gateway:
        numbers = [number(await gateway.ask()).removeprefix("urn:uuid:") for _ in range(4)]
    records = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert [record["id"] for record in records] == numbers
    times = [int(str(record["time_us"])) for record in records]
    assert times == sorted(set(times))
    own = {"id", "time_us", "mono_us", "decision.us", "writer.seq", "observed.minute", "observed.robots"}
    alike = [{key: value for key, value in record.items() if key not in own} for record in records]
    assert all(each == alike[0] for each in alike)


@pytest.mark.parametrize(
    "other",
    [
        REFUSED.replace(b"/drafts/a", b"/drafts/b"),
        REFUSED.replace(b"GET", b"HEAD"),
        REFUSED.replace(b"GPTBot/1.4", b"CCBot/2.0"),
        REFUSED.replace(b"\r\n\r\n", b"\r\nAccept: text/html\r\n\r\n"),
        REFUSED.replace(b"\r\n\r\n", b"\r\nAuthorization: License x\r\n\r\n"),
    ],
)
async def test_another_request_is_judged(tmp_path: Path, origin: RawOrigin, judged: list[str], other: bytes) -> None:
    async with running(tmp_path, origin) as gateway:
        for _ in range(3):
            await gateway.ask()
        for _ in range(3):
            assert (await gateway.ask(other)).status == 403
    assert len(judged) == 4


async def test_head_gets_the_head_again(tmp_path: Path, origin: RawOrigin) -> None:
    for evidence in (True, False):
        place = tmp_path / str(evidence)
        place.mkdir()
        async with running(place, origin, evidence=evidence) as gateway:
            answers = [await gateway.ask(REFUSED.replace(b"GET", b"HEAD")) for _ in range(3)]
            assert len({answer.first("content-length") for answer in answers}) == 1
            assert (await gateway.ask()).status == 403  # nothing of a body is in its way


@pytest.mark.parametrize("evidence", [True, False])
async def test_a_changed_policy_counts_from_the_next_request_on(
    tmp_path: Path, origin: RawOrigin, evidence: bool
) -> None:
    async with running(tmp_path, origin, evidence=evidence) as gateway:
        assert [(await gateway.ask()).status for _ in range(3)] == [403] * 3
        (tmp_path / "policy.yaml").write_text(POLICY + "on_disallow: require-license\ncontact: rights@site.example\n")
        while (answer := await gateway.ask()).status == 403:
            await asyncio.sleep(0.02)
        assert answer.status == 402


@pytest.mark.parametrize("evidence", [True, False])
async def test_the_off_switch_counts_from_the_next_request_on(
    tmp_path: Path, origin: RawOrigin, evidence: bool
) -> None:
    async with running(tmp_path, origin, evidence=evidence) as gateway:
        assert [(await gateway.ask()).status for _ in range(3)] == [403] * 3
        write_switch(tmp_path / "state", (Off(site="*", since_us=now_us()),))
        while (answer := await gateway.ask()).status == 403:
            await asyncio.sleep(0.02)
        assert answer.status == 200


@pytest.mark.parametrize("evidence", [True, False])
async def test_a_changed_document_counts_as_soon_as_it_is_known(
    tmp_path: Path, origin: RawOrigin, evidence: bool
) -> None:
    async with running(tmp_path, origin, evidence=evidence) as gateway:
        assert [(await gateway.ask()).status for _ in range(3)] == [403] * 3
        gateway.driver.published._entries["site.example"].published = NOTHING_KNOWN
        assert (await gateway.ask()).status == 200


async def test_requests_that_came_together_are_answered_in_their_order(tmp_path: Path, origin: RawOrigin) -> None:
    async with running(tmp_path, origin) as gateway:
        person = b"GET /page HTTP/1.1\r\nHost: site.example\r\nUser-Agent: Chrome\r\n\r\n"
        await gateway.raw.send(REFUSED + REFUSED + person + REFUSED)
        assert [(await gateway.raw.answer()).status for _ in range(4)] == [403, 403, 200, 403]


async def test_a_body_is_read_before_the_same_is_told_again(tmp_path: Path, origin: RawOrigin) -> None:
    post = REFUSED.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
    async with running(tmp_path, origin) as gateway:
        assert (await gateway.ask(post + b"abc")).status == 403
        await gateway.raw.send(post)
        answer = await gateway.raw.answer()
        assert (answer.status, answer.first("connection")) == (403, "close")
