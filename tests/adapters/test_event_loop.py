"""The loop of a serving process: uvloop's, or asyncio's where that is all there is."""

from __future__ import annotations

import asyncio

import pytest

from optout.adapters import event_loop


@pytest.mark.parametrize("is_installed", [True, False])
def test_work_is_run_to_its_end_with_or_without_uvloop(monkeypatch: pytest.MonkeyPatch, is_installed: bool) -> None:
    loops: list[str] = []

    async def work() -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)

    if not is_installed:
        monkeypatch.setattr(event_loop, "find_spec", lambda _name: None)
    event_loop.run(work())
    assert loops[0].startswith("uvloop" if is_installed else "asyncio")
