"""What of mitmproxy's own log may reach the terminal or the journal: how it starts and stops, and nothing of visitors.

mitmproxy writes a line with the address for each connection, and puts what a visitor sent into its error messages.
Rule: before the door is open its messages pass whole, but for those of connections; afterwards only those about its
own sockets do. An error is told once for each place in the code, without its text.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from mitmproxy import version
from mitmproxy.exceptions import OptionsError

from optout.errors import OptoutError

LOG = logging.getLogger("optout")

_SPEAKS_OF_VISITORS = ("mitmproxy.proxy.server", "mitmproxy.proxy.layer")
_SPEAKS_OF_ITSELF = frozenset(
    {"mitmproxy.proxy.mode_servers", "mitmproxy.addons.proxyserver", "mitmproxy.addons.script"}
)
_PACKAGE = str(Path(version.__file__).parent)
# mitmproxy and the libraries that read visitors' bytes for it; "quic" is aioquic.
_SILENCED = ("mitmproxy", "hpack", "h2", "quic", "wsproto", "asyncio", "aiohttp")


class Discretion(logging.Handler):
    """Stands between mitmproxy's loggers and the root logger. `is_open` is set once visitors are served."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False
        self._told: set[str] = set()
        self._before: list[tuple[logging.Logger, bool, int]] = []

    def install(self) -> None:
        """Take over the loggers; what they hold until now stays as it is."""
        for name in _SILENCED:
            logger = logging.getLogger(name)
            self._before.append((logger, logger.propagate, logger.level))
            logger.propagate = False
            logger.addHandler(self)
        for name in _SPEAKS_OF_VISITORS:  # not even made: a line costs more than deciding on a person's request
            logger = logging.getLogger(name)
            self._before.append((logger, logger.propagate, logger.level))
            logger.setLevel(logging.ERROR)
        logging.getLogger().addFilter(self._admits_from_root)

    def uninstall(self) -> None:
        """Give the loggers back."""
        for logger, propagate, level in self._before:
            logger.removeHandler(self)
            logger.propagate = propagate
            logger.setLevel(level)
        self._before.clear()
        logging.getLogger().removeFilter(self._admits_from_root)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on to the root logger's handlers, or tell only that there was one."""
        if record.name in _SPEAKS_OF_ITSELF or not (self.is_open or record.name.startswith(_SPEAKS_OF_VISITORS)):
            logging.getLogger().callHandlers(_without_traceback(record))
        elif record.levelno >= logging.ERROR:
            self._tell(record)

    def _admits_from_root(self, record: logging.LogRecord) -> bool:
        """Some of mitmproxy's addons log without a logger of their own."""
        if not self.is_open or not record.pathname.startswith(_PACKAGE):
            return True
        if record.levelno >= logging.ERROR:
            self._tell(record)
        return False

    def _tell(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        place = f"{record.module}.py:{record.lineno}" if fault is None else place_of(fault)
        if place not in self._told:
            self._told.add(place)
            LOG.error("mitmproxy reported an error (%s). Its text may name a visitor and is withheld.", place)


def place_of(fault: BaseException) -> str:
    """The kind of a fault and its place in the code, without its message, which may quote a visitor."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(fault).__name__ + place


def _without_traceback(record: logging.LogRecord) -> logging.LogRecord:
    """An owner who wrote a wrong option wants to read what is wrong, not where mitmproxy noticed."""
    fault = record.exc_info[1] if record.exc_info else None
    if not isinstance(fault, OptionsError) or not isinstance(fault.__cause__, OptoutError):
        return record
    plain = logging.makeLogRecord(record.__dict__)
    plain.msg, plain.args, plain.exc_info, plain.exc_text = f"Optout does not start.\n{fault}", (), None, None
    return plain
