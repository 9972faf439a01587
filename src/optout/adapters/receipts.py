"""Records of an event loop on their way to the log's thread, and receipts on their way back: a batch at a time.

Two threads share one interpreter. A record that is put as soon as it is made wakes the other thread, which then fights
for the interpreter with whoever makes the next one, and syncs the disk for one record. So what is made in one turn of
the loop is put at its end, together; and of the receipts that come the first wakes the loop, and those that follow
before it looks are found with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial

from optout.evidence.receipt import Receipt, Told

_Heard = Callable[[BaseException | None], None]
"""Told once what became of a record: nothing for one that is on disk, else why it is not, or a TimeoutError."""


class Receipts:
    """The receipts that one event loop waits for, `within_s` seconds each; make it in that loop.

    `unheard` is told, in the loop, of a record that was not written and for which nobody waits any more. Who gives up
    waiting changes nothing about the record. What is put at the end of a turn is put within a context of `together`.
    """

    def __init__(
        self,
        *,
        within_s: float,
        unheard: Callable[[BaseException], None],
        together: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._together = together
        self._loop = asyncio.get_running_loop()  # asked for once: it costs a call into the kernel before Python 3.12
        self._within_s = within_s
        self._unheard = unheard
        self._made: list[tuple[Callable[[Told], None], _Waiting]] = []
        self._settled: deque[_Waiting] = deque()
        self._is_waking = False

    def tell(self, record: Callable[[Told], None], heard: _Heard) -> _Waiting:
        """Let `record` put something into the log at the end of the loop's present turn, and `heard` know of it."""
        if not self._made:
            self._loop.call_soon(self._end_turn)
        waiting = _Waiting(self, heard)
        self._made.append((record, waiting))
        return waiting

    async def of(self, record: Callable[[Told], None]) -> None:
        """Wait until what `record` puts into the log is on disk; raises what `tell` would say otherwise."""
        heard: asyncio.Future[None] = self._loop.create_future()
        waiting = self.tell(record, partial(_pass_on, heard))
        try:
            await heard
        except asyncio.CancelledError:
            waiting.heard = None
            raise

    def _end_turn(self) -> None:
        made, self._made = self._made, []
        # It is not taken back: a look at who has been served costs less.
        self._loop.call_later(self._within_s, _give_up, [waiting for _, waiting in made])
        with self._together():
            for record, waiting in made:
                try:
                    record(waiting)
                except Exception as fault:
                    waiting.set_exception(fault)

    def settle(self, waiting: _Waiting) -> None:
        """Of the log's thread. The entry comes before the look at the flag, and `_wake` does the opposite."""
        self._settled.append(waiting)
        if not self._is_waking:
            self._is_waking = True
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._is_waking = False
        while self._settled:
            waiting = self._settled.popleft()
            if not waiting.hear(waiting.fault) and waiting.fault is not None:
                self._unheard(waiting.fault)


class _Waiting:
    """Who waits for one receipt: what a future of the log's would be, at a tenth of its price."""

    __slots__ = ("_is_done", "_receipts", "fault", "heard")

    def __init__(self, receipts: Receipts, heard: _Heard) -> None:
        self._receipts = receipts
        self._is_done = False
        self.heard: _Heard | None = heard
        self.fault: BaseException | None = None

    def set_result(self, _receipt: Receipt) -> None:
        self._is_done = True
        self._receipts.settle(self)

    def set_exception(self, fault: BaseException) -> None:
        self.fault, self._is_done = fault, True
        self._receipts.settle(self)

    def done(self) -> bool:
        return self._is_done

    def hear(self, fault: BaseException | None) -> bool:
        """Tell who waits; whether anybody does. What goes wrong there is no reason not to tell the next one."""
        heard, self.heard = self.heard, None
        if heard is None:
            return False
        try:
            heard(fault)
        except Exception as raised:
            context = {"message": "a fault in what follows a record", "exception": raised}
            asyncio.get_running_loop().call_exception_handler(context)
        return True


def _pass_on(heard: asyncio.Future[None], fault: BaseException | None) -> None:
    if heard.done():
        return
    if fault is None:
        heard.set_result(None)
    else:
        heard.set_exception(fault)


def _give_up(made: Iterable[_Waiting]) -> None:
    for waiting in made:
        if waiting.heard is not None:
            waiting.hear(TimeoutError())


class Unawaited:
    """For a record that nobody waits for: `unheard` is told in the log's thread if it was not written."""

    __slots__ = ("_unheard",)

    def __init__(self, unheard: Callable[[BaseException], None]) -> None:
        self._unheard = unheard

    def set_result(self, _receipt: Receipt) -> None:
        """Good."""

    def set_exception(self, fault: BaseException) -> None:
        """Somebody is told after all."""
        self._unheard(fault)

    def done(self) -> bool:
        """Never: it does not remember."""
        return False
