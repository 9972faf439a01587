"""Shared by tests of the pages: a log with hostile words in it, and the application over it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from optout.crawlers.registry import bundled_registry
from optout.review.app import Review, make_app
from optout.review.gate import Gate
from optout.review.reader import Reader
from tests.evidence.setting import SOON_S, open_log

HOSTILE = "<script>alert(1)</script><b>\u202e\x1b[31m=cmd|x{{7*7}}"
ROBOTS = b"User-agent: GPTBot\nDisallow: /art/\n# <script>alert(2)</script>\n"
SHA256 = hashlib.sha256(ROBOTS).hexdigest()
NEWER = b"User-agent: GPTBot\nDisallow: /\n"
NEWER_SHA256 = hashlib.sha256(NEWER).hexdigest()
TIME_US = 1_795_000_000_000_000  # 2026-11-18
DAY_US = 86_400_000_000


def visit(name: str, crawler: str, path: str, **more: object) -> dict[str, Any]:
    """One request as a door records it."""
    return {
        "type": "crawl.request",
        "id": name,
        "time_us": TIME_US,
        "tenant": "alice",
        "server.address": "a.example",
        "http.request.method": "GET",
        "url.path": path,
        "user_agent.original": f"{crawler}/1.0 {HOSTILE}",
        "crawl.product": crawler,
        "crawl.operator": "OpenAI",
        "crawl.purpose": "train",
        "identity.standing": "unverified",
        "decision.action": "deny",
        "decision.enforced": True,
        "decision.reason": "robots-disallow",
        "decision.reasons": ["robots-disallow robots.txt:2"],
        "robots.sha256": SHA256,
        **more,
    }


def log_of_visits(place: Path) -> Path:
    """Three days of visits, a hostile crawler, a person that was taken back, a gap, two versions of robots.txt."""
    log = open_log(place)
    entries = [
        visit("r1", "GPTBot", "/art/1.jpg"),
        visit("r2", "GPTBot", "/art/2.jpg", time_us=TIME_US + DAY_US),
        visit("r3", "GPTBot", "/robots.txt", **{"decision.action": "allow", "decision.reasons": ["always-open"]}),
        visit("r4", "CCBot", "/art/1.jpg", time_us=TIME_US + 2 * DAY_US, tenant="bob"),
        visit("r5", HOSTILE, f"/{HOSTILE}", **{"identity.standing": "contradicted", "crawl.operator": HOSTILE}),
        visit("r6", "GPTBot", "/art/1.jpg", **{"identity.standing": "verified", "robots.sha256": NEWER_SHA256}),
        visit("person", "GPTBot", "/secret"),
        {"type": "crawl.retract", "crawl.request.id": "person"},
        {"type": "log.gap", "reason": HOSTILE, "from_us": TIME_US, "to_us": TIME_US + 1, "count": 3},
    ]
    for fields in entries:
        log.append(fields).result(SOON_S)
    log.close()
    snapshots = place / "snapshots"
    snapshots.mkdir(exist_ok=True)
    (snapshots / SHA256).write_bytes(ROBOTS)
    (snapshots / NEWER_SHA256).write_bytes(NEWER)
    return place


@asynccontextmanager
async def opened(
    home: Path, *, signed_in: bool = True, **more: Any
) -> AsyncIterator[tuple[TestClient[Any, Any], Gate]]:
    """The pages over a log, with a client that has a session, and their gate."""
    review = replace(Review(reader=Reader(home), registry=bundled_registry()), **more)
    gate = Gate(hosts=frozenset(), port=7, user="owner")
    async with TestClient(TestServer(make_app(review, gate))) as client:
        gate.accept(f"{client.host}:{client.port}")
        if signed_in:
            await client.get(f"/enter?token={gate.new_token()}")
        yield client, gate
