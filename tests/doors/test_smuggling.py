"""What the origin counts is what the door let through: nobody smuggles a request past a door (peers.md part 7).

Every request of `smuggling` goes through every door that stands before an origin, as a person's and as that of a
crawler that the policy refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.doors.all_doors import BEFORE, EDGES
from tests.doors.raw_origin import RawOrigin, Seen
from tests.doors.smuggling import payloads
from tests.judge import user_agent
from tests.served import CHROME

POLICY = "version: 1\nmode: enforce\ndefault: deny\non_error: refuse\n"
FRONTS = BEFORE | EDGES
PAYLOADS = payloads()
GPTBOT = user_agent("GPTBot")
_SILENT_S = 1.5  # after which a door that waits for the rest of a request has nothing more to say


async def say(port: int, octets: bytes) -> bytes:
    """All that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = b""
    with suppress(OSError, TimeoutError):
        writer.write(octets)
        while data := await asyncio.wait_for(reader.read(65536), _SILENT_S):
            found += data
    writer.close()
    return found


def numbered(text: str, number: int, agent: str) -> bytes:
    """The octets of one request."""
    return text.replace("{agent}", agent).replace("{number}", f"{number:03}").encode()


@pytest.mark.parametrize("agent", [CHROME, GPTBOT], ids=["person", "crawler"])
@pytest.mark.parametrize("name", FRONTS)
async def test_what_the_origin_counts_is_what_the_door_let_through(name: str, agent: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    few = asyncio.Semaphore(16)

    async def send(port: int, number: int, text: str) -> bytes:
        async with few:
            return await say(port, numbered(text, number, agent))

    with RawOrigin() as origin:
        async with FRONTS[name](tmp_path / "policy.yaml", tmp_path, origin.port) as port:
            await say(port, b"GET /robots.txt HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
            told = await asyncio.gather(*(send(port, number, text) for number, text in enumerate(PAYLOADS.values())))
        seen = [each for each in origin.heads if each.is_whole]
    wrong = [
        f"{payload}: {what}"
        for number, (payload, answers) in enumerate(zip(PAYLOADS, told, strict=True))
        for what in faults(payload, answers, [each for each in seen if b"%03d" % number in each.path])
    ]
    if name in BEFORE:  # what a front end of the owner's makes of a request without a host is not ours
        wrong += [f"the origin was sent {each.fields}" for each in seen if len(each.all(b"host")) != 1]
    assert wrong == []
    assert all(GPTBOT.encode() not in each.all(b"user-agent") for each in origin.heads), (
        "a refused crawler came through"
    )


def faults(payload: str, answers: bytes, seen: list[Seen]) -> Iterator[str]:
    """What is wrong with what an origin saw of one payload, and what was answered."""
    lines = [each.line for each in seen]
    # An answer to HEAD, and one that comes after its visitor has gone, cannot be told by its content.
    let_through = answers.count(b"content of ") + answers.count(b"HTTP/1.1 502") + ("HEAD" in payload)
    if len(seen) > let_through:
        yield f"the origin saw {lines}, and the visitor was told {answers[:200]!r}"
    if len(set(lines)) != len(lines):
        yield f"the origin saw one request twice: {lines}"


def test_the_list_is_large() -> None:
    assert len(PAYLOADS) >= 100
