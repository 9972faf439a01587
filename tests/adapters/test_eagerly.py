"""Work that waits for nothing is done at once; work that waits goes on when its time has come."""

from __future__ import annotations

import asyncio

import pytest

from optout.adapters.eagerly import run_eagerly


async def test_what_waits_for_nothing_is_done_before_the_call_ends() -> None:
    async def work() -> int:
        return 7

    told: list[int] = []
    run_eagerly(work(), told.append)
    assert told == [7]


async def test_what_waits_is_told_when_all_that_it_awaits_has_come() -> None:
    first: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    second: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def work() -> int:
        return await first + await asyncio.shield(second) + await asyncio.ensure_future(asyncio.sleep(0, 1))

    told: list[int] = []
    run_eagerly(work(), told.append)
    first.set_result(2)
    await asyncio.sleep(0)
    assert told == []
    second.set_result(3)
    while not told:
        await asyncio.sleep(0)
    assert told == [6]


async def test_what_is_awaited_may_fail_and_be_caught() -> None:
    waited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            await waited
        except TimeoutError:
            return "late"
        return "in time"

    told: list[str] = []
    run_eagerly(work(), told.append)
    waited.set_exception(TimeoutError())
    while not told:
        await asyncio.sleep(0)
    assert told == ["late"]


async def test_what_raises_raises_where_it_was_begun() -> None:
    async def work() -> None:
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        run_eagerly(work(), lambda _: pytest.fail("it returned nothing"))
