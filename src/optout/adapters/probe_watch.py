"""The door's side of `optout audit --probe`: the key of its log, and whether a request is a probe under it.

Rule: the key is read beside the requests, at the door's start and with its upkeep, and never for one of them.
"""

from __future__ import annotations

import logging
from pathlib import Path

from optout.adapters.intake import now_us
from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.probe import FIELD, ProbeCheck, probe_key
from optout.evidence.signing import load_private_key
from optout.messages import Request

LOG = logging.getLogger("optout")
_NAME = FIELD.lower()


class ProbeWatch:
    """Tells probes from requests where a log is kept; where none is, there are no probes."""

    def __init__(self, evidence: Path | None) -> None:
        self._file = None if evidence is None else Layout(evidence).key
        self._seen: tuple[int, int] | None = None
        self._check: ProbeCheck | None = None

    def look(self) -> None:
        """Read the log's key if it is another one now.

        While there is none, because one log follows another, the last one stays.
        """
        if self._file is None:
            return
        try:
            found = self._file.stat()
            seen = found.st_ino, found.st_mtime_ns
            if seen != self._seen:
                self._check = ProbeCheck(probe_key(load_private_key(self._file)))
                self._seen = seen
        except (OSError, EvidenceError):
            LOG.debug("the log's key cannot be read now: probes are requests like any other")

    def takes(self, request: Request) -> bool:
        """Whether a request is a probe of the owner's, for the first time."""
        check = self._check
        return check is not None and request.fields.first(_NAME) is not None and check.takes(request, now_us())
