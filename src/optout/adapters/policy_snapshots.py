"""The policies that were in force, kept in the evidence byte for byte, each before the first record that rests on it.

Every document that the log keeps is a file of its own and waits for the disk twice. 40,000 of them at once would hold
up the records of crawlers for minutes. So a few are kept at once, the others in small numbers while nobody waits; and
whichever a record is about to rest on comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from optout.evidence.recorder import Recorder

_AT_ONCE = 100  # all of them, on all but a host's machine
_AT_A_LOOK = 10


class PolicySnapshots:
    """Policy files that are still to be kept, by name."""

    def __init__(self) -> None:
        self._waiting: dict[str, bytes] = {}

    def add(self, files: Mapping[str, bytes], log: Recorder) -> None:
        """Takes in files that were read. A former text of one of them, which may be in force, is kept now."""
        for name in self._waiting.keys() & files.keys():
            self.before_record(name, log)
        self._waiting.update(files)
        self._keep(_AT_ONCE, log)

    def go_on(self, log: Recorder) -> None:
        """Keeps a few more."""
        self._keep(_AT_A_LOOK, log)

    def before_record(self, name: str, log: Recorder) -> None:
        """Keeps the file of this name, if it is not kept yet."""
        data = self._waiting.pop(name, None)
        if data is not None:
            log.snapshot("policy", data, file=name)

    def _keep(self, most: int, log: Recorder) -> None:
        for name in tuple(islice(self._waiting, most)):
            self.before_record(name, log)
