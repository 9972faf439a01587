"""The addon itself, with a driver that fails when told to; the whole effect is tested in tests/doors."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.connection import ConnectionState, Server
from mitmproxy.exceptions import OptionsError
from mitmproxy.options import Options
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test import taddons, tflow, tutils
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from optout.adapters import fetcher
from optout.adapters.documents import OriginSource
from optout.adapters.driver import Settings
from optout.adapters.mitmproxy import OptoutAddon
from optout.adapters.mitmproxy.exchange import of
from optout.crawlers.model import Claim
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine, Outcome
from optout.errors import EvidenceError, PolicyError, Problem
from optout.messages import Fields, Request, Response
from optout.record import Ending
from optout.signals.declaration import Published
from tests.judge import SITE, ask, engine, publishes, user_agent

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
clauses:
  - {id: no-training, action: deny, purpose: [train], path: [/art/]}
"""
DECLARED = Fields((("tdm-reservation", "1"), ("Link", '</license.xml>; rel="license"')))


class FakeDriver:
    """As much of a driver as a door uses. `fails` names the methods that raise."""

    def __init__(self, settings: Settings, source: OriginSource) -> None:
        self.settings, self.source = settings, source
        self.counts: Counter[str] = Counter()
        self.fails: set[str] = set()
        self.calls: list[str] = []
        self.endings: list[Ending] = []
        self.requests: list[Request] = []
        self.engine = engine(POLICY)
        self.stands = False
        self.documents: dict[str, Response] = {}

    def is_unchanged(self, _engine: Engine, _authority: str, _published: Published) -> bool:
        return self.stands

    def on_record(self, outcome: Outcome, _request: Request, then: Callable[[Outcome], None]) -> None:
        self._call("on_record")
        then(outcome)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fails:
            raise RuntimeError(name)

    async def start(self) -> None:
        self._call("start")

    async def stop(self) -> None:
        self._call("stop")

    def recognize(self, authority: str, agent: str, signature_agent: str | None) -> Claim | None:
        self._call("recognize")
        return bundled_registry().recognize(agent, signature_agent)

    async def decide(self, request: Request, claim: Claim) -> Outcome | None:
        self._call("decide")
        self.requests.append(request)
        return ask(engine(POLICY), publishes(), request.user_agent, request.target)

    def ended(self, outcome: Outcome, request: Request, ending: Ending) -> None:
        self._call("ended")
        self.endings.append(ending)

    def document(self, *, method: str, authority: str, target: str) -> Response | None:
        return self.documents.get(target)

    def declare(self, *, method: str, authority: str, target: str) -> Fields:
        self._call("declare")
        return DECLARED


class Door:
    """An addon that is running, with its driver."""

    def __init__(self, place: Path) -> None:
        self.addon = OptoutAddon(driver_type=FakeDriver)  # type: ignore[arg-type]
        self.context = taddons.context(self.addon, loadcore=False)
        for name, kind, default in (
            ("validate_inbound_headers", bool, True),
            ("keep_host_header", bool, False),
            ("body_size_limit", str, ""),
        ):
            self.context.options.add_option(name, kind, default, "")
        self.configure(mode=["reverse:http://127.0.0.1:8000"], optout_state=str(place))

    def configure(self, **options: object) -> None:
        self.context.configure(self.addon, **options)

    @property
    def driver(self) -> FakeDriver:
        assert isinstance(self.addon._driver, FakeDriver)
        return self.addon._driver

    async def ask(self, agent: str = "Mozilla/5.0", path: str = "/art/1", **fields: str) -> http.HTTPFlow:
        headers = http.Headers([(b"Host", SITE.encode()), (b"User-Agent", user_agent(agent).encode())])
        for name, value in fields.items():
            headers[name.replace("_", "-")] = value
        flow = tflow.tflow(req=tutils.treq(headers=headers, path=path.encode(), authority=b"", method=b"GET"))
        await self.addon.requestheaders(flow)
        return flow


@pytest.fixture
async def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setattr("optout.adapters.mitmproxy._DRAIN_S", 0.01)  # most requests here never end
    door = Door(tmp_path)
    await door.addon.running()
    yield door
    await door.addon.done()


def was_killed(flow: http.HTTPFlow) -> bool:
    return flow.error is not None and flow.error.msg == flow.error.KILLED_MESSAGE


async def test_a_person_s_request_goes_on_streamed_and_leaves_no_trace(door: Door) -> None:
    flow = await door.ask()
    assert flow.response is None
    assert flow.request.stream is True
    assert door.driver.calls == ["start", "recognize"]
    flow.response = http.Response.make(200, b"page")
    door.addon.responseheaders(flow)
    assert flow.response.stream is True
    door.addon.response(flow)
    assert door.driver.endings == []


async def test_a_crawler_s_request_is_judged_before_its_body_is_read(door: Door) -> None:
    flow = await door.ask("GPTBot")
    assert flow.response is not None
    assert flow.response.status_code == 403
    assert not flow.request.stream


async def test_a_crawler_in_a_loop_is_told_the_same_on_record_and_not_judged_anew(door: Door) -> None:
    door.driver.stands = True
    numbers = set()
    for _ in range(4):
        flow = await door.ask("GPTBot")
        assert flow.response is not None
        assert flow.response.status_code == 403
        numbers.add(json.loads(flow.response.content or b"")["instance"])
        door.addon.response(flow)
    judged, again = ["recognize", "decide", "ended"], ["recognize", "on_record"]
    assert door.driver.calls == ["start", *judged, *judged, *again, *again]
    assert len(numbers) == 1, "the double gives all one number, and its answers do not name it"
    other = await door.ask("GPTBot", Accept="text/html")
    assert door.driver.calls[-1] == "decide"
    assert other.response is not None


async def test_a_refusal_that_cannot_be_given_again_lets_nothing_pass(door: Door) -> None:
    door.driver.stands = True
    for _ in range(2):
        await door.ask("GPTBot")
    door.driver.fails.add("on_record")
    flow = await door.ask("GPTBot")
    assert flow.response is None
    assert was_killed(flow)


async def test_a_refusal_that_mitmproxy_would_not_send_at_once_ends_the_connection(door: Door) -> None:
    """Here is no mitmproxy around the addon, so its insides are not as expected."""
    assert was_killed(await door.ask("GPTBot"))


async def test_every_answer_of_the_site_declares(door: Door) -> None:
    for agent in ("Mozilla/5.0", "ChatGPT-User"):
        flow = await door.ask(agent, "/free")
        flow.response = http.Response.make(200, b"page", {"TDM-Reservation": "0"})
        door.addon.responseheaders(flow)
        assert flow.response.headers["tdm-reservation"] == "0", "the origin's own word counts"
        assert flow.response.headers["link"] == '</license.xml>; rel="license"'


async def test_a_refusal_is_sent_as_it_was_made(door: Door) -> None:
    flow = await door.ask("GPTBot")
    assert flow.response is not None
    fields = flow.response.headers.fields
    door.addon.responseheaders(flow)
    assert flow.response.headers.fields == fields
    assert "declare" not in door.driver.calls


@pytest.mark.parametrize("agent", ["Mozilla/5.0", "ChatGPT-User"])
async def test_a_document_of_the_policy_is_sent_in_the_site_s_place(door: Door, agent: str) -> None:
    fields = Fields((("Content-Type", "text/plain"), ("Content-Length", "2")))
    door.driver.documents["/robots.txt"] = Response(status=200, fields=fields, body=b"ok")
    flow = await door.ask(agent, "/robots.txt")
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.content) == (200, b"ok")
    door.addon.response(flow)
    served = [each.served.hexdigest() for each in door.driver.endings if each.served is not None]
    assert served == ([] if agent == "Mozilla/5.0" else [hashlib.sha256(b"ok").hexdigest()])


async def test_what_a_crawler_got_is_counted(door: Door) -> None:
    flow = await door.ask("ChatGPT-User", "/free")
    flow.response = http.Response.make(200)
    flow.response.raw_content = None
    door.addon.responseheaders(flow)
    assert callable(flow.response.stream)
    assert flow.response.stream(b"12345") == b"12345"
    door.addon.error(flow)
    door.addon.response(flow)
    declared = Fields((("tdm-reservation", "1"),))
    assert door.driver.endings == [Ending(status=200, body_bytes=5, aborted=True, said=declared)], "and told once"


async def test_a_request_that_names_two_hosts_is_answered_400_for_everybody(door: Door) -> None:
    for agent in ("Mozilla/5.0", "GPTBot", "Googlebot"):
        flow = await door.ask(agent, X_A="b\r\n c")
        assert flow.response is not None
        assert flow.response.status_code == 400
        assert of(flow) is None
    assert door.driver.calls == ["start"], "nobody was recognized, judged or recorded"


async def test_what_mitmproxy_answers_itself_is_not_judged(door: Door) -> None:
    flow = tflow.tflow(err=True)
    await door.addon.requestheaders(flow)
    door.addon.responseheaders(tflow.tflow(resp=True))
    door.addon.error(flow)
    assert door.driver.calls == ["start"]


async def test_a_fetch_of_our_own_passes_untouched(door: Door) -> None:
    flow = await door.ask("Mozilla/5.0", "/robots.txt", Optout_Loop=fetcher._LOOP_MARK)
    assert "x-forwarded-for" not in flow.request.headers
    assert door.driver.calls == ["start"]


class TestFaults:
    """mitmproxy lets a request through when a hook raises: so none does."""

    async def test_before_recognition_the_request_passes_and_is_counted(self, door: Door) -> None:
        door.driver.fails = {"recognize"}
        for agent in ("Mozilla/5.0", "GPTBot"):
            flow = await door.ask(agent)
            assert flow.response is None
            assert not was_killed(flow)
        assert door.driver.counts["fault.door"] == 2

    async def test_where_a_refusal_is_due_and_cannot_be_made_nothing_passes(
        self, door: Door, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("no answer can be made")

        monkeypatch.setattr("optout.adapters.mitmproxy.answer_of", fail)
        assert was_killed(await door.ask("GPTBot"))

    async def test_a_declaration_that_fails_costs_nobody_the_page(self, door: Door) -> None:
        door.driver.fails = {"declare"}
        flow = await door.ask()
        flow.response = http.Response.make(200, b"page")
        door.addon.responseheaders(flow)
        assert flow.response.stream is True
        assert door.driver.counts["fault.door"] == 1

    async def test_the_operator_is_told_once_and_not_about_whom(
        self, door: Door, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("203.0.113.77 asked for /my-illness")

        monkeypatch.setattr(door.driver, "recognize", fail)
        for _ in range(3):
            await door.ask()
        assert len(caplog.records) == 1
        assert "RuntimeError at test_mitmproxy.py" in caplog.text
        assert "illness" not in caplog.text


class TestStarting:
    async def test_requests_wait_until_the_door_is_open(self, tmp_path: Path) -> None:
        door = Door(tmp_path)
        waiting = asyncio.ensure_future(door.ask("GPTBot"))
        await asyncio.sleep(0)
        assert not waiting.done()
        await door.addon.running()
        flow = await waiting
        assert flow.response is not None
        door.addon.response(flow)
        await door.addon.done()

    async def test_it_ends_the_process_where_the_log_cannot_be_opened(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        door = Door(tmp_path)

        async def fail() -> None:
            raise EvidenceError("another process holds the log", "stop it")

        monkeypatch.setattr(door.driver, "start", fail)
        with pytest.raises(SystemExit) as end:
            await door.addon.running()
        assert end.value.code == 2
        assert "another process holds the log\n  stop it" in caplog.text
        await door.addon.done()

    async def test_it_does_not_open_without_having_been_configured(self) -> None:
        addon = OptoutAddon()
        taddons.context(addon, loadcore=False)
        with pytest.raises(SystemExit):
            await addon.running()
        await addon.done()

    async def test_a_program_that_starts_it_is_told_the_cause_and_the_opening(self, tmp_path: Path) -> None:
        opened: list[bool] = []
        settings = Settings(state=tmp_path, software="test")
        addon = OptoutAddon(settings, on_open=lambda: opened.append(True), driver_type=FakeDriver)  # type: ignore[arg-type]
        with taddons.context(addon, loadcore=False) as context:
            context.options.add_option("validate_inbound_headers", bool, True, "")
            context.options.add_option("keep_host_header", bool, False, "")
            context.configure(addon, mode=["reverse:http://127.0.0.1:8000"])
            await addon.running()
            assert opened == [True]
            assert context.options.keep_host_header is True
            await addon.done()

    async def test_a_broken_policy_is_an_options_error_with_every_problem(self, tmp_path: Path) -> None:
        problems = [Problem(file="p.yaml", line=line, text=f"wrong {line}", remedy="do this") for line in (1, 2)]

        def fail(*_: object) -> FakeDriver:
            raise PolicyError(problems)

        addon = OptoutAddon(driver_type=fail)  # type: ignore[arg-type]
        options = Options(mode=["reverse:http://127.0.0.1:8000"])
        with taddons.context(addon, options=options, loadcore=False) as context:
            context.options.add_option("validate_inbound_headers", bool, True, "")
            with pytest.raises(OptionsError, match=r"p\.yaml:2: wrong 2 - do this"):
                context.configure(addon, optout_policy="p.yaml")
            await addon.done()

    async def test_options_are_read_once(self, door: Door) -> None:
        with pytest.raises(OptionsError, match="when it starts"):
            door.configure(optout_policy="no-training")

    async def test_unsafe_options_are_refused_at_any_time(self, door: Door) -> None:
        with pytest.raises(OptionsError, match="body_size_limit"):
            door.configure(body_size_limit="1m")

    async def test_a_program_that_keeps_flows_is_refused(self, tmp_path: Path) -> None:
        class View:
            name = "view"

        addon = OptoutAddon(driver_type=FakeDriver)  # type: ignore[arg-type]
        with taddons.context(View(), addon, loadcore=False) as context:
            context.options.add_option("validate_inbound_headers", bool, True, "")
            with pytest.raises(OptionsError, match="mitmdump"):
                context.configure(addon, mode=["reverse:http://127.0.0.1:8000"])
            await addon.done()


async def test_nothing_is_kept_of_a_request_once_it_has_ended(door: Door) -> None:
    async def one(agent: str) -> weakref.ref[http.HTTPFlow]:
        flow = await door.ask(agent, "/free")
        flow.response = http.Response.make(200)
        door.addon.responseheaders(flow)
        door.addon.response(flow)
        return weakref.ref(flow)

    kept = [await one(agent) for agent in ("Mozilla/5.0", "GPTBot", "ChatGPT-User")]
    gc.collect()
    assert [flow() for flow in kept] == [None, None, None]


async def test_websocket_messages_are_forgotten(door: Door) -> None:
    flow = tflow.twebsocketflow()
    assert flow.websocket is not None
    flow.websocket.messages.append(WebSocketMessage(Opcode.TEXT, True, b"private"))
    door.addon.websocket_message(flow)
    assert flow.websocket.messages == []
    door.addon.websocket_message(tflow.tflow())


async def test_http_3_is_turned_away(door: Door) -> None:
    client = tflow.tclient_conn()
    door.addon.client_connected(client)
    assert client.error is None
    client.transport_protocol = "udp"
    door.addon.client_connected(client)
    assert client.error


async def test_the_origin_is_spoken_to_in_http_1_under_its_own_name(door: Door) -> None:
    server = Server(address=("origin.example", 443), state=ConnectionState.CLOSED)
    door.addon.server_connect(ServerConnectionHookData(server=server, client=tflow.tclient_conn()))
    assert server.sni == "origin.example"
    assert list(server.alpn_offers) == [b"http/1.1"]


async def test_it_waits_for_requests_under_way_and_stops_the_driver(tmp_path: Path) -> None:
    door = Door(tmp_path)
    await door.addon.running()
    flow = await door.ask()
    closing = asyncio.ensure_future(door.addon.done())
    await asyncio.sleep(0.01)
    assert "stop" not in door.driver.calls
    door.addon.response(flow)
    await closing
    assert door.driver.calls[-1] == "stop"
