"""An application server with several workers, and one evidence directory for all of them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict, audit
from optout.evidence.log import EvidenceLog
from tests.evidence.setting import spools
from tests.judge import leaves
from tests.served import ask

GUARD_S = 60.0
APPLICATION = """
from optout.adapters.asgi import OptoutMiddleware


async def page(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"content"})


app = OptoutMiddleware(page, policy="no-training", evidence="evidence", state="state")
"""


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what must come."""
    async with asyncio.timeout(GUARD_S):
        while not await holds():
            await asyncio.sleep(0.05)


def workers(server: subprocess.Popen[bytes]) -> set[int]:
    """The processes of the server that hold or spool the log; multiprocessing has another one of its own."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@pytest.mark.slow
async def test_workers_of_uvicorn_share_a_log_and_it_outlives_each_of_them(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", "application:app", "--workers", "3", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "critical"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    answered: list[str] = []

    async def crawl(path: str) -> bool:
        with suppress(OSError, EOFError):
            if (await ask(port, path, "GPTBot/1.4")).status == 403:
                answered.append(path)
                return True
        return False

    async def is_replaced(pid: int) -> bool:
        return len(workers(server) - {pid}) == 3

    try:
        await until(lambda: crawl("/first"))
        first = workers(server)
        assert len(first) == 3
        for pid in sorted(first):
            for number in range(10):
                await crawl(f"/before-{pid}-{number}")
            os.kill(pid, signal.SIGKILL)
            for number in range(10):
                await crawl(f"/after-{pid}-{number}")
            await until(partial(is_replaced, pid))
            await until(partial(crawl, f"/again-{pid}"))
    finally:
        server.terminate()
        await asyncio.to_thread(server.wait, GUARD_S)
    evidence = tmp_path / "evidence"
    EvidenceLog.open(evidence, software="next").close()
    recorded = Counter(str(leaf["url.path"]) for leaf in leaves(evidence) if leaf["type"] == "crawl.request")
    assert len(answered) > 30
    assert [path for path in answered if recorded[path] < answered.count(path)] == []
    assert spools(evidence) == []
    report = audit(evidence)
    assert (report.verdict, report.problems, report.waiting) == (Verdict.SOUND, (), 0)
