"""A clause with a rate at every door that decides by itself, and at two workers that count together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.doors.all_doors import DOORS
from tests.doors.raw_origin import RawOrigin
from tests.judge import leaves
from tests.served import CHROME, ask
from tests.serving import serving

POLICY = """
version: 1
mode: enforce
sites: [site.example, 127.0.0.1]
default: allow
on_error: refuse
contact: rights@site.example
clauses:
  - {id: pace, operator: OpenAI, action: throttle, rate: 3/hour}
"""
DOCUMENT = {"policy": POLICY, "robots": "User-agent: *\nDisallow: /drafts/\n", "tdmrep": "[]"}


@pytest.mark.parametrize("name", sorted(DOORS))
async def test_who_comes_too_often_is_told_when_to_come_back(name: str, quiet_place: Path) -> None:
    async with DOORS[name](DOCUMENT, quiet_place) as port:
        closed = [(await ask(port, "/drafts/a", "GPTBot/1.4")).status for _ in range(4)]
        found = [await ask(port, f"/{place}", "GPTBot/1.4") for place in range(4)]
        robots = await ask(port, "/robots.txt", "GPTBot/1.4")
        other = await ask(port, "/a", "ClaudeBot/1.0")
        person = await ask(port, "/a", CHROME)
    assert closed == [403] * 4  # which count for nothing
    assert [each.status for each in found] == [200, 200, 200, 429]
    assert found[3].first("retry-after") == "1200"
    assert b"rate-exceeded" in found[3].body
    assert [each.status for each in (robots, other, person)] == [200, 200, 200]
    actions = Counter(
        str(leaf["decision.action"]) for leaf in leaves(quiet_place / "evidence") if leaf["type"] == "crawl.request"
    )
    assert actions == {"deny": 4, "allow": 5, "throttle": 1}


async def test_two_workers_count_together(quiet_place: Path) -> None:
    policy = quiet_place / "policy.yaml"
    policy.write_text(POLICY.replace("3/hour", "10/hour"))
    with RawOrigin() as origin:
        options = ("--upstream", f"http://127.0.0.1:{origin.port}", "--policy", str(policy), "--workers", "2")
        with serving(quiet_place, *options) as served:
            found = [(await ask(served.port, f"/{place}", "GPTBot/1.4")).status for place in range(24)]
    assert Counter(found) == {200: 10, 429: 14}
