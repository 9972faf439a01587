"""Holds a log that nobody holds any more, for a process that began with a spool.

Application servers replace their workers: the one that held the log ends, and the others, which began while it was
held, go on writing spools. One of them takes the log then, beside its own spool, and takes everybody's records over.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from optout.errors import EvidenceError
from optout.evidence.directory import HeldError
from optout.evidence.log import EvidenceLog

LOG = logging.getLogger("optout")
_TRY_EVERY_S = 2.0
_CLOSE_WITHIN_S = 10.0


class StandIn:
    """Tries to open a log until it is free, in a thread of its own."""

    def __init__(self, open_log: Callable[[], EvidenceLog], *, every_s: float = _TRY_EVERY_S) -> None:
        self._open = open_log
        self._every_s = every_s
        self._log: EvidenceLog | None = None
        self._told = ""
        self._process = os.getpid()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="optout-stand-in", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self._log = self._open()
            except HeldError:
                continue
            except EvidenceError as fault:
                if fault.what != self._told:
                    self._told = fault.what
                    LOG.error("nobody holds the evidence log, and records wait in spools: %s", fault.what)
            else:
                break
        if self._ended.is_set() and self._log is not None:
            self._log.close()  # the opening took longer than anybody waited

    def close(self) -> None:
        """End, and close the log if it was taken."""
        if os.getpid() == self._process:
            self._ended.set()
            self._thread.join(_CLOSE_WITHIN_S)
        if self._log is not None:
            self._log.close()
