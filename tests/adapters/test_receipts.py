"""Receipts reach the loop that waits for them, in batches, and a wait that ends early harms nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from optout.adapters.receipts import Receipts, Unawaited
from optout.evidence.receipt import Loss, NotLoggedError, Receipt, Told

LONG_S = 60.0


def receipt(index: int) -> Receipt:
    return Receipt(index=index, seq=index, leaf=b"")


class Log:
    """A log that tells when the test lets it; `told` are those who wait, in the order of their records."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def record(self, told: Told) -> None:
        """Take a record."""
        self.told.append(told)


async def recorded(log: Log, count: int = 1) -> None:
    """Go on with the loop until so many records have been put."""
    while len(log.told) < count:
        await asyncio.sleep(0)


def unheard(_fault: BaseException) -> None:
    pytest.fail("somebody waits for every receipt here")


def receipts(*, within_s: float = LONG_S, unheard: Callable[[BaseException], None] = unheard) -> Receipts:
    return Receipts(within_s=within_s, unheard=unheard)


async def test_what_is_settled_already_is_told_at_once() -> None:
    await receipts().of(lambda told: told.set_result(receipt(7)))


async def test_what_is_made_in_one_turn_of_the_loop_is_put_together_at_its_end() -> None:
    waited, log = receipts(), Log()
    waiting = [asyncio.ensure_future(waited.of(log.record)) for _ in range(3)]
    await asyncio.sleep(0)
    assert log.told == []
    await asyncio.sleep(0)
    assert len(log.told) == 3
    for number, told in enumerate(log.told):
        told.set_result(receipt(number))
    await asyncio.gather(*waiting)


async def test_everybody_of_a_batch_is_told_for_one_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    waited, log = receipts(), Log()
    loop, wakes = asyncio.get_running_loop(), 0
    wake = loop.call_soon_threadsafe

    def counted(*args: object, **context: object) -> object:
        nonlocal wakes
        wakes += 1
        return wake(*args, **context)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    waiting = [asyncio.ensure_future(waited.of(log.record)) for _ in range(100)]
    await recorded(log, 100)
    for index, told in enumerate(log.told):  # the loop cannot run between two of these: they are one batch to it
        told.set_result(receipt(index))
    await asyncio.gather(*waiting)
    assert wakes == 1


async def test_none_is_missed_when_another_thread_settles_them() -> None:
    waited, log = receipts(), Log()

    def settle() -> None:
        for index, told in enumerate(log.told):
            told.set_result(receipt(index))

    with ThreadPoolExecutor(1) as pool:
        waiting = [asyncio.ensure_future(waited.of(log.record)) for _ in range(2000)]
        await recorded(log, 2000)
        pool.submit(settle)
        await asyncio.gather(*waiting)


async def test_a_refusal_is_raised_where_it_is_waited_for() -> None:
    log = Log()
    waiting = asyncio.ensure_future(receipts().of(log.record))
    await recorded(log)
    log.told[0].set_exception(NotLoggedError(Loss.DISK_FULL, "full"))
    with pytest.raises(NotLoggedError, match="full"):
        await waiting


async def test_a_log_that_cannot_even_be_asked_fails_who_asks_and_nobody_else() -> None:
    waited, log = receipts(), Log()

    def broken(_told: Told) -> None:
        raise RuntimeError("planted")

    failing, waiting = asyncio.ensure_future(waited.of(broken)), asyncio.ensure_future(waited.of(log.record))
    with pytest.raises(RuntimeError, match="planted"):
        await failing
    log.told[0].set_result(receipt(1))
    await waiting


async def test_a_wait_ends_in_time_and_what_is_refused_later_is_told_all_the_same() -> None:
    heard: list[BaseException] = []
    waited, log = receipts(within_s=0.001, unheard=heard.append), Log()
    with pytest.raises(TimeoutError):
        await waited.of(log.record)
    assert not log.told[0].done()
    log.told[0].set_exception(NotLoggedError(Loss.DISK_FULL, "full"))
    assert log.told[0].done()
    while not heard:
        await asyncio.sleep(0)
    assert [str(fault) for fault in heard] == ["full"]


@pytest.mark.parametrize("turns", [1, 2])
async def test_giving_up_does_not_touch_the_record(turns: int) -> None:
    waited, log = receipts(), Log()
    waiting = asyncio.ensure_future(waited.of(log.record))
    for _ in range(turns):  # before it is put, and after
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await recorded(log)
    log.told[0].set_result(receipt(0))
    await asyncio.sleep(0)


async def test_who_does_not_wait_in_a_coroutine_is_called_once() -> None:
    heard: list[BaseException | None] = []
    late: list[BaseException] = []
    waited, log = receipts(within_s=0.05, unheard=late.append), Log()
    for _ in range(3):
        waited.tell(log.record, heard.append)
    await recorded(log, 3)
    log.told[0].set_result(receipt(0))
    log.told[1].set_exception(NotLoggedError(Loss.FLOOD, "flood"))
    while len(heard) < 3:
        await asyncio.sleep(0.01)
    assert heard[0] is None
    assert [type(fault) for fault in heard[1:]] == [NotLoggedError, TimeoutError]
    log.told[2].set_exception(NotLoggedError(Loss.DISK_FULL, "full"))
    while not late:
        await asyncio.sleep(0)
    assert len(heard) == 3


async def test_what_one_does_with_the_news_keeps_it_from_nobody_else() -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
    heard: list[BaseException | None] = []
    waited, log = receipts(), Log()

    def fail(_fault: BaseException | None) -> None:
        raise RuntimeError("planted")

    waited.tell(log.record, fail)
    waited.tell(log.record, heard.append)
    await recorded(log, 2)
    for told in log.told:
        told.set_result(receipt(0))
    while not heard:
        await asyncio.sleep(0)
    assert [str(fault) for fault in faults] == ["planted"]


def test_a_loop_that_is_closed_wakes_nobody() -> None:
    log = Log()

    async def give_up() -> None:
        waiting = asyncio.ensure_future(receipts().of(log.record))
        await recorded(log)
        waiting.cancel()

    asyncio.run(give_up())
    log.told[0].set_result(receipt(0))


def test_a_record_that_nobody_waits_for_is_heard_of_when_it_is_refused() -> None:
    heard: list[BaseException] = []
    told = Unawaited(heard.append)
    told.set_result(receipt(0))
    assert heard == []
    assert not told.done()
    told.set_exception(NotLoggedError(Loss.CLOSED, "closed"))
    assert [str(fault) for fault in heard] == ["closed"]
