"""`--status-listen` of each command: the pages beside a real door, from its start to a drained end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner

from optout.cli.main import main
from optout.errors import UsageError
from tests.doors.forward_auth_doors import forward_auth, free_port
from tests.judge import user_agent
from tests.served import CHROME, ask, served
from tests.serving import Serving, serving

GPTBOT = user_agent("GPTBot")
CHECK = (
    "X-Original-Method: GET\r\nX-Original-URI: /\r\nX-Original-Host: site.example\r\n"
    "X-Forwarded-Proto: https\r\nX-Forwarded-For: 20.15.240.64\r\n"
)
POLICY = "version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n"


def _site() -> web.Application:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /\n" if request.path == "/robots.txt" else "a page")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    return app


async def _metric(port: int, start: str) -> list[str]:
    body = (await ask(port, "/metrics")).body.decode()
    return [line for line in body.splitlines() if line.startswith(start)]


async def _is_ready(port: int) -> bool:
    answer = await ask(port, "/readyz")
    return answer.status == 200 and bool(json.loads(answer.body)["ready"])


@pytest.mark.parametrize("engine", ["aiohttp", "mitmproxy"])
async def test_serve_tells_what_it_answered_and_nothing_of_people(tmp_path: Path, engine: str) -> None:
    policy, pages = tmp_path / "policy.yaml", free_port()
    policy.write_text(POLICY)
    async with served(_site()) as origin:
        options = ("--upstream", f"http://127.0.0.1:{origin}", "--policy", str(policy), "--engine", engine)
        with serving(tmp_path, *options, "--status-listen", f"127.0.0.1:{pages}") as door:
            assert await _is_ready(pages)
            assert (await ask(pages, "/healthz")).body == b"ok\n"
            assert (await ask(door.port, "/", CHROME)).status == 200
            assert (await ask(door.port, "/", GPTBOT)).status == 403
            assert await _metric(pages, "optout_requests_total") == [
                'optout_requests_total{action="deny",enforced="true",purpose="train",standing="unverified",'
                'status="403"} 1.0'
            ]
            assert await _metric(pages, "optout_disk_wait_seconds_count") == ["optout_disk_wait_seconds_count 1.0"]
            assert await asyncio.to_thread(door.end) == 0
        with pytest.raises(OSError):
            await ask(pages, "/healthz")


async def test_a_supervisor_tells_the_sum_over_its_workers_and_what_one_that_was_killed_had_counted(
    tmp_path: Path,
) -> None:
    policy, pages = tmp_path / "policy.yaml", free_port()
    policy.write_text(POLICY)
    refused = 'optout_requests_total{action="deny",enforced="true",purpose="train",standing="unverified",status="403"}'
    async with served(_site()) as origin:
        options = ("--upstream", f"http://127.0.0.1:{origin}", "--policy", str(policy), "--workers", "2")
        with serving(tmp_path, *options, "--status-listen", f"127.0.0.1:{pages}") as door:
            await _until(pages, "optout_doors 2.0")
            assert await _is_ready(pages)
            for _ in range(20):  # each on a connection of its own, which the kernel deals out
                assert (await ask(door.port, "/", GPTBOT)).status == 403
            await _until(pages, f"{refused} 20.0")
            async with asyncio.timeout(60):
                while await _records(pages) < 20:  # until the supervisor's log has taken them over
                    await asyncio.sleep(0.05)
            os.kill(_worker_of(door.process.pid), signal.SIGKILL)
            await _until(pages, "optout_doors 1.0")
            assert await _metric(pages, refused) == [f"{refused} 20.0"]
            problems = json.loads((await ask(pages, "/readyz")).body)["problems"]
            await _until(pages, "optout_doors 2.0")
            assert await asyncio.to_thread(door.end) == 0
    assert problems == ["1 of 2 workers serve"]


async def _records(port: int) -> float:
    """How many the log has, as is told."""
    (line,) = await _metric(port, "optout_log_records ")
    return float(line.split()[1])


def _worker_of(pid: int) -> int:
    """One of the processes that `pid` started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


async def _until(port: int, line: str) -> None:
    async with asyncio.timeout(60):
        while not await _metric(port, line):
            await asyncio.sleep(0.05)


async def test_a_door_that_drains_says_so_until_it_has_closed(tmp_path: Path) -> None:
    release, asked = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        if request.path == "/slow":
            asked.set()
            await release.wait()
        return web.Response(text="a page")

    app = web.Application()
    app.router.add_get("/{path:.*}", slow)
    pages = free_port()
    async with served(app) as origin:
        options = ("--upstream", f"http://127.0.0.1:{origin}", "--status-listen", f":{pages}")
        with serving(tmp_path, *options) as door:
            visit = asyncio.create_task(ask(door.port, "/slow"))
            await asked.wait()
            ending = asyncio.create_task(asyncio.to_thread(door.end))
            await _until_not(pages, door)
            problems = json.loads((await ask(pages, "/readyz")).body)["problems"]
            release.set()
            assert (await visit).body == b"a page"
            assert await ending == 0
    assert problems == ["the door is closing"]


async def _until_not(pages: int, door: Serving) -> None:
    async with asyncio.timeout(20):
        while await _is_ready(pages):
            assert door.process.poll() is None
            await asyncio.sleep(0.02)


async def test_forward_auth_tells_what_it_answered(tmp_path: Path) -> None:
    policy, pages = tmp_path / "policy.yaml", free_port()
    policy.write_text(POLICY)
    options = ("--status-listen", f"127.0.0.1:{pages}")
    async with forward_auth(tmp_path, policy, *options, listen="127.0.0.1:0") as address:
        assert (await ask(int(address.rpartition(":")[2]), "/", GPTBOT, more=CHECK)).status == 403
        assert await _is_ready(pages)
        assert len(await _metric(pages, "optout_requests_total{")) == 1


@pytest.mark.parametrize("command", ["serve", "forward-auth"])
def test_an_address_that_is_none_is_refused_before_anything_opens(tmp_path: Path, command: str) -> None:
    upstream = ["--upstream", "http://127.0.0.1:8000"]
    result = CliRunner().invoke(main, [command, *upstream, "--state", str(tmp_path), "--status-listen", "9181"])
    assert isinstance(result.exception, UsageError)
    assert "status pages" in result.exception.what
    assert list(tmp_path.iterdir()) == []
