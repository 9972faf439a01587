"""A worker as its supervisor sees it: a fresh interpreter, started, listened to, told to end.

Fresh, and not a fork of the supervisor: a fork takes the threads' locks along and leaves the threads behind, among them
the one that holds the evidence log.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from optout.adapters.serve_options import ServeOptions
from optout.adapters.stats.workers import LONGEST_LINE
from optout.adapters.worker import encode_task
from optout.errors import OptoutError

CLEANLY = "with exit code 0"
"""How a worker ends that was told to."""


class WorkerProcess:
    """A worker's process and the connection to it. `address` is where it listens."""

    def __init__(
        self,
        number: int,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.number = number
        self.address = ""
        self.reader = reader
        self._process = process
        self._writer = writer

    @classmethod
    async def start(cls, number: int, options: ServeOptions) -> WorkerProcess:
        """Start it and wait until it listens. Raises OptoutError, with the worker's own words, if it cannot."""
        try:
            process, ours = await _started()
        except OSError as fault:
            raise OptoutError(f"cannot start worker {number}: {fault.strerror}") from fault
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LONGEST_LINE)
        worker = cls(number, process, reader, writer)
        try:
            writer.write(encode_task(number, options))
            worker.address = await worker._opened()
        except BaseException:
            worker.kill()
            await worker.ended()
            raise
        return worker

    async def _opened(self) -> str:
        try:
            said = json.loads(await self.reader.readline() or b"{}")
        except (OSError, ValueError):
            said = {}
        if "listening" in said:
            return str(said["listening"])
        what, _, remedy = str(said.get("fault", "")).partition("\n")
        if what:
            raise OptoutError(what, remedy.strip())
        how = await self.ended()
        raise OptoutError(f"worker {self.number} ended before it listened, {how}", "its last words stand above")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still lives."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        self.send(signal.SIGKILL)

    async def ended(self) -> str:
        """Wait until it has ended; how, in words."""
        code = await self._process.wait()
        self._writer.close()
        return f"with exit code {code}" if code >= 0 else f"by signal {-code} ({signal.strsignal(-code)})"


async def _started() -> tuple[asyncio.subprocess.Process, socket.socket]:
    """A new process, and the supervisor's end of the connection to it."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *_command(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is the supervisor's to pass on
            )
    except BaseException:
        ours.close()
        raise
    return process, ours


def _command(descriptor: int) -> list[str]:
    # The interpreter would look into the working directory for modules first. That is right where this process was
    # started like that, too, and else a way to be given somebody's files.
    looks_here = not {"", str(Path.cwd())}.isdisjoint(sys.path)
    flags = [] if looks_here else ["-P"]
    return [sys.executable, *flags, "-m", "optout.adapters.worker", str(descriptor)]
