"""Shared by tests of the gateway: one that runs in the test's own loop, as `optout serve` would run it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from optout.adapters.gateway import Gateway
from optout.adapters.gateway.patience import Patience
from optout.adapters.gateway.server import opened
from optout.adapters.serve_options import ServeOptions
from tests.doors.raw_origin import Answer, Seen

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
"""
PATIENT = Patience()


@asynccontextmanager
async def gateway(
    place: Path, upstream: str, policy: str = POLICY, *, port: int = 0, patience: Patience = PATIENT, **options: Any
) -> AsyncIterator[int]:
    """The port of a gateway before `upstream`, once it knows what site.example publishes."""
    file = place / "policy.yaml"
    file.write_text(policy)
    settings = {"evidence": place / "evidence", "listen_port": port, **options}
    asked = ServeOptions(upstream=upstream, state=place / "state", policy=file, **settings)
    running = Gateway(asked, patience)
    async with opened(running, asked) as listener:
        await running.driver.published.ask("site.example", within=10)
        yield listener.port


def saying(octets: bytes, *, then_close: bool = False) -> Answer:
    """An answer of the origin's: exactly these octets."""

    async def answer(_seen: Seen, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()
        if then_close:
            writer.close()

    return answer
