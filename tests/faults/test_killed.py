"""T1: a door is killed at random moments under load. What it handed over is on record, once."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict, audit
from tests.faults.door import ask, site
from tests.faults.reading import check
from tests.serving import Serving, serving

pytestmark = pytest.mark.fault


async def _crawl(port: int, name: str, handed: list[str], refused: list[str]) -> None:
    """Ask for page after page until the door dies; note what was handed over, wholly or in part, and what refused."""
    number = 0
    while True:
        path = f"/{'shut' if number % 5 == 4 else 'open'}/{name}-{number}"
        status, body = await ask(port, path)
        if status == 200 and body:
            handed.append(path)
        elif status == 403:
            refused.append(path)
        if status == 0:
            return
        number += 1


async def _killed(place: Path, upstream: str, options: tuple[str, ...], name: str, after: float) -> list[list[str]]:
    told: list[list[str]] = [[], []]
    started = asyncio.to_thread(_start, place, upstream, options)
    context, door = await started
    try:
        crawlers = [asyncio.create_task(_crawl(door.port, f"{name}-{each}", *told)) for each in range(6)]
        await asyncio.sleep(after)
        door.end(signal.SIGKILL)
        await asyncio.gather(*crawlers)
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
    return told


def _start(place: Path, upstream: str, options: tuple[str, ...]) -> tuple[object, Serving]:
    policy = ("--policy", str(place / "policy.yaml"), "--upstream", upstream)
    context = serving(place, *policy, *options)
    return context, context.__enter__()


@pytest.mark.parametrize(("trials", "options"), [(160, ()), (40, ("--workers", "2"))], ids=["one", "workers"])
async def test_two_hundred_kills_lose_nothing_and_double_nothing(
    tmp_path: Path, trials: int, options: tuple[str, ...]
) -> None:
    chance = random.Random(trials)
    handed: list[str] = []
    refused: list[str] = []
    home = tmp_path / "state" / "evidence"
    async with site(tmp_path) as upstream:
        for trial in range(trials):
            found = await _killed(tmp_path, upstream, options, str(trial), chance.random() * 0.25)
            handed += found[0]
            refused += found[1]
            if trial % 20 == 19:
                assert audit(home).verdict is Verdict.SOUND

        async def end() -> None:
            context, _ = await asyncio.to_thread(_start, tmp_path, upstream, options)
            await asyncio.sleep(1.5)  # whoever holds the log takes over what the killed left in spools
            await asyncio.to_thread(context.__exit__, None, None, None)

        await end()
    report = audit(home)
    assert report.verdict is Verdict.SOUND, report.problems
    recorded = Counter(one["url.path"] for one in check(home) if one["type"] == "crawl.request")
    assert set(recorded.values()) == {1}
    assert not [path for path in (*handed, *refused) if path not in recorded]
    assert len(handed) > trials * 5
    assert len(refused) > trials
