"""A worker as its supervisor sees it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from optout.adapters.serve_options import ServeOptions
from optout.adapters.workers import process as worker_process
from optout.adapters.workers.process import WorkerProcess
from optout.errors import OptoutError
from optout.evidence.log import EvidenceLog


@pytest.fixture
def options(tmp_path: Path) -> ServeOptions:
    """A door whose log somebody has made."""
    EvidenceLog.open(tmp_path / "evidence", software="supervisor").close()
    return ServeOptions(upstream="http://127.0.0.1:1", state=tmp_path, listen_port=0, evidence=tmp_path / "evidence")


async def test_it_listens_when_it_has_started_and_ends_when_it_is_told(options: ServeOptions) -> None:
    worker = await WorkerProcess.start(2, options)
    port = int(worker.address.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    worker.send(signal.SIGTERM)
    assert await worker.ended() == "with exit code 0"
    worker.send(signal.SIGTERM)  # it is gone, and that is no fault


async def test_how_it_was_ended_is_told_in_words(options: ServeOptions) -> None:
    worker = await WorkerProcess.start(2, options)
    worker.kill()
    assert await worker.ended() == "by signal 9 (Killed)"


async def test_its_own_words_tell_what_keeps_it_from_starting(options: ServeOptions) -> None:
    (options.state / "evidence" / "vkey").unlink()
    with pytest.raises(OptoutError, match="no evidence log here") as told:
        await WorkerProcess.start(1, options)
    assert told.value.remedy == "make one with `optout evidence init`"


async def test_one_that_ends_without_a_word_is_told(options: ServeOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_command", lambda _: [sys.executable, "-c", "raise SystemExit(7)"])
    with pytest.raises(OptoutError, match="worker 1 ended before it listened, with exit code 7"):
        await WorkerProcess.start(1, options)


async def test_one_that_cannot_be_started_at_all_is_told(
    options: ServeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "_command", lambda _: ["/no/such/interpreter"])
    with pytest.raises(OptoutError, match="cannot start worker 1: No such file"):
        await WorkerProcess.start(1, options)


async def test_a_start_that_nobody_waits_for_any_more_leaves_no_process(
    options: ServeOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(worker_process, "_command", lambda _: [sys.executable, "-c", code])
    starting = asyncio.create_task(WorkerProcess.start(1, options))
    async with asyncio.timeout(60):
        while not (pid.exists() and pid.read_text()):
            await asyncio.sleep(0.01)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_modules_are_looked_for_in_the_working_directory_only_where_this_process_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/usr/lib/python3"])
    assert "-P" in worker_process._command(3)
    monkeypatch.setattr(sys, "path", [str(Path.cwd()), "/usr/lib/python3"])
    assert "-P" not in worker_process._command(3)
