"""Holding an upload back and ending it, in mitmproxy's own structures; the whole effect is tested in tests/doors."""

from __future__ import annotations

import asyncio

import pytest
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.layers.http._events import RequestData, RequestEndOfMessage, RequestHeaders
from mitmproxy.test import taddons, tflow

from optout.adapters.mitmproxy import upload as mitmproxy_upload
from optout.adapters.mitmproxy.upload import Brake, HttpLayer, HttpStream, end_upload, has_body


class Handler:
    """As much of mitmproxy's connection handler as is leaned on."""

    def __init__(self, flow: HTTPFlow) -> None:
        context = Context(flow.client_conn, Options())
        self.layer = HttpLayer(context, HTTPMode.transparent)
        self.stream = HttpStream(context.fork(), 7)
        self.stream.flow = flow
        self.layer.streams[7] = self.stream
        self.transports = {flow.client_conn: "a pipe"}
        self.closed: list[object] = []
        self.reads = 0

    async def drain_writers(self) -> None:
        self.reads += 1  # mitmproxy reads on after this

    def close_connection(self, connection: object) -> None:
        self.closed.append(connection)


class ProxyServer:
    name = "proxyserver"

    def __init__(self, flow: HTTPFlow, handler: Handler) -> None:
        self.connections = {flow.client_conn.id: handler}


@pytest.fixture
def flow() -> HTTPFlow:
    return tflow.tflow(resp=Response.make(403, b"no"))


@pytest.fixture
async def handler(flow: HTTPFlow) -> Handler:
    handler = Handler(flow)
    taddons.context(ProxyServer(flow, handler), loadcore=False)
    return handler


async def test_a_request_whose_end_has_come_is_left_as_it_is(flow: HTTPFlow, handler: Handler) -> None:
    queue = handler.stream._paused_event_queue
    queue.extend([RequestData(7, b"small"), RequestEndOfMessage(7)])
    assert await end_upload(flow)
    assert len(queue) == 2
    assert flow.response is not None
    assert "connection" not in flow.response.headers


async def test_a_body_that_is_still_coming_is_dropped_and_the_connection_closes_after_the_answer(
    flow: HTTPFlow, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mitmproxy_upload, "LINGER_S", 0)
    queue = handler.stream._paused_event_queue
    queue.append(RequestData(7, b"a part of three hundred megabytes"))
    assert await end_upload(flow)
    assert [type(event) for event in queue] == [RequestEndOfMessage]
    assert flow.response is not None
    assert flow.response.headers["connection"] == "close"
    handler.stream.client_state = handler.stream.state_done
    assert list(handler.stream.client_state(RequestData(7, b"more"))) == [], "more of the body is no fault of mitmproxy"
    await asyncio.sleep(0.01)
    assert handler.closed == [flow.client_conn], "who goes on sending is cut off"


async def test_a_client_that_has_gone_is_not_closed_again(
    flow: HTTPFlow, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mitmproxy_upload, "LINGER_S", 0)
    assert await end_upload(flow)
    handler.transports.clear()
    await asyncio.sleep(0.01)
    assert handler.closed == []


async def test_news_of_a_client_that_hung_up_is_kept(flow: HTTPFlow, handler: Handler) -> None:
    news = RequestHeaders(7, flow.request, end_stream=False)  # stands for any event that is no part of the body
    handler.stream._paused_event_queue.extend([news, RequestData(7, b"x")])
    assert await end_upload(flow)
    assert handler.stream._paused_event_queue[0] is news


async def test_in_http_2_only_the_stream_ends(flow: HTTPFlow, handler: Handler) -> None:
    flow.request.http_version = "HTTP/2.0"
    assert await end_upload(flow)
    assert flow.response is not None
    assert "connection" not in flow.response.headers


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([RequestEndOfMessage(7)], False),
        ([RequestData(7, b"x"), RequestEndOfMessage(7)], True),
        ([RequestData(7, b"x")], True),
        ([], True),
    ],
)
async def test_a_request_has_a_body_unless_it_has_ended_without_one(
    flow: HTTPFlow, handler: Handler, events: list[object], expected: bool
) -> None:
    handler.stream._paused_event_queue.extend(events)  # type: ignore[arg-type]
    assert await has_body(flow) is expected


async def test_reading_goes_on_when_the_last_request_of_a_connection_is_judged(
    flow: HTTPFlow, handler: Handler
) -> None:
    brake, other = Brake(), tflow.tflow(client_conn=flow.client_conn)
    with brake.held(flow):
        with brake.held(other):
            reading = asyncio.ensure_future(handler.drain_writers())
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert handler.reads == 0
    await reading
    assert handler.reads == 1
    await handler.drain_writers()
    assert handler.reads == 2
    assert not brake._holds, "nothing is kept of a connection"


async def test_reading_goes_on_after_a_fault(flow: HTTPFlow, handler: Handler) -> None:
    with pytest.raises(RuntimeError), Brake().held(flow):
        raise RuntimeError
    await handler.drain_writers()
    assert handler.reads == 1


class TestAnUnknownMitmproxy:
    """Where the insides are not as expected, nothing raises, and the caller is told."""

    async def test_without_a_proxy_server(self, flow: HTTPFlow) -> None:
        taddons.context(loadcore=False)
        await self._is_told(flow)

    async def test_without_the_stream(self, flow: HTTPFlow, handler: Handler) -> None:
        handler.layer.streams.clear()
        await self._is_told(flow)

    async def test_without_the_queue(self, flow: HTTPFlow, handler: Handler) -> None:
        del handler.stream._paused_event_queue
        await self._is_told(flow)

    async def _is_told(self, flow: HTTPFlow) -> None:
        assert await end_upload(flow) is False
        assert await has_body(flow) is True
        with Brake().held(flow):
            pass
