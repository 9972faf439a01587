"""What real compiled front ends write becomes evidence: who came, what was told, and nothing that is private."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from optout.adapters.ingest.process import IngestOptions, ingest
from optout.compilers.nginx import compile_nginx
from optout.evidence.audit import Verdict, audit
from tests.doors.edge_doors import SITE, Front, compiled, edge
from tests.doors.forward_auth_doors import site
from tests.evidence.setting import records
from tests.fronts import nginx
from tests.served import CHROME, Answer, connected, served

DOCUMENT = {
    "policy": """
version: 1
mode: enforce
default: allow
on_error: refuse
clauses:
  - id: no-training
    action: deny
    purpose: [train]
""",
    "robots": "User-agent: *\nDisallow: /private/\n",
}
GPTBOT, USER = "Mozilla/5.0 (compatible; GPTBot/1.2)", "Mozilla/5.0 (compatible; ChatGPT-User/1.0)"
QUERY = "canary-query"


@asynccontextmanager
async def _front(kind: str, place: Path, origin: int) -> AsyncIterator[tuple[int, Front | None]]:
    """The port of a front end, and what knows its log; nginx writes its own beside its configuration."""
    made, registry = compiled(DOCUMENT)
    async with AsyncExitStack() as stack:
        if kind != "nginx":
            front = await stack.enter_async_context(edge(kind, place, origin=origin, made=(made, registry)))
            yield front.port, front
            return
        for name, text in compile_nginx(made, registry, log=str(place / "optout.log")).files.items():
            (place / name).write_text(text)
        inside = f"include {place}/optout-server.conf; location / {{ proxy_pass http://127.0.0.1:{origin}; }}"
        http = f"include {place}/optout-http.conf;"
        yield await stack.enter_async_context(nginx(place, inside, http=http)), None


async def _ask(port: int, target: str, agent: bytes) -> Answer:
    async with connected(port) as raw:
        head = b"GET %b HTTP/1.1\r\nHost: %b\r\nUser-Agent: %b\r\n" % (target.encode(), SITE.encode(), agent)
        await raw.send(head + b"X-Forwarded-For: 203.0.113.9\r\nCookie: canary-cookie\r\nConnection: close\r\n\r\n")
        return await raw.answer()


async def _logged(front: Front | None, place: Path) -> list[bytes]:
    """The lines of the four requests that are logged, which a front end may write a moment after its answer."""
    lines: dict[bytes, None] = {}
    async with asyncio.timeout(20):
        while len(lines) < 4:
            found = (place / "optout.log").read_bytes().splitlines() if front is None else front.logged()
            lines.update(dict.fromkeys(found))
            await asyncio.sleep(0.02)
    return list(lines)


def _octets(record: dict[str, object]) -> bytes:
    """The user agent of a record; not every front end passes on what is not UTF-8."""
    encoded = record.get("user_agent.original.b64")
    return base64.b64decode(str(encoded)) if encoded else str(record["user_agent.original"]).encode()


@pytest.mark.parametrize("kind", ["nginx", "caddy", "haproxy", "apache"])
async def test_every_recognized_crawler_is_on_record_once_and_nobody_else(kind: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(site(DOCUMENT)))
        port, front = await stack.enter_async_context(_front(kind, tmp_path, origin))
        refused = await _ask(port, f"/gallery/1.jpg?{QUERY}", GPTBOT.encode())
        await _ask(port, "/", CHROME.encode())
        await _ask(port, f"/private-thought?{QUERY}", USER.encode())
        await _ask(port, "/odd", GPTBOT.encode() + b' \xff\xfe "quoted" \\ \xe2\x80\xae')
        passed = await _ask(port, "/robots.txt", GPTBOT.encode())
        log = tmp_path / "access.log"
        log.write_bytes(b"".join(line + b"\n" for line in await _logged(front, tmp_path)))
    counts = ingest(
        IngestOptions(directory=tmp_path / "evidence", logs=(str(log),), software="optout test"), lambda _: None
    )
    assert set(counts) == {"lines", "records"}
    assert (refused.status, passed.status) == (403, 200)
    requests = records(tmp_path / "evidence", "crawl.request")
    assert [(each["crawl.product"], each.get("url.path")) for each in requests] == [
        ("GPTBot", "/gallery/1.jpg"),
        ("ChatGPT-User", None),
        ("GPTBot", "/odd"),
        ("GPTBot", "/robots.txt"),
    ]
    assert f"urn:uuid:{requests[0]['id']}" == json.loads(refused.body)["instance"]
    assert {each["observed.by"] for each in requests} == {f"front-end {kind}"}
    assert [each.get("http.response.status_code") for each in requests] == [403, None, 403, None]
    assert _octets(requests[2]).startswith(GPTBOT.encode())
    outcomes = records(tmp_path / "evidence", "crawl.outcome")
    assert [each["crawl.request.id"] for each in outcomes] == [requests[1]["id"], requests[3]["id"]]
    written = b"".join(path.read_bytes() for path in (tmp_path / "evidence" / "segments").iterdir())
    for canary in (b"203.0.113.9", b"canary", b"private-thought"):
        assert canary not in written
    assert audit(tmp_path / "evidence").verdict is Verdict.SOUND
