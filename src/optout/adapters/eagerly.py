"""A coroutine run at once to its first wait, without a task where it waits for nothing.

Most decisions wait for nothing, and a task costs more than such a decision: it goes once round the event loop.
`asyncio.eager_task_factory` does this from Python 3.12 on.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

_T = TypeVar("_T")


def run_eagerly(work: Coroutine[Future[object], None, _T], then: Callable[[_T], None]) -> None:
    """Run `work`, and tell `then` what it returns: before this call ends, or when all that it awaits has come.

    `work` is in no task: it awaits futures and tasks of its own, cannot be cancelled, and must not raise.
    """
    _Run(work, then).step(None)


class _Run(Generic[_T]):
    __slots__ = ("_then", "_work")

    def __init__(self, work: Coroutine[Future[object], None, _T], then: Callable[[_T], None]) -> None:
        self._work = work
        self._then = then

    def step(self, _done: Future[object] | None) -> None:
        try:
            awaited = self._work.send(None)
        except StopIteration as end:
            self._then(end.value)
        else:
            awaited._asyncio_future_blocking = False  # as a task tells a future that it has understood
            awaited.add_done_callback(self.step)
