"""Logs of a serving process that name no visitor: the libraries below would print addresses, targets and fields.

A fault of our own is shown with its kind and its place in the code, and without its message: messages quote requests.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

from aiohttp.http import HttpProcessingError

LOG = logging.getLogger("optout")
SERVER_LOG = logging.getLogger("optout.http")
"""For `aiohttp.web.AppRunner(logger=...)`."""

# What a visitor's bytes, or a visitor who hangs up, make aiohttp report: no news for the operator.
_VISITORS_FAULTS = (HttpProcessingError, ConnectionError, asyncio.CancelledError)


class _NoVisitors(logging.Filter):
    """Drops what visitors caused, and takes every word of theirs out of the rest."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log `record`, changed or not."""
        fault = record.exc_info[1] if record.exc_info else None
        if fault is None or isinstance(fault, _VISITORS_FAULTS):
            return False
        record.msg, record.args, record.exc_info = _described(fault), (), None
        return True


SERVER_LOG.addFilter(_NoVisitors())


class _NoAddresses(logging.Filter):
    """For an application's own server: drops what visitors caused, and takes the address out of its own faults."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log `record`, changed or not."""
        fault = record.exc_info[1] if record.exc_info else None
        if isinstance(fault, _VISITORS_FAULTS):
            return False
        if fault is not None and record.args:
            record.msg, record.args = "Error handling a request", ()
        return True


_NO_ADDRESSES = _NoAddresses()


def name_no_visitor() -> None:
    """Keep visitors' octets and addresses out of the log of aiohttp's server. Calling it again changes nothing."""
    logging.getLogger("aiohttp.server").addFilter(_NO_ADDRESSES)


def keep_quiet(loop: asyncio.AbstractEventLoop) -> None:
    """Silence aiohttp's own loggers in this process, and give the loop a handler of faults that names nobody."""
    for name in ("aiohttp", "asyncio"):
        library = logging.getLogger(name)
        library.addHandler(logging.NullHandler())
        library.propagate = False
    loop.set_exception_handler(_report)


def _report(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    fault = context.get("exception")
    if isinstance(fault, _VISITORS_FAULTS):
        return
    LOG.error("%s", context.get("message", "a fault in the event loop"))
    if fault is not None:
        LOG.error("%s", _described(fault))


def _described(fault: BaseException) -> str:
    place = "".join(traceback.format_tb(fault.__traceback__))
    return f"a fault of Optout's own: {type(fault).__name__}\n{place}".rstrip()
