"""Where a door listens: which places are taken, and that nobody else's is."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from optout.adapters.listening import Listener, Place, listen, load_place
from optout.errors import UsageError


class Protocol(asyncio.Protocol):
    """Says that it is there, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"here")
        transport.close()


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("127.0.0.1:8080", Place(host="127.0.0.1", port=8080), "127.0.0.1:8080"),
        (":8080", Place(port=8080), ":8080"),
        ("[::1]:443", Place(host="::1", port=443), "[::1]:443"),
        ("localhost:0", Place(host="localhost"), "localhost:0"),
        ("unix:/run/a.sock", Place(socket="/run/a.sock"), "unix:/run/a.sock"),
        ("unix:///run/a.sock", Place(socket="/run/a.sock"), "unix:/run/a.sock"),
    ],
)
def test_a_place_is_read_and_shown(text: str, place: Place, shown: str) -> None:
    assert load_place(text) == place
    assert str(place) == shown


@pytest.mark.parametrize("text", ["", "8080", "127.0.0.1:http", "::1:80", "127.0.0.1:65536", "unix:", "unix:a.sock"])
def test_what_is_no_place_is_said_with_a_remedy(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_place(text)
    assert refused.value.remedy


async def heard(listener: Listener, place: Place) -> bytes:
    """What is said to who comes in."""
    if place.socket:
        reader, writer = await asyncio.open_unix_connection(place.socket)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    said = await reader.read()
    writer.close()
    return said


async def test_a_port_is_open_until_it_is_closed() -> None:
    place = Place(host="127.0.0.1")
    listener = await listen(place, Protocol)
    assert listener.address == f"http://127.0.0.1:{listener.port}"
    assert await heard(listener, place) == b"here"
    await listener.close()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", listener.port)


async def test_a_port_may_be_shared_and_else_may_not() -> None:
    first = await listen(Place(host="127.0.0.1"), Protocol, shares_port=True)
    taken = Place(host="127.0.0.1", port=first.port)
    second = await listen(taken, Protocol, shares_port=True)
    with pytest.raises(UsageError, match="cannot listen"):
        await listen(taken, Protocol)
    await first.close()
    await second.close()


async def test_a_socket_that_a_dead_process_left_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    place = Place(socket=str(path))
    listener = await listen(place, Protocol)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert listener.address == f"unix:{path}"
    assert await heard(listener, place) == b"here"
    await listener.close()
    assert not path.exists()


async def test_what_is_somebody_else_s_stays(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    path.write_text("mine")
    with pytest.raises(UsageError, match="no socket"):
        await listen(Place(socket=str(path)), Protocol)
    assert path.read_text() == "mine"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(UsageError, match="another process"):
            await listen(Place(socket=str(path)), Protocol)
        assert path.is_socket()


@pytest.mark.parametrize("place", [Place(host="192.0.2.1", port=80), Place(socket="/no/such/place/door.sock")])
async def test_a_place_that_cannot_be_had_is_said(place: Place) -> None:
    with pytest.raises(UsageError, match="cannot listen on"):
        await listen(place, Protocol)
