"""How a process takes part in a log: holds it, records beside whoever holds it, or whichever is possible."""

from __future__ import annotations

import time
from enum import Enum
from functools import partial
from pathlib import Path

from optout.evidence.directory import HeldError, Layout
from optout.evidence.log import EvidenceLog
from optout.evidence.recorder import Recorder
from optout.evidence.spooled_log import SpooledLog
from optout.evidence.succession import living

_MADE_WITHIN_S = 10.0
_ASK_EVERY_S = 0.02


class Opening(Enum):
    """What to do with a log's directory."""

    HOLD = "hold"  # alone, or not at all: two services on one directory are a mistake of their owner's
    SPOOL = "spool"  # a worker of a supervisor, which holds the log
    JOIN = "join"  # one of several equal processes: whoever comes first holds it, and another one when that ends


def open_log(directory: Path, how: Opening, *, software: str) -> Recorder:
    """The log in `directory`, or, if that has ended, the one that goes on.

    `software` names and versions the program that writes.
    Raises HeldError for HOLD if another process has it, and what `EvidenceLog.open` and `SpooledLog.open` raise.
    """
    directory = living(directory)
    match how:
        case Opening.HOLD:
            return EvidenceLog.open(directory, software=software)
        case Opening.SPOOL:
            return SpooledLog.open(directory, software=software)
        case Opening.JOIN:
            return _join(directory, software)


def _join(directory: Path, software: str) -> Recorder:
    layout, until = Layout(directory), time.monotonic() + _MADE_WITHIN_S
    hold = partial(EvidenceLog.open, directory, software=software)
    while True:
        try:
            return hold()
        except HeldError:
            if layout.vkey.exists():
                spooled = SpooledLog.open(directory, software=software)
                spooled.stand_in(hold)
                return spooled
            if time.monotonic() >= until:
                raise
        time.sleep(_ASK_EVERY_S)  # whoever holds it is making it at this moment
