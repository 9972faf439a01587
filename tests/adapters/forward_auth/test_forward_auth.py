"""The forward-auth door without a socket: what each dialect is answered, and what is recorded."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from optout.adapters.driver import Driver, Settings
from optout.adapters.forward_auth import THIS_MACHINE, ForwardAuth, Judged, NothingPublished, asked_by
from optout.adapters.forward_auth.check import Dialect, Said
from optout.adapters.refusals import Refusal
from optout.errors import UsageError
from optout.messages import Response, octets
from optout.signals.declaration import DocumentState
from tests.judge import leaves, user_agent
from tests.served import CHROME

POLICY = """
version: 1
mode: enforce
default: deny
on_error: refuse
license: /license.xml
terms: /terms
sites: [site.example]
clauses:
  - id: paid
    action: require-license
    purpose: [train]
    reason: Ask us for a license.
"""
GPTBOT = user_agent("GPTBot")


@asynccontextmanager
async def door(place: Path, dialect: Dialect = Dialect.NGINX, policy: str = POLICY) -> AsyncIterator[ForwardAuth]:
    file = place / "policy.yaml"
    file.write_text(policy)
    settings = Settings(
        state=place / "state", software="test", policy=file, evidence=place / "evidence", trusted=THIS_MACHINE
    )
    driver = Driver(settings, NothingPublished())
    await driver.start()
    try:
        yield ForwardAuth(driver, dialect)
    finally:
        await driver.stop()


async def ask(
    found: ForwardAuth,
    agent: str = CHROME,
    target: str = "/a?b",
    *more: tuple[str, str],
    host: str = "site.example",
    dialect: Dialect = Dialect.NGINX,
) -> Response:
    fields: tuple[tuple[str, str], ...] = (
        ("User-Agent", agent),
        ("X-Forwarded-For", "198.51.100.7, 20.15.240.64"),
        ("X-Forwarded-Proto", "https"),
    )
    if dialect in (Dialect.NGINX, Dialect.NGINX_ROUTE):
        fields += (("X-Original-Method", "GET"), ("X-Original-URI", target), ("X-Original-Host", host))
    elif dialect is Dialect.ENVOY:
        fields += (("Host", host),)
    else:
        fields += (("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", target), ("X-Forwarded-Host", host))
    said = Said([(octets(name), octets(value)) for name, value in (*fields, *more)])
    answer = found.weigh(peer=None, method=b"GET", target=octets(target), said=said)
    if isinstance(answer, Refusal):
        told: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        found.give_again(answer, told.set_result)
        return await told
    return await found.decide(answer) if isinstance(answer, Judged) else answer


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_person_passes_and_leaves_no_trace(dialect: Dialect, tmp_path: Path) -> None:
    async with door(tmp_path, dialect) as found:
        answer = await ask(found, dialect=dialect)
    assert (answer.status, answer.body) == (200, b"")
    assert [leaf for leaf in leaves(tmp_path / "evidence") if str(leaf["type"]).startswith("crawl.")] == []


@pytest.mark.parametrize("dialect", [dialect for dialect in Dialect if dialect is not Dialect.NGINX])
async def test_a_crawler_s_refusal_is_the_answer_itself(dialect: Dialect, tmp_path: Path) -> None:
    async with door(tmp_path, dialect) as found:
        answer = await ask(found, GPTBOT, dialect=dialect)
    assert answer.status == 402
    assert json.loads(answer.body)["clause"] == "paid"
    assert answer.fields.first("cache-control") == "no-store"


async def test_nginx_gets_a_ticket_and_fetches_the_refusal_with_it_once(tmp_path: Path) -> None:
    async with door(tmp_path) as found:
        told = await ask(found, GPTBOT)
        assert (told.status, told.body) == (403, b"")
        ticket = told.fields.first("optout-ticket") or ""
        fetched, again = [
            await ask(found, GPTBOT, "/", ("Optout-Ticket", ticket), host="", dialect=Dialect.NGINX) for _ in range(2)
        ]
    assert fetched.status == 402
    assert json.loads(fetched.body)["instance"] == f"urn:uuid:{ticket}"
    assert (again.status, again.fields.first("optout-ticket")) == (403, None)
    requests = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert [leaf["id"] for leaf in requests] == [ticket]


@pytest.mark.parametrize("agent", [CHROME, GPTBOT])
async def test_a_ticket_that_a_visitor_made_up_lets_nobody_pass(agent: str, tmp_path: Path) -> None:
    async with door(tmp_path) as found:
        alone = await ask(found, agent, "/", ("Optout-Ticket", "made up"))
        two = await ask(found, agent, "/", ("Optout-Ticket", "a"), ("Optout-Ticket", "b"))
    assert (alone.status, two.status) == (403, 403)


async def test_a_routed_nginx_is_told_where_to_go_on_and_declares_by_itself(tmp_path: Path) -> None:
    async with door(tmp_path, Dialect.NGINX_ROUTE) as found:
        answer = await ask(found, dialect=Dialect.NGINX_ROUTE)
    assert answer.fields.items == (("Content-Length", "0"), ("X-Accel-Redirect", "@optout_pass"))


async def test_only_nginx_has_tickets(tmp_path: Path) -> None:
    async with door(tmp_path, Dialect.CADDY) as found:
        answer = await ask(found, CHROME, "/", ("Optout-Ticket", "made up"), dialect=Dialect.CADDY)
    assert answer.status == 200


async def test_the_record_tells_what_the_front_end_told_and_no_outcome_is_written(tmp_path: Path) -> None:
    async with door(tmp_path) as found:
        await ask(found, GPTBOT, "/a?b", ("X-Original-Protocol", "HTTP/2.0"), ("Cookie", "secret=1"))
    (leaf,) = [leaf for leaf in leaves(tmp_path / "evidence") if str(leaf["type"]).startswith("crawl.")]
    assert leaf["url.path"] == "/a"
    assert leaf["url.query.present"] is True
    assert leaf["url.scheme"] == "https"
    assert leaf["server.address"] == "site.example"
    assert leaf["network.protocol.version"] == "2.0"
    assert "secret" not in str(leaf)


async def test_a_pass_tells_what_the_site_s_response_is_to_declare(tmp_path: Path) -> None:
    async with door(tmp_path, policy=POLICY.replace("require-license", "allow")) as found:
        person, crawler = await ask(found), await ask(found, GPTBOT)
    for answer in (person, crawler):
        assert answer.status == 200
        assert answer.fields.all("link") == (
            '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"',
        )


async def test_the_client_is_the_one_whom_the_front_end_names(tmp_path: Path) -> None:
    async with door(tmp_path) as found:
        for chain, address in (
            (b"1.1.1.1, 20.15.240.64", "20.15.240.64"),
            (b"1.1.1.1," * 100_000 + b"20.15.240.64", "20.15.240.64"),
            (b"nowhere", None),
        ):
            said = Said(
                [
                    *((b"X-Original-Method", b"GET"), (b"X-Original-URI", b"/"), (b"X-Original-Host", b"site.example")),
                    *((b"X-Forwarded-Proto", b"https"), (b"User-Agent", GPTBOT.encode()), (b"X-Forwarded-For", chain)),
                ]
            )
            judged = found.weigh(peer="127.0.0.1", method=b"GET", target=b"/", said=said)
            assert isinstance(judged, Judged)
            assert judged.request.client.address == address
            await found.decide(judged)


async def test_a_visitor_without_a_destination_is_answered_400(tmp_path: Path) -> None:
    async with door(tmp_path, Dialect.CADDY) as found:
        assert (await ask(found, host="a@b", dialect=Dialect.CADDY)).status == 400
    async with door(tmp_path) as found:
        told = await ask(found, host="a@b")
        fetched = await ask(found, CHROME, "/", ("Optout-Ticket", told.fields.first("optout-ticket") or ""))
    assert (told.status, fetched.status) == (403, 400)


async def test_a_malformed_check_is_answered_400_and_told_the_owner_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with door(tmp_path) as found:
        with caplog.at_level(logging.WARNING, "optout"):
            answers = [await ask(found, CHROME, "/x", ("X-Original-URI", "/robots.txt")) for _ in range(3)]
    assert [answer.status for answer in answers] == [400] * 3
    assert b"X-Original-URI" in answers[0].body
    told = [record.getMessage() for record in caplog.records if "check" in record.getMessage()]
    assert len(told) == 1
    assert "/robots.txt" not in told[0]


async def test_a_site_that_is_off_passes(tmp_path: Path) -> None:
    from optout.adapters.switch import Off, write_switch

    async with door(tmp_path) as found:
        write_switch(tmp_path / "state", (Off(site="*", since_us=1),))
        found.driver.switch.look()
        assert (await ask(found, GPTBOT)).status == 200


async def test_without_an_upstream_nothing_is_known_to_be_published() -> None:
    documents = await NothingPublished().fetch("site.example")
    assert [document.state for document in documents] == [DocumentState.UNKNOWN] * 2


def test_this_machine_may_ask_unless_others_are_named() -> None:
    assert asked_by((), "x-forwarded-for") == THIS_MACHINE
    named = asked_by(("10.0.0.0/8",), "x-real-ip")
    assert [str(network) for network in named.networks] == ["10.0.0.0/8"]
    assert named.field == "x-real-ip"
    with pytest.raises(UsageError):
        asked_by(("nowhere",), "x-forwarded-for")


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_crawler_in_a_loop_is_told_the_same_on_record_and_not_judged_anew(
    dialect: Dialect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door(tmp_path, dialect) as found:
        await ask(found, GPTBOT, dialect=dialect)
        first = await ask(found, GPTBOT, dialect=dialect)
        with monkeypatch.context() as patched:
            patched.setattr(found.driver, "decide", None)
            again = await ask(found, GPTBOT, dialect=dialect)
        other = await ask(found, GPTBOT, "/other", dialect=dialect)
        shown = [
            await ask(found, GPTBOT, "/optout", ("Optout-Ticket", ticket)) for ticket in _tickets(first, again, other)
        ]
    assert first.status == again.status == other.status
    if dialect is Dialect.NGINX:
        assert len({answer.body for answer in shown}) == 3
        assert {answer.status for answer in shown} == {402}
    else:
        assert len({answer.body for answer in (first, again, other)}) == 3
    asked = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert len(asked) == len({str(leaf["id"]) for leaf in asked}) == 4


def _tickets(*answers: Response) -> list[str]:
    return [value for answer in answers for name, value in answer.fields if name == "Optout-Ticket"]
