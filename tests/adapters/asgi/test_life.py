"""A lifespan shared by the application and the driver before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.asgi.life import live
from optout.adapters.asgi.meter import App, Message, Receive, Scope, Send
from optout.evidence.log import EvidenceLog
from tests.adapters.test_embedded import make
from tests.evidence.setting import unusable


async def lived(place: Path, app: App, *, ends: bool = True) -> tuple[list[str], list[Message]]:
    """What the application and the driver did in their order, and what the server was told."""
    found = make(place)
    did: list[str] = []
    told: list[Message] = []
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return events.pop(0)

    async def send(message: Message) -> None:
        told.append(message)
        did.append(f"{message['type']} log {'open' if found.driver.log is not None else 'shut'}")

    await live(found, app, {"type": "lifespan"}, receive, send)
    assert found.driver.log is None
    assert (events == []) is ends
    return did, told


async def test_the_driver_starts_first_and_stops_last(tmp_path: Path) -> None:
    heard: list[str] = []

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(2):
            message = await receive()
            heard.append(message["type"])
            await send({"type": f"{message['type']}.complete"})

    did, _ = await lived(tmp_path, app)
    assert heard == ["lifespan.startup", "lifespan.shutdown"]
    assert did == ["lifespan.startup.complete log open", "lifespan.shutdown.complete log shut"]


async def test_an_application_that_knows_no_lifespan_is_given_this_one(tmp_path: Path) -> None:
    async def raises(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("only http")

    async def returns(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Nothing to do."""

    for name, app in (("raises", raises), ("returns", returns)):
        place = tmp_path / name
        place.mkdir()
        did, _ = await lived(place, app)
        assert did == ["lifespan.startup.complete log open", "lifespan.shutdown.complete log shut"]


async def test_an_application_that_fails_in_its_own_lifespan_fails(tmp_path: Path) -> None:
    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        raise ValueError("no database")

    with pytest.raises(ValueError, match="no database"):
        await lived(tmp_path, app, ends=False)
    EvidenceLog.open(tmp_path / "evidence", software="another").close()


async def test_an_application_that_cannot_start_says_so_and_the_log_is_let_go(tmp_path: Path) -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    did, told = await lived(tmp_path, app, ends=False)
    assert did == ["lifespan.startup.failed log shut"]
    assert told[0]["message"] == "no database"


async def test_a_log_that_cannot_be_opened_keeps_the_server_from_starting(tmp_path: Path) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("it is not asked")

    with unusable(tmp_path / "evidence"):
        _, told = await lived(tmp_path, app, ends=False)
    assert told[0]["type"] == "lifespan.startup.failed"
    assert told[0]["message"].startswith("optout: ")
