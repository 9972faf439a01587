"""The aiohttp door: who is answered, what is declared, what people never notice, and what is no request at all."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from optout.adapters.aiohttp import setup
from optout.adapters.aiohttp.door import DOOR
from optout.adapters.documents import PublishedCache
from optout.adapters.driver import Driver
from optout.adapters.switch import Off, Switch, write_switch
from optout.engine import Engine
from optout.evidence.log import NotLoggedError
from optout.evidence.receipt import Loss, Told
from tests.judge import leaves, user_agent
from tests.served import CHROME, ask, connected, served

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
license: https://site.example/license.xml
clauses:
  - {id: no-feeds-in-the-vault, action: deny, purpose: feed, path: /vault/}
"""
DOCUMENTS = {
    "/robots.txt": b"User-agent: *\nDisallow: /drafts/\n",
    "/.well-known/tdmrep.json": b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/tdm.json"}]',
}
LINK = '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"'


async def page(request: web.Request) -> web.StreamResponse:
    """The site: one page for each way in which aiohttp sends a response."""
    match request.path:
        case "/stream":
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"streamed")
            return response
        case "/raised":
            raise web.HTTPForbidden(text="not for you")
        case "/own-word":
            return web.Response(text="page", headers={"tdm-reservation": "0", "Link": "</next>; rel=next"})
        case "/fault":
            raise RuntimeError("a fault of the site's")
        case _:
            return web.Response(text="page")


def read_documents(_authority: str, path: str) -> bytes | None:
    """What the site publishes."""
    return DOCUMENTS.get(path)


def make_app(place: Path, policy: str = POLICY, **settings: Any) -> web.Application:
    """The site behind its door."""
    file = place / "policy.yaml"
    file.write_text(policy)
    app = web.Application()
    app.router.add_static("/static", _static(place))
    app.router.add_get("/", page)
    app.router.add_route("*", "/{path:(?!missing).*}", page)
    setup(
        app,
        policy=file,
        evidence=settings.pop("evidence", place / "evidence"),
        state=place / "state",
        documents=settings.pop("documents", read_documents),
        **settings,
    )
    return app


def _static(place: Path) -> Path:
    directory = place / "static"
    directory.mkdir()
    (directory / "picture.bin").write_bytes(bytes(range(256)) * 4000)
    return directory


@asynccontextmanager
async def door(place: Path, policy: str = POLICY, **settings: Any) -> AsyncIterator[tuple[int, Driver]]:
    """The port of the running site, and its driver, which knows by then what the site publishes."""
    app = make_app(place, policy, **settings)
    driver = app[DOOR].driver
    async with served(app) as port:
        await driver.published.ask("site.example", within=10)
        yield port, driver


def requests_in(place: Path) -> list[dict[str, object]]:
    """The records of requests in the site's log."""
    return [leaf for leaf in leaves(place / "evidence") if leaf["type"] == "crawl.request"]


@pytest.mark.parametrize(
    ("agent", "target", "status", "recorded"),
    [
        (CHROME, "/drafts/a", 200, None),
        ("", "/drafts/a", 200, None),
        (user_agent("Googlebot"), "/drafts/a", 200, None),
        ("facebookexternalhit/1.1", "/drafts/a", 200, None),
        (user_agent("GPTBot"), "/", 200, ("allow", "default")),
        (user_agent("GPTBot"), "/drafts/a", 403, ("deny", "robots-disallow")),
        (user_agent("GPTBot"), "/public/../drafts/a", 403, ("deny", "robots-disallow")),
        (user_agent("GPTBot"), "/drafts/a%00", 400, ("deny", "malformed-target")),
        (user_agent("GPTBot"), "ftp://site.example/drafts/a", 403, ("deny", "robots-disallow")),
        (user_agent("GPTBot"), "/robots.txt", 200, ("allow", "always-open")),
        ("Feedly/1.0", "/vault/feed", 403, ("deny", "clause")),
        ("Feedly/1.0", "/feed", 200, None),
    ],
)
async def test_each_visitor_gets_what_the_policy_says(
    tmp_path: Path, agent: str, target: str, status: int, recorded: tuple[str, str] | None
) -> None:
    async with door(tmp_path) as (port, _):
        assert (await ask(port, target, agent)).status == status
    found = [(record["decision.action"], record["decision.reason"]) for record in requests_in(tmp_path)]
    assert found == ([recorded] if recorded else [])


@pytest.mark.parametrize("agents", [("GPTBot/1.4", CHROME), (CHROME, "GPTBot/1.4")])
async def test_a_second_user_agent_hides_nothing(tmp_path: Path, agents: tuple[str, str]) -> None:
    async with door(tmp_path) as (port, _):
        answer = await ask(port, "/drafts/a", agents[0], more=f"User-Agent: {agents[1]}\r\n")
    assert answer.status == 400  # aiohttp's parser refuses it before the door is asked


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("agent", [CHROME, user_agent("Googlebot"), user_agent("GPTBot")])
@pytest.mark.parametrize("target", ["/", "/stream", "/raised", "/missing", "/static/picture.bin", "/robots.txt"])
async def test_every_way_to_answer_declares(tmp_path: Path, target: str, agent: str, method: str) -> None:
    async with door(tmp_path) as (port, _):
        answer = await ask(port, target, agent, method=method)
    assert answer.all("tdm-reservation") == ["1"]
    assert answer.all("tdm-policy") == ["https://site.example/tdm.json"]
    assert answer.all("link") == [LINK]


async def test_the_answer_to_other_methods_declares_nothing(tmp_path: Path) -> None:
    async with door(tmp_path) as (port, _):
        answer = await ask(port, "/", method="POST", more="Content-Length: 0\r\n")
    assert (answer.status, answer.first("tdm-reservation"), answer.first("link")) == (200, None, None)


async def test_the_application_s_own_word_on_a_page_counts(tmp_path: Path) -> None:
    async with door(tmp_path) as (port, _):
        answer = await ask(port, "/own-word")
    assert answer.all("tdm-reservation") == ["0"]
    assert answer.all("link") == ["</next>; rel=next", LINK]


async def test_a_refusal_says_once_what_there_is_to_declare(tmp_path: Path) -> None:
    async with door(tmp_path) as (port, _):
        answer = await ask(port, "/drafts/a", "GPTBot/1.4")
    assert answer.status == 403
    assert answer.all("tdm-reservation") == ["1"]
    assert answer.all("link") == [LINK]
    assert answer.all("cache-control") == ["no-store"]
    assert len(answer.body) == int(answer.first("content-length") or 0) > 0


async def test_a_refusal_of_head_has_the_fields_and_no_body(tmp_path: Path) -> None:
    async with door(tmp_path) as (port, _), connected(port) as raw:
        for _ in range(2):  # were there a body, the second answer would not begin where the first ended
            await raw.send(b"HEAD /drafts/a HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.4\r\n\r\n")
            answer = await raw.answer("HEAD")
            assert answer.status == 403
            assert int(answer.first("content-length") or 0) > 0


async def test_a_refusal_ignores_ranges_and_conditions(tmp_path: Path) -> None:
    async with door(tmp_path) as (port, _):
        answer = await ask(port, "/drafts/a", "GPTBot/1.4", more="Range: bytes=0-1\r\nIf-None-Match: *\r\n")
    assert (answer.status, answer.first("content-range")) == (403, None)


async def test_observing_changes_no_octet(tmp_path: Path) -> None:
    agents, targets = (CHROME, user_agent("GPTBot")), ("/", "/stream", "/raised", "/missing", "/drafts/a")
    async with door(tmp_path, POLICY.replace("enforce", "observe")) as (port, _):
        found = [await ask(port, target, agent) for agent in agents for target in targets]
    fields = {line.partition(b":")[0].lower() for answer in found for line in answer.head.split(b"\r\n")[1:]}
    assert fields <= {b"content-type", b"content-length", b"transfer-encoding", b"date", b"server", b"connection"}
    assert [answer.status for answer in found] == [200, 200, 403, 404, 200] * 2


# Requests that are none


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: site.example\r\nHost: site.example\r\n",
        b"GET / HTTP/1.1\r\nHost: site.example\r\nHost: other.example\r\n",
        b"GET http://other.example/ HTTP/1.1\r\nHost: site.example\r\n",
        b"GET ftp://other.example/ HTTP/1.1\r\nHost: site.example\r\n",
        b"GET http://user@site.example/ HTTP/1.1\r\nHost: site.example\r\n",
        b"GET / HTTP/1.1\r\nHost: site.example/x\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n",
        b"GET / HTTP/1.1\r\n",
    ],
)
@pytest.mark.parametrize("agent", [CHROME, "GPTBot/1.4"])
async def test_a_request_that_names_no_one_destination_is_400_for_everybody(
    tmp_path: Path, head: bytes, agent: str
) -> None:
    async with door(tmp_path) as (port, _), connected(port) as raw:
        await raw.send(head + f"User-Agent: {agent}\r\n\r\n".encode())
        assert (await raw.answer()).status == 400
    assert requests_in(tmp_path) == []


async def test_a_request_without_a_host_is_served_and_judged(tmp_path: Path) -> None:
    async with door(tmp_path) as (port, _):
        for agent in (CHROME, "GPTBot/1.4"):
            async with connected(port) as raw:
                await raw.send(f"GET / HTTP/1.0\r\nUser-Agent: {agent}\r\n\r\n".encode())
                assert (await raw.answer()).status == 200
    assert [record["server.address"] for record in requests_in(tmp_path)] == [""]


@pytest.mark.parametrize(
    "octets",
    [b"\xff\xfe GPTBot/1.4", b"GPTBot/1.4 \x80" * 400, b"GPTBot/1.4 \xe2\x80\xae\xc2\x9b31m", b"GPTBot/1.4\t;"],
)
async def test_odd_octets_in_a_user_agent_are_judged_and_recorded(tmp_path: Path, octets: bytes) -> None:
    async with door(tmp_path) as (port, _), connected(port) as raw:
        await raw.send(b"GET /drafts/a HTTP/1.1\r\nHost: site.example\r\nUser-Agent: " + octets + b"\r\n\r\n")
        assert (await raw.answer()).status == 403
    assert len(requests_in(tmp_path)) == 1


# Whose address


async def test_a_visitor_s_own_word_on_the_address_is_worth_nothing(tmp_path: Path) -> None:
    seen: list[object] = []
    async with door(tmp_path) as (port, driver):
        _keep_clients(driver, seen)
        await ask(port, "/", "GPTBot/1.4", more="X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n")
    assert seen == [(None, "unknown", "http")]


async def test_a_trusted_proxy_s_word_counts(tmp_path: Path) -> None:
    seen: list[object] = []
    async with door(tmp_path, trusted_proxies=["127.0.0.0/8"]) as (port, driver):
        _keep_clients(driver, seen)
        more = "X-Forwarded-For: 6.6.6.6, 8.8.8.8\r\nX-Forwarded-Proto: https\r\n"
        await ask(port, "/", "GPTBot/1.4", more=more)
    assert seen == [("8.8.8.8", "forwarded", "https")]


def _keep_clients(driver: Driver, seen: list[object]) -> None:
    decide = driver.decide

    async def kept(request: Any, claim: Any) -> Any:
        seen.append((request.client.address, request.client.source.value, request.scheme))
        return await decide(request, claim)

    driver.decide = kept  # type: ignore[method-assign]


# What is remembered


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets that were judged, in order."""
    found: list[str] = []
    examine = Engine.examine

    def noted(engine: Engine, request: Any, claim: Any = None) -> Any:
        found.append(request.target)
        return examine(engine, request, claim)

    monkeypatch.setattr(Engine, "examine", noted)
    return found


async def test_a_crawler_in_a_loop_is_told_the_same_under_another_number_and_on_record(
    tmp_path: Path, judged: list[str]
) -> None:
    async with door(tmp_path) as (port, driver):
        await driver.published.ask("site.example", within=10)
        async with connected(port) as raw:
            answers = []
            for target in (*["/drafts/a"] * 4, "/drafts/b"):
                await raw.send(f"GET {target} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot\r\n\r\n".encode())
                answers.append(await raw.answer())
    assert judged == ["/drafts/a", "/drafts/a", "/drafts/b"]
    assert [answer.status for answer in answers] == [403] * 5
    numbers = [json.loads(answer.body)["instance"].removeprefix("urn:uuid:") for answer in answers]
    found = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert [leaf["id"] for leaf in found] == numbers
    assert len(set(numbers)) == 5
    assert [leaf["url.path"] for leaf in found] == ["/drafts/a"] * 4 + ["/drafts/b"]
    assert {answer.first("cache-control") for answer in answers} == {"no-store"}


async def test_a_crawler_that_was_refused_is_served_once_the_policy_lets_it_in(tmp_path: Path) -> None:
    async with (
        door(tmp_path, policy=POLICY.replace("default: allow", "default: deny")) as (port, _),
        connected(port) as raw,
    ):
        statuses = []
        while not statuses or statuses[-1] == 403:
            await raw.send(b"GET / HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot\r\n\r\n")
            statuses.append((await raw.answer()).status)
            if len(statuses) == 3:
                (tmp_path / "policy.yaml").write_text(POLICY)
    assert statuses[:3] == [403] * 3
    assert statuses[-1] == 200


async def test_a_site_that_begins_to_declare_is_heard_by_the_next_person(tmp_path: Path) -> None:
    documents: dict[str, bytes] = {}
    policy = POLICY.replace("license: https://site.example/license.xml\n", "")
    async with door(tmp_path, policy, documents=lambda _authority, path: documents.get(path)) as (port, driver):
        for _ in range(3):
            assert (await ask(port, "/")).first("tdm-reservation") is None
        documents.update(DOCUMENTS)
        driver.published._entries["site.example"].due = 0.0
        driver.published.get("site.example")
        async with asyncio.timeout(10):
            while driver.published.peek("site.example")[0].tdm is None:
                await asyncio.sleep(0.01)
        assert (await ask(port, "/")).first("tdm-reservation") == "1"


async def test_hosts_that_strangers_make_up_do_not_fill_the_memory(tmp_path: Path) -> None:
    app = make_app(tmp_path, documents=lambda _authority, _path: None)
    kept = app[DOOR]._quiet
    async with served(app) as port, connected(port) as raw:
        for number in range(2100):
            await raw.send(f"GET / HTTP/1.1\r\nHost: x{number}.example\r\nUser-Agent: Chrome\r\n\r\n".encode())
            assert (await raw.answer()).status == 200
            assert len(kept) <= 2048


# Faults


class _BrokenLog:
    """A log that refuses every record, or never answers."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    def record(self, *_args: object, told: Told, **_named: object) -> None:
        if not self._hangs:
            told.set_exception(NotLoggedError(Loss.DISK_FULL, "the disk is full"))

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def snapshot(self, *_args: object, **_named: object) -> str:
        return ""

    def close(self) -> None:
        return None


@pytest.mark.parametrize("hangs", [False, True], ids=["full", "hanging"])
async def test_with_a_broken_disk_only_content_for_training_stays(tmp_path: Path, hangs: bool) -> None:
    async with door(tmp_path, evidence=None) as (port, driver):
        driver.log = _BrokenLog(hangs=hangs)  # type: ignore[assignment]
        found = {
            (name, target): (await ask(port, target, agent)).status
            for name, agent in [
                ("person", CHROME),
                ("search", user_agent("Googlebot")),
                ("preview", "facebookexternalhit/1.1"),
                ("feed", "Feedly/1.0"),
                ("assistant", user_agent("ChatGPT-User")),
                ("training", user_agent("GPTBot")),
            ]
            for target in ("/", "/drafts/a", "/robots.txt")
        }
        driver.log = None
    refused = {key: status for key, status in found.items() if status != 200}
    assert refused == {("training", "/"): 503, ("training", "/drafts/a"): 403}


async def test_a_person_is_served_while_disk_resolver_and_sequencer_are_blocked_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    async def never(*_args: object, **_named: object) -> Any:
        await asyncio.Event().wait()

    async with door(tmp_path, evidence=None) as (port, driver):
        driver.log = _BrokenLog(hangs=True)  # type: ignore[assignment]  the sequencer never answers
        monkeypatch.setattr(PublishedCache, "ask", never)  # nor does the resolver
        monkeypatch.setattr(Switch, "look", lambda _self: released.wait())  # nor the disk
        try:
            async with asyncio.TaskGroup() as group:
                crawler = group.create_task(ask(port, "/", "GPTBot/1.4"))
                for target in ("/", "/stream", "/static/picture.bin", "/missing"):
                    assert (await ask(port, target)).status in (200, 404)
                assert not crawler.done()
                crawler.cancel()
        finally:
            released.set()
            driver.log = None


async def test_a_person_costs_no_look_at_the_disk_and_no_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door(tmp_path) as (port, driver):
        for name in ("decide", "ended"):
            monkeypatch.setattr(driver, name, None)
        assert (await ask(port, "/drafts/a")).status == 200


@pytest.mark.parametrize("agent", [CHROME, "GPTBot/1.4"])
async def test_a_fault_in_recognition_lets_everybody_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: str
) -> None:
    async with door(tmp_path) as (port, driver):
        monkeypatch.setattr(type(driver.engine.registry), "recognize", _raise)
        assert (await ask(port, "/drafts/a", agent)).status == 200
    assert requests_in(tmp_path) == []


def _raise(*_args: object, **_named: object) -> None:
    raise RuntimeError("planted")


async def test_off_lets_everybody_pass_untouched(tmp_path: Path) -> None:
    async with door(tmp_path) as (port, driver):
        write_switch(tmp_path / "state", (Off(site="site.example", since_us=1),))
        driver.switch.look()
        answer = await ask(port, "/drafts/a", "GPTBot/1.4")
        assert (answer.status, answer.first("tdm-reservation")) == (200, None)
        write_switch(tmp_path / "state", ())
        driver.switch.look()
        assert (await ask(port, "/drafts/a", "GPTBot/1.4")).status == 403
    assert [record["decision.action"] for record in requests_in(tmp_path)] == ["deny"]


async def test_nothing_is_written_about_people(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    marks = ("Zebra-Browser", "/secret-page", "zebra=1", "203.0.113.77")
    async with door(tmp_path) as (port, _):
        more = "Cookie: zebra=1\r\nX-Forwarded-For: 203.0.113.77\r\n"
        for method in ("GET", "HEAD", "POST"):
            await ask(port, "/secret-page?zebra=1", f"{CHROME} Zebra-Browser", method=method, more=more)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    said = "".join(capfd.readouterr())
    assert [mark for mark in marks if mark.encode() in written or mark in said] == []
