"""The event loop of a serving process: uvloop where it is installed, else asyncio's own, which costs half the speed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from importlib.util import find_spec


def run(work: Coroutine[object, object, None]) -> None:
    """Run `work` to its end in a loop of its own."""
    if find_spec("uvloop") is None:
        asyncio.run(work)
    else:
        import uvloop  # noqa: PLC0415  it is not there everywhere

        uvloop.run(work)
