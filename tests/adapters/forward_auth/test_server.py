"""Where the forward-auth door listens, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from optout.adapters.forward_auth.server import ForwardAuthOptions, Listening, serve
from optout.errors import EvidenceError, UsageError
from tests.doors.forward_auth_doors import site
from tests.judge import leaves
from tests.served import ask, connected, served

CHECK = (
    "X-Original-Method: GET\r\nX-Original-URI: /drafts/x\r\nX-Original-Host: site.example\r\n"
    "X-Forwarded-Proto: https\r\nX-Forwarded-For: 20.15.240.64\r\n"
)
POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
sites: [site.example]
"""


def options(place: Path, **more: object) -> ForwardAuthOptions:
    file = place / "policy.yaml"
    file.write_text(POLICY)
    given = {"state": place / "state", "policy": file, "evidence": place / "evidence", "port": 0, **more}
    return ForwardAuthOptions(**given)  # type: ignore[arg-type]


def port_of(door: Listening) -> int:
    return int(door.address.rpartition(":")[2])


async def test_it_reads_the_declarations_of_the_upstream(tmp_path: Path) -> None:
    documents = {"robots": "User-agent: *\nDisallow: /drafts/\n", "policy": ""}
    async with (
        served(site(documents)) as origin,
        Listening(options(tmp_path, upstream=f"http://127.0.0.1:{origin}")) as door,
    ):
        await door.driver.published.ask("site.example", within=10)
        answer = await ask(port_of(door), "/", "GPTBot/1.0", more=CHECK)
    assert answer.status == 403
    (leaf,) = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert leaf["policy.clause"] == "robots.txt"


async def test_without_an_upstream_a_crawler_passes_on_what_is_not_known(tmp_path: Path) -> None:
    async with Listening(options(tmp_path)) as door:
        assert (await ask(port_of(door), "/", "GPTBot/1.0", more=CHECK)).status == 200


async def test_a_socket_that_a_dead_process_left_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "auth.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with Listening(options(tmp_path, socket=str(path))):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert not path.exists()


async def test_a_socket_on_which_somebody_listens_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "auth.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(UsageError, match="another process"):
            await Listening(options(tmp_path, socket=str(path))).__aenter__()
        assert path.is_socket()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "auth.sock"
    path.write_text("mine")
    with pytest.raises(UsageError, match="no socket"):
        await Listening(options(tmp_path, socket=str(path))).__aenter__()
    assert path.read_text() == "mine"


async def test_an_address_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(UsageError, match="cannot listen"):
        await Listening(options(tmp_path, port=other.getsockname()[1])).__aenter__()
    with pytest.raises(UsageError, match="cannot listen"):
        await Listening(options(tmp_path, socket=str(tmp_path / "none" / "auth.sock"))).__aenter__()


async def test_a_log_in_other_hands_keeps_it_shut(tmp_path: Path) -> None:
    async with Listening(options(tmp_path)):
        with pytest.raises(EvidenceError):
            await Listening(options(tmp_path)).__aenter__()


async def test_an_idle_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with AsyncExitStack() as later:
        async with Listening(options(tmp_path)) as door:
            raw = await later.enter_async_context(connected(port_of(door)))
            await raw.send(f"GET / HTTP/1.1\r\nHost: x\r\n{CHECK}User-Agent: Firefox\r\n\r\n".encode())
            assert (await raw.answer()).status == 200
        assert await raw.rest() == b""


async def test_it_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    told: list[str] = []

    def ready(address: str) -> None:
        told.append(address)
        os.kill(os.getpid(), signal.SIGTERM)

    async with asyncio.timeout(30):
        await serve(options(tmp_path), ready)
    assert told[0].startswith("http://127.0.0.1:")
