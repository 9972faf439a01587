"""What a crawler got of a declaration: each door that carries it records the hash of the bytes that went out."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.doors.all_doors import DOORS
from tests.doors.table import DOCUMENT
from tests.judge import leaves
from tests.served import connected

CARRYING = sorted(name for name in DOORS if not name.startswith("forward-auth"))
"""Behind forward-auth the front end carries the answers; Optout never sees one."""


@pytest.mark.parametrize("name", CARRYING)
async def test_the_record_tells_the_bytes_that_went_out(name: str, tmp_path: Path) -> None:
    bodies = {}
    async with DOORS[name](DOCUMENT, tmp_path) as port:
        for method, target in (
            ("GET", "/robots.txt"),
            ("HEAD", "/robots.txt"),
            ("GET", "/.well-known/tdmrep.json"),
        ):
            async with connected(port) as raw:
                head = f"{method} {target} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.2\r\n"
                await raw.send(f"{head}Connection: close\r\n\r\n".encode())
                answer = await raw.answer(method)
                assert answer.status == 200, answer
                bodies[method, target] = answer.body
        async with asyncio.timeout(20):
            while len(_outcomes(tmp_path)) < len(bodies):
                await asyncio.sleep(0.05)
    found = [each.get("served.sha256") for each in _outcomes(tmp_path)]
    robots, tdmrep = bodies["GET", "/robots.txt"], bodies["GET", "/.well-known/tdmrep.json"]
    assert found == [hashlib.sha256(robots).hexdigest(), None, hashlib.sha256(tdmrep).hexdigest()]


def _outcomes(place: Path) -> list[dict[str, object]]:
    return [each for each in leaves(place / "evidence") if each["type"] == "crawl.outcome"]
