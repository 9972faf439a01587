"""The sample site behind three doors, each with an evidence log of its own: two in processes of their own."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from optout.adapters.aiohttp import setup
from optout.cli.demo.site import sample_site
from optout.errors import OptoutError

_OPENS_WITHIN_S = 30.0  # mitmproxy needs about two seconds; a loaded machine several times that
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One door that stands before the sample site: its name, port on loopback, and evidence directory."""

    name: str
    port: int
    evidence: Path


@asynccontextmanager
async def open_doors(directory: Path, policy: Path) -> AsyncIterator[tuple[Door, ...]]:
    """The three doors, open; all are closed, and their logs with them, when the context ends."""
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(_served(sample_site()))
        doors = [
            await stack.enter_async_context(_process(name, engine, origin, directory, policy))
            for name, engine in (("mitmproxy", "mitmproxy"), ("gateway", "aiohttp"))
        ]
        stack.enter_context(_logging_to(directory / "middleware.log"))
        app = sample_site()
        evidence = directory / "evidence-middleware"
        setup(app, policy=policy, evidence=evidence, state=directory / "state-middleware")
        port = await stack.enter_async_context(_served(app))
        yield (*doors, Door(name="middleware", port=port, evidence=evidence))


@contextmanager
def _logging_to(file: Path) -> Iterator[None]:
    """What the door in this process says to its operator goes into a file, as the other doors' words do."""
    logger, handler = logging.getLogger("optout"), logging.FileHandler(file, encoding="utf-8")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(handler)
        handler.close()


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[int]:
    """`app` on a free port of loopback."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _process(name: str, engine: str, origin: int, directory: Path, policy: Path) -> AsyncIterator[Door]:
    """`optout serve` before the origin, as its owner would start it."""
    door = Door(name=name, port=_free_port(), evidence=directory / f"evidence-{name}")
    output = directory / f"{name}.log"
    with output.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "optout", "serve", "--engine", engine),
            *("--upstream", f"http://127.0.0.1:{origin}", "--listen", f"127.0.0.1:{door.port}"),
            *("--policy", str(policy), "--evidence", str(door.evidence), "--state", str(directory / f"state-{name}")),
            stdout=sink,
            stderr=sink,
        )
    try:
        await _until_open(door, process, output)
        yield door
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_open(door: Door, process: asyncio.subprocess.Process, output: Path) -> None:
    for _ in range(int(_OPENS_WITHIN_S / _LOOK_EVERY_S)):
        if process.returncode is not None:
            break
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        except OSError:
            await asyncio.sleep(_LOOK_EVERY_S)
            continue
        writer.close()
        await writer.wait_closed()
        return
    said = output.read_text(errors="replace").strip().splitlines()[-12:]
    raise OptoutError(f"the {door.name} door did not open", "it said:\n    " + "\n    ".join(said))
