"""A serving process tells its operator about faults, and nothing about visitors."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from optout.adapters.quiet_logs import SERVER_LOG, keep_quiet, name_no_visitor

VISITOR = "203.0.113.9 asked for /secret-page"


def _log(fault: Exception) -> None:
    try:
        raise fault
    except Exception:
        SERVER_LOG.exception("Error handling request from %s", "203.0.113.9")


@pytest.mark.parametrize(
    "fault",
    [BadHttpMessage(VISITOR), ConnectionResetError(VISITOR), BrokenPipeError(VISITOR), ConnectionError(VISITOR)],
)
def test_what_visitors_cause_is_not_logged(caplog: pytest.LogCaptureFixture, fault: Exception) -> None:
    _log(fault)
    assert caplog.records == []


def test_a_fault_of_our_own_is_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    _log(RuntimeError(VISITOR))
    (record,) = caplog.records
    assert "RuntimeError" in caplog.text
    assert "test_quiet_logs.py" in caplog.text
    assert "203.0.113.9" not in caplog.text
    assert "secret" not in caplog.text
    assert record.exc_info is None


def test_a_line_without_a_fault_is_about_a_visitor(caplog: pytest.LogCaptureFixture) -> None:
    SERVER_LOG.warning("a visitor did %s", "something")
    assert caplog.records == []


async def test_the_libraries_are_silent_and_the_loop_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    keep_quiet(loop)
    for name in ("aiohttp.server", "aiohttp.access", "aiohttp.client", "asyncio"):
        logging.getLogger(name).error(VISITOR)
    loop.call_exception_handler({"message": "a callback failed", "exception": RuntimeError(VISITOR), "peer": VISITOR})
    loop.call_exception_handler({"message": "a connection failed", "exception": ConnectionResetError(VISITOR)})
    loop.call_exception_handler({"message": "something without a fault"})
    loop.set_exception_handler(None)
    assert len(caplog.records) == 3
    assert "a callback failed" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "something without a fault" in caplog.text
    assert "203.0.113.9" not in caplog.text


async def test_an_application_s_server_names_no_visitor_and_keeps_its_own_faults(
    caplog: pytest.LogCaptureFixture,
) -> None:
    name_no_visitor()
    name_no_visitor()
    log = logging.getLogger("aiohttp.server")
    log.exception("Error handling request from %s", "203.0.113.9", exc_info=BadHttpMessage("canary"))
    log.exception("Error handling request from %s", "203.0.113.9", exc_info=RuntimeError("of the application"))
    assert "203.0.113.9" not in caplog.text
    assert "canary" not in caplog.text
    assert "of the application" in caplog.text
