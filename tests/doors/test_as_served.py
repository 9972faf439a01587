"""What went out to a crawler: each door that carries answers records it.

Of a declaration the hash of its bytes; of a page what its fields say may be done with the content.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.doors.all_doors import DOORS
from tests.doors.forward_auth_doors import TAGGED
from tests.doors.table import DOCUMENT
from tests.judge import leaves
from tests.served import connected

CARRYING = sorted(name for name in DOORS if not name.startswith("forward-auth"))
"""Behind forward-auth the front end carries the answers; Optout never sees one."""


@pytest.mark.parametrize("name", CARRYING)
async def test_the_record_tells_what_the_answer_s_fields_say_of_uses(name: str, tmp_path: Path) -> None:
    async with DOORS[name](DOCUMENT, tmp_path) as port:
        async with connected(port) as raw:
            head = f"GET {TAGGED} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: GPTBot/1.2\r\n"
            await raw.send(f"{head}Connection: close\r\n\r\n".encode())
            answer = await raw.answer()
            assert answer.first("x-robots-tag") == "noai"
            assert answer.first("tdm-reservation") == "0"
        async with asyncio.timeout(20):
            while not _outcomes(tmp_path):
                await asyncio.sleep(0.05)
    (found,) = _outcomes(tmp_path)
    said = found["usage.response"]
    assert isinstance(said, list)
    assert "train=disallowed X-Robots-Tag" in said
    assert "train=allowed tdm-reservation field" in said
    conflicts = found["usage.conflicts"]
    assert isinstance(conflicts, list)
    assert "train=disallowed X-Robots-Tag, train=allowed tdmrep.json:4" in conflicts
    (request,) = [each for each in leaves(tmp_path / "evidence") if each["type"] == "crawl.request"]
    assert request["usage.verdict"][0] == "train=allowed tdmrep.json:4"


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
