"""One of several workers of `optout serve`, in its own process: `python -m optout.adapters.worker FD`.

The descriptor is a connection to the supervisor. It gives the options; the worker says that it listens, or what keeps
it from that, and then sends its numbers. When the supervisor is gone the connection ends, and the worker with it: one
that stayed would hold the port with yesterday's options.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import signal
import socket
import sys

from optout.adapters.serve_options import ServeOptions
from optout.errors import OptoutError

LOG = logging.getLogger("optout")
_SIZE_BYTES = 8


def encode_task(number: int, options: ServeOptions) -> bytes:
    """What `read_task` gives in the other process."""
    data = pickle.dumps((number, options))
    return len(data).to_bytes(_SIZE_BYTES, "big") + data


def read_task(connection: socket.socket) -> tuple[int, ServeOptions]:
    """What a supervisor sends first: the worker's number, from 1 on, and its options. Raises EOFError if it is gone."""
    size = int.from_bytes(_exactly(connection, _SIZE_BYTES), "big")
    number, options = pickle.loads(_exactly(connection, size))  # noqa: S301  from the process that started this one
    return int(number), options


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise EOFError("the supervisor is gone")
        found += more
    return found


def main(descriptor: int) -> int:
    """Work until the supervisor wants no more; the exit code."""
    # Until the loop watches for it, the end of the supervisor shows in `read_task`.
    with socket.socket(fileno=descriptor) as connection:
        try:
            number, options = read_task(connection)
        except EOFError:
            return 0
        _log_to_stderr(number)
        from optout.adapters.event_loop import run  # noqa: PLC0415  what can fail comes after the log

        told: list[str] = []
        try:
            run(_work(options, connection, told))
        except OptoutError as fault:
            if told:
                LOG.error("%s", fault.diagnostics())  # nobody waits for its first word any more
            else:
                connection.setblocking(True)
                connection.sendall(json.dumps({"fault": fault.diagnostics()}).encode() + b"\n")
            return 2
    return 0


async def _work(options: ServeOptions, connection: socket.socket, told: list[str]) -> None:
    from optout.adapters.gateway.server import serve  # noqa: PLC0415  see above
    from optout.adapters.stats.workers import tell  # noqa: PLC0415
    from optout.evidence.opening import Opening  # noqa: PLC0415

    reader, writer = await asyncio.open_unix_connection(sock=connection.dup())
    telling: list[asyncio.Task[None]] = []

    def on_ready(address: str) -> None:
        told.append(address)
        writer.write(json.dumps({"listening": address}).encode() + b"\n")
        telling.append(asyncio.get_running_loop().create_task(tell(writer), name="optout numbers"))

    watching = asyncio.get_running_loop().create_task(_end_with(reader), name="optout supervisor")
    try:
        await serve(options, on_ready, opening=Opening.SPOOL, shares_port=True)
    finally:
        for each in (watching, *telling):
            each.cancel()
        await asyncio.gather(watching, *telling, return_exceptions=True)
        writer.close()


async def _end_with(reader: asyncio.StreamReader) -> None:
    """Drain, as for SIGTERM, when the supervisor is gone."""
    await reader.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _log_to_stderr(number: int) -> None:
    """Print what the worker has to tell its operator. What is no fault of its own, all of them see: one says it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"optout: worker {number}: %(message)s"))
    log = logging.getLogger("optout")
    log.addHandler(handler)
    log.setLevel(logging.INFO if number == 1 else logging.ERROR)
    log.propagate = False


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
