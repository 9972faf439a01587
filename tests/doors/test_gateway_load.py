"""Under load nothing fails that an owner does: a new policy, the off switch, a signal, the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.doors.raw_origin import RawOrigin
from tests.judge import leaves
from tests.served import CHROME, connected
from tests.serving import Serving, serving

pytestmark = pytest.mark.slow

POLICY = "version: 1\nmode: {mode}\ndefault: deny\non_error: refuse\n"


class Load:
    """Visitors who ask one after the other on connections of their own, until told to stop."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.faults: list[str] = []
        self.is_ending = False
        self._port = port

    async def visit(self, who: str, agent: str) -> None:
        """One of them."""
        head = f"GET /page HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n\r\n".encode()
        try:
            async with connected(self._port) as raw:
                while not self.is_ending:
                    await raw.send(head)
                    self.answers[who, (await raw.answer()).status] += 1
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as fault:
            self.faults.append(repr(fault))


@asynccontextmanager
async def loaded(served: Serving, people: int = 8, crawlers: int = 8) -> AsyncIterator[Load]:
    """A gateway under load for as long as the context lasts."""
    load = Load(served.port)
    visits = [load.visit("person", CHROME) for _ in range(people)]
    visits += [load.visit("crawler", f"GPTBot/1.{number}") for number in range(crawlers)]
    running = asyncio.gather(*visits)
    try:
        yield load
    finally:
        load.is_ending = True
        await running


async def until(load: Load, who: str, status: int) -> None:
    """Wait until this answer has been given some more times."""
    goal = load.answers[who, status] + 20
    while load.answers[who, status] < goal and not load.faults:
        await asyncio.sleep(0.01)


async def test_a_new_policy_the_off_switch_and_a_signal_fail_no_request(tmp_path: Path) -> None:
    policy, state = tmp_path / "policy.yaml", tmp_path / "state"
    policy.write_text(POLICY.format(mode="enforce"))
    with (
        RawOrigin() as origin,
        serving(tmp_path, "--upstream", f"http://127.0.0.1:{origin.port}", "--policy", str(policy)) as served,
    ):
        async with loaded(served) as load:
            for _ in range(3):
                await until(load, "crawler", 403)
                policy.write_text(POLICY.format(mode="observe"))
                os.kill(served.process.pid, signal.SIGHUP)
                await until(load, "crawler", 200)
                policy.write_text(POLICY.format(mode="enforce"))
                await until(load, "crawler", 403)
                await _optout("off", "--state", str(state))
                await until(load, "crawler", 200)
                await _optout("on", "--state", str(state))
        assert load.faults == []
        assert set(load.answers) == {("person", 200), ("crawler", 403), ("crawler", 200)}
        assert await asyncio.to_thread(served.end) == 0
    refused = [leaf for leaf in leaves(state / "evidence") if leaf.get("http.response.status_code") == 403]
    assert len(refused) == load.answers["crawler", 403]


async def _optout(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "optout", *words, stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


async def test_the_end_fails_no_request_that_is_under_way(tmp_path: Path) -> None:
    """A connection may end between two requests; what has been asked is answered whole."""
    with RawOrigin() as origin, serving(tmp_path, "--upstream", f"http://127.0.0.1:{origin.port}") as served:
        async with loaded(served) as load:
            await until(load, "person", 200)
            served.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(served.process.wait, 60)
        # Answered or, where the request crossed the connection's end, not at all: never in part.
        assert {status for _, status in load.answers} == {200}
        assert all("IncompleteReadError" in fault or "Connection" in fault for fault in load.faults), load.faults
        assert all("0 bytes" in fault for fault in load.faults if "IncompleteReadError" in fault), load.faults
