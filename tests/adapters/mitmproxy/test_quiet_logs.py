"""What of mitmproxy's log gets out: its start and its end, and not a word of visitors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.addons import disable_h2c
from mitmproxy.exceptions import OptionsError

from optout.adapters.mitmproxy.quiet_logs import Discretion, place_of
from optout.errors import UsageError

SECRET = "203.0.113.77 asked for /my-illness"


class Out(logging.Handler):
    """The root logger's handler, as mitmproxy's terminal log is one."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def out() -> Iterator[Out]:
    root, handler = logging.getLogger(), Out()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def discretion() -> Iterator[Discretion]:
    discretion = Discretion()
    discretion.install()
    yield discretion
    discretion.uninstall()


def fail(text: str = SECRET) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as fault:
        return fault


@pytest.mark.parametrize("is_open", [False, True])
def test_a_line_for_each_connection_is_not_even_made(out: Out, discretion: Discretion, is_open: bool) -> None:
    discretion.is_open = is_open
    logger = logging.getLogger("mitmproxy.proxy.server")
    assert not logger.isEnabledFor(logging.WARNING)
    logger.info("client connect", extra={"client": ("203.0.113.77", 1)})
    assert out.lines == []


@pytest.mark.parametrize("is_open", [False, True])
def test_mitmproxy_may_say_where_it_listens(out: Out, discretion: Discretion, is_open: bool) -> None:
    discretion.is_open = is_open
    logging.getLogger("mitmproxy.proxy.mode_servers").info("reverse proxy listening at 127.0.0.1:8080.")
    assert out.lines == ["reverse proxy listening at 127.0.0.1:8080."]


def test_before_the_door_is_open_an_owner_reads_every_word(out: Out, discretion: Discretion) -> None:
    logging.getLogger("mitmproxy.addons.tlsconfig").warning("the certificate has expired")
    assert out.lines == ["the certificate has expired"]


@pytest.mark.parametrize(
    "name", ["mitmproxy.addonmanager", "mitmproxy.tls", "asyncio", "hpack.hpack", "quic", "aiohttp.client"]
)
def test_once_it_is_open_nothing_below_an_error_gets_out(out: Out, discretion: Discretion, name: str) -> None:
    discretion.is_open = True
    logging.getLogger(name).warning(SECRET)
    assert out.lines == []


@pytest.mark.parametrize("name", ["mitmproxy.addonmanager", "mitmproxy.proxy.server", "mitmproxy.master", "asyncio"])
def test_an_error_is_told_once_without_its_text(out: Out, discretion: Discretion, name: str) -> None:
    discretion.is_open = True
    fault = fail()
    for _ in range(3):
        logging.getLogger(name).error(SECRET, exc_info=(type(fault), fault, fault.__traceback__))
    assert len(out.lines) == 1
    assert "ValueError at test_quiet_logs.py" in out.lines[0]
    assert "illness" not in out.lines[0]


def test_an_error_without_an_exception_is_told_by_its_place(out: Out, discretion: Discretion) -> None:
    discretion.is_open = True
    logging.getLogger("mitmproxy.master").error(SECRET)
    assert len(out.lines) == 1
    assert "test_quiet_logs.py:" in out.lines[0]
    assert "illness" not in out.lines[0]


def test_addons_that_log_to_the_root_logger_are_held_back_too(out: Out, discretion: Discretion) -> None:
    discretion.is_open = True
    root = logging.getLogger()
    path = str(Path(disable_h2c.__file__))
    for level in (logging.WARNING, logging.ERROR):
        root.handle(root.makeRecord("root", level, path, 18, SECRET, (), None))
    assert [line for line in out.lines if "illness" in line] == []
    assert len(out.lines) == 1
    root.warning("a word of the program's own")
    assert out.lines[-1] == "a word of the program's own"


def test_a_wrong_option_is_told_in_words_and_not_in_a_traceback(out: Out, discretion: Discretion) -> None:
    cause = UsageError("there is no policy nope", "name a file")
    try:
        raise OptionsError(cause.diagnostics()) from cause
    except OptionsError as fault:
        logging.getLogger("mitmproxy.addons.script").error("error in script", exc_info=fault)
    assert out.lines == ["Optout does not start.\nthere is no policy nope\n  name a file"]


def test_the_loggers_are_given_back(out: Out) -> None:
    names = ("mitmproxy", "mitmproxy.proxy.server", "asyncio")
    before = [(logging.getLogger(name).propagate, logging.getLogger(name).level) for name in names]
    handlers = list(logging.getLogger("mitmproxy").handlers)
    discretion = Discretion()
    discretion.install()
    discretion.uninstall()
    assert [(logging.getLogger(name).propagate, logging.getLogger(name).level) for name in names] == before
    assert logging.getLogger("mitmproxy").handlers == handlers
    logging.getLogger("mitmproxy.addons.cut").warning("heard again")
    assert out.lines == ["heard again"]


def test_the_place_of_a_fault_is_its_kind_and_line() -> None:
    assert place_of(fail()).startswith("ValueError at test_quiet_logs.py:")
    assert place_of(ValueError(SECRET)) == "ValueError"
