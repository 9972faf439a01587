"""Doors silence the loggers of the libraries below them for their process; a test must not do that for the next."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def libraries() -> Iterator[None]:
    """The loggers of the libraries as they were, afterwards."""
    loggers = [logging.getLogger(name) for name in ("aiohttp", "asyncio")]
    before = [(logger, list(logger.handlers), logger.propagate) for logger in loggers]
    yield
    for logger, handlers, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate
