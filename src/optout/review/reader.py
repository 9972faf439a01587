"""Reads the log for the pages: one thread, one catalog, caught up before it is asked.

Nothing here writes into the log. What is damaged is left out and told: `broken` says how many records that are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint, NoteFault, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.index.catalog import Catalog, Hit, open_catalog
from optout.evidence.index.question import Question
from optout.evidence.schema import parse_record
from optout.evidence.segments import Break
from optout.evidence.signing import load_verifier_key
from optout.evidence.succession import logs_of

Fields = Mapping[str, object]
_Answer = TypeVar("_Answer")
_FRESH_S = 1.0


class Reader:
    """The log at `directory` and those before it; `tenant` "" sees everything. Use its methods in its own thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._thread = ThreadPoolExecutor(1, "review")
        self._open: AbstractContextManager[Catalog] | None = None
        self._catalog: Catalog | None = None
        self._caught_up = 0.0

    async def ask(self, question: Callable[[Reader], _Answer]) -> _Answer:
        """What `question` finds, asked in the reader's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self)

    def close(self) -> None:
        """Close the files."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = self._catalog = None

    @property
    def catalog(self) -> Catalog:
        """The records, as new as a second ago. Raises EvidenceError where they cannot be read."""
        if self._catalog is None or self._catalog_is_of_another_quarter():
            self._close()
            self._open = open_catalog(self.directory)
            self._catalog = self._open.__enter__()
            self._caught_up = time.monotonic()
        elif time.monotonic() - self._caught_up > _FRESH_S:
            for index in self._catalog.indexes:
                index.catch_up()
            self._caught_up = time.monotonic()
        return self._catalog

    def _catalog_is_of_another_quarter(self) -> bool:
        return self._catalog is not None and len(logs_of(self.directory)) != len(self._catalog.indexes)

    def records(self, question: Question, limit: int, *, newest_first: bool = True) -> list[Hit]:
        """At most `limit` whole records that fit and were not taken back."""
        found: list[Hit] = []
        for hit in self.catalog.records(question, newest_first=newest_first):
            if isinstance(hit, Break) or hit.found.row.retracted:
                continue
            found.append(hit)
            if len(found) == limit:
                break
        return found

    @property
    def broken(self) -> int:
        """How many records are damaged or missing."""
        return self.catalog.lost

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest signed state of the log; None where there is none that the key signed."""
        layout = Layout(self.directory)
        try:
            found = open_checkpoint(layout.checkpoint.read_bytes(), load_verifier_key(layout.vkey))
        except (OSError, EvidenceError):
            return None
        return None if isinstance(found, NoteFault) else found

    def document(self, sha256: str) -> bytes | None:
        """A document that the log has kept, by its SHA-256 (hex)."""
        found = (Layout(log).document(sha256) for log in logs_of(self.directory))
        return next((data for data in found if data is not None), None)


def of_tenant(question: Question, tenant: str) -> Question:
    """The question, of one tenant's records only; "" is everybody's."""
    return replace(question, facets={**question.facets, "tenant": tenant}) if tenant else question


def fields_of(hit: Hit) -> Fields:
    """A record's fields."""
    return parse_record(hit.found.entry.record) or {}
