"""What Optout needs of mitmproxy beyond its addon API: to hold a client's upload back, and to end it.

mitmproxy gathers a request's body in memory before it sends an answer that an addon made, and gathers what arrives
while a hook waits. A refused upload of 300 MB would be 300 MB of memory, and whoever calls himself GPTBot could have a
hundred of them. So reading is paused while a request is judged, and a refused request is taken for complete at once.

This leans on names that mitmproxy does not promise to keep (verified on 11.0.2 and 12.2.3). Rule: where one is missing,
nothing here raises or guesses; the caller is told, and closes the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from mitmproxy import ctx
from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.http._events import RequestData, RequestEndOfMessage, RequestTrailers
from mitmproxy.proxy.server import ConnectionHandler

LINGER_S = 5.0  # nginx's lingering_timeout: how long a refused client may go on sending before it is cut off


class Brake:
    """Stops reading from clients whose requests are being judged; several requests may share a connection (HTTP/2)."""

    def __init__(self) -> None:
        self._holds: dict[str, _Hold] = {}

    @contextmanager
    def held(self, flow: HTTPFlow) -> Iterator[None]:
        """Read nothing more from the flow's client inside this block than fits into one buffer."""
        client, handler = flow.client_conn.id, _handler(flow.client_conn)
        if handler is None or not hasattr(handler, "drain_writers"):
            yield
            return
        hold = self._holds.get(client)
        if hold is None:
            hold = self._holds[client] = _Hold(handler)
        hold.requests += 1
        try:
            yield
        finally:
            hold.requests -= 1
            if not hold.requests:
                del self._holds[client]
                hold.end()


class _Hold:
    """A connection on which mitmproxy reads on only after `end`.

    It reads, handles what it read, and then waits until its own writes have drained: that wait is drawn out. Pausing
    the transport would not do, since asyncio's StreamReader resumes it.
    """

    def __init__(self, handler: ConnectionHandler) -> None:
        self.requests = 0
        self._handler, self._ended = handler, asyncio.Event()
        drain_writers: Callable[[], Awaitable[None]] = handler.drain_writers

        async def drained() -> None:
            await self._ended.wait()
            await drain_writers()

        handler.drain_writers = drained  # type: ignore[method-assign]

    def end(self) -> None:
        del self._handler.drain_writers
        self._ended.set()


async def has_body(flow: HTTPFlow) -> bool:
    """Whether the request has a body, or may have; called from the `requestheaders` hook."""
    stream = await _settled_stream(flow)
    if stream is None:
        return True
    kinds = {type(event) for event in stream._paused_event_queue}
    return RequestEndOfMessage not in kinds or RequestData in kinds


async def end_upload(flow: HTTPFlow) -> bool:
    """Take the request for complete, whatever may follow: it is read and thrown away.

    To be called from the `requestheaders` hook. False where mitmproxy's insides are not as expected.
    """
    stream = await _settled_stream(flow)
    if stream is None:
        return False
    queue = stream._paused_event_queue
    if any(isinstance(event, RequestEndOfMessage) for event in queue):
        return True
    waiting = [event for event in queue if not isinstance(event, RequestData | RequestTrailers)]
    queue.clear()
    queue.extend([*waiting, RequestEndOfMessage(stream.stream_id)])
    # Once the request is done, mitmproxy takes more of its body for a fault of its own; in this state it drops it.
    stream.state_done = stream.state_errored
    if flow.response is not None and not flow.request.is_http2:
        flow.response.headers["Connection"] = "close"  # the body that still comes is not the next request
        _close_later(flow.client_conn)
    return True


async def _settled_stream(flow: HTTPFlow) -> HttpStream | None:
    """mitmproxy's state of one request, after all that came with its head has been queued there.

    With eager tasks (Python 3.12) the hook begins before mitmproxy has looked behind the head.
    """
    await asyncio.sleep(0)
    handler = _handler(flow.client_conn)
    layers = [] if handler is None else handler.layer.context.layers
    streams = (stream for layer in layers if isinstance(layer, HttpLayer) for stream in layer.streams.values())
    found = next((stream for stream in streams if getattr(stream, "flow", None) is flow), None)
    return found if hasattr(found, "_paused_event_queue") else None


def _close_later(client: Client) -> None:
    def close() -> None:
        handler = _handler(client)
        if handler is not None and client in handler.transports:
            handler.close_connection(client)

    asyncio.get_running_loop().call_later(LINGER_S, close)


def _handler(client: Client) -> ConnectionHandler | None:
    server = ctx.master.addons.get("proxyserver")
    connections: dict[object, ConnectionHandler] = getattr(server, "connections", {})
    return connections.get(client.id)
