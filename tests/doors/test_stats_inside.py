"""`optout.stats()` and `optout.on_decision` in an application, whichever door is inside it."""

from __future__ import annotations

from pathlib import Path

import pytest

import optout
from optout.adapters.stats import merged
from optout.adapters.stats.observers import DecisionSummary
from tests.doors.all_doors import DOORS
from tests.judge import user_agent
from tests.served import CHROME, ask

DOCUMENT = {
    "policy": "version: 1\nmode: enforce\nsites: [site.example]\ndefault: allow\non_error: refuse\n",
    "robots": "User-agent: GPTBot\nDisallow: /\n",
    "tdmrep": "[]",
}


@pytest.mark.parametrize("name", ["aiohttp", "asgi", "wsgi"])
async def test_an_application_is_told_of_crawlers_and_of_no_person(tmp_path: Path, name: str) -> None:
    told: list[DecisionSummary] = []
    end = optout.on_decision(told.append)
    try:
        async with DOORS[name](DOCUMENT, tmp_path) as port:
            assert (await ask(port, "/", CHROME)).status == 200
            assert (await ask(port, "/", user_agent("GPTBot"))).status == 403
            assert (await ask(port, "/", user_agent("CCBot"))).status == 200
            assert (await ask(port, "/", user_agent("Googlebot"))).status == 200
            stats = merged(optout.stats())
    finally:
        end()
    assert stats is not None
    assert (stats.doors, stats.mode.value) == (1, "enforce")
    assert {(each.purpose.value, each.status): each.count for each in stats.answers} == {
        ("train", 403): 1,
        ("dataset", None): 1,
    }
    assert dict(stats.left_alone) == {"search": 1}
    assert stats.log is not None
    assert stats.log.writable
    assert [(each.purpose.value, each.status) for each in told] == [("train", 403), ("dataset", None)]
    assert optout.stats() == ()
