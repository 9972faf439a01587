"""How one exchange of an ASGI application is counted."""

from __future__ import annotations

import pytest

from optout.adapters.asgi.meter import Message, Meter
from optout.record import Ending

GET = {"type": "http", "method": "GET"}
HEAD = {"type": "http", "method": "HEAD"}
SOCKET = {"type": "websocket"}
START = {"type": "http.response.start", "status": 200, "headers": []}


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def run(
    scope: Message, *sent: Message, received: tuple[Message, ...] = (), fault_at: int | None = None
) -> tuple[Ending, list[Message]]:
    waiting, taken = list(received), []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        if fault_at == len(taken):
            raise OSError
        taken.append(message)

    meter = Meter(scope, receive, send)
    for _ in received:
        await meter.receive()
    for message in sent:
        try:
            await meter.send(message)
        except OSError:
            break
    return meter.ending(), taken


async def test_what_the_server_took_is_counted() -> None:
    ending, taken = await run(GET, START, body(b"abc", more=True), body(b"de"))
    assert ending == Ending(status=200, body_bytes=5, aborted=False)
    assert taken == [START, body(b"abc", more=True), body(b"de")]


@pytest.mark.parametrize(
    ("scope", "start"), [(HEAD, START), (GET, {**START, "status": 304}), (GET, {**START, "status": 204})]
)
async def test_an_answer_without_content_counts_none(scope: Message, start: Message) -> None:
    ending, _ = await run(scope, start, body(b"abc"))
    assert ending == Ending(status=start["status"], body_bytes=0, aborted=False)


async def test_an_application_that_ends_too_early_has_broken_off() -> None:
    assert (await run(GET))[0] == Ending(status=None, body_bytes=0, aborted=True)
    assert (await run(GET, START))[0] == Ending(status=200, body_bytes=0, aborted=True)
    assert (await run(GET, START, body(b"ab", more=True)))[0] == Ending(status=200, body_bytes=2, aborted=True)


async def test_a_client_who_hangs_up_before_the_end_has_broken_off() -> None:
    ending, _ = await run(GET, START, body(b"ab"), received=({"type": "http.disconnect"},))
    assert ending == Ending(status=200, body_bytes=2, aborted=True)


async def test_that_a_client_is_gone_after_the_end_says_nothing() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        """Take it."""

    meter = Meter(GET, receive, send)
    await meter.send(START)
    await meter.send(body(b"ab"))
    await meter.receive()
    assert not meter.ending().aborted


async def test_a_server_that_says_the_client_is_gone_is_believed() -> None:
    ending, _ = await run(GET, START, body(b"abc", more=True), body(b"de"), fault_at=2)
    assert ending == Ending(status=200, body_bytes=3, aborted=True)


@pytest.mark.parametrize(
    ("sent", "received", "ending"),
    [
        (({"type": "websocket.close"},), (), Ending(status=403, body_bytes=0, aborted=False)),
        (
            ({"type": "websocket.accept"}, {"type": "websocket.close"}),
            (),
            Ending(status=101, body_bytes=0, aborted=False),
        ),
        (({"type": "websocket.accept"},), (), Ending(status=101, body_bytes=0, aborted=True)),
        (
            ({"type": "websocket.accept"}, {"type": "websocket.send", "text": "abc"}),
            ({"type": "websocket.disconnect", "code": 1000},),
            Ending(status=101, body_bytes=0, aborted=False),
        ),
        (
            ({"type": "websocket.accept"},),
            ({"type": "websocket.disconnect", "code": 1006},),
            Ending(status=101, body_bytes=0, aborted=True),
        ),
        (
            (
                {"type": "websocket.http.response.start", "status": 402},
                {"type": "websocket.http.response.body", "body": b"abc"},
            ),
            (),
            Ending(status=402, body_bytes=3, aborted=False),
        ),
    ],
)
async def test_a_websocket_ends_with_its_close_frame(
    sent: tuple[Message, ...], received: tuple[Message, ...], ending: Ending
) -> None:
    assert (await run(SOCKET, *sent, received=received))[0] == ending
