"""Near its largest size a log packs its old segments, one after the other, in a thread of its own.

The writer never waits for it: compressing 64 MiB takes seconds. Erasure in another process waits, because it changes
bytes in place (`erasure`), and so does this: whoever holds the lock of the keys may touch old segments.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path

from optout.evidence.directory import Layout
from optout.evidence.keys import KeyStore
from optout.evidence.packed import SUFFIX, pack
from optout.evidence.segments import list_segments
from optout.evidence.succession import logs_of

LOG = logging.getLogger("optout")
_NEAR = 3, 4  # of the largest size: from there on room is made
_SMALLEST = 1 << 20  # bytes; below that packing is not worth a file


class Packing:
    """Knows when to pack, and what was saved. One thread asks it, that of the `Writer`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._thread: threading.Thread | None = None
        self._saved = 0
        self._has_warned = False
        self._has_nothing = False

    def look(self, used: int, max_bytes: int) -> int:
        """Begin to pack if the log is near its largest size; how many bytes were saved since it was asked last."""
        near, of = _NEAR
        if used * of < max_bytes * near:
            self._has_warned = self._has_nothing = False
            return 0
        if self._thread is not None:
            if self._thread.is_alive():
                return 0
            self._thread = None
            saved, self._saved = self._saved, 0
            return saved
        if not self._has_warned:
            self._has_warned = True
            LOG.warning(
                "the evidence log has used %d of its %d MiB; old segments are compressed to make room",
                used >> 20,
                max_bytes >> 20,
            )
        if not self._has_nothing:
            self._thread = threading.Thread(target=self._pack_one, name="optout-evidence-packing", daemon=True)
            self._thread.start()
        return 0

    @property
    def wants_more(self) -> bool:
        """Whether everything is packed that was sealed, and room is short still."""
        return self._has_nothing

    def sealed(self) -> None:
        """There is one more segment."""
        self._has_nothing = False

    def close(self) -> None:
        """Wait for what is under way: half of it would be done again."""
        if self._thread is not None:
            self._thread.join()

    def _pack_one(self) -> None:
        try:
            path = self._next()
            if path is None:
                self._has_nothing = True
                return
            with KeyStore(self._layout.keys).alone():
                self._saved = pack(path)
        except OSError as fault:
            self._has_nothing = True  # tried again with the next segment
            LOG.warning("an old segment of the evidence log could not be compressed: %s", fault)

    def _next(self) -> Path | None:
        """The oldest plain segment that nobody writes any more."""
        for log in logs_of(self._layout.root):
            segments = [one.path for one in list_segments(Layout(log).segments)]
            if log == self._layout.root:
                del segments[-1:]
            for path in segments:
                with suppress(FileNotFoundError):
                    if path.suffix != SUFFIX and path.stat().st_size >= _SMALLEST:
                        return path
        return None
