"""Says in the log what a site was seen to publish: at every change, and once a day that it is still there.

From these records alone a history without holes can be told (`optout report --declaration`), also where no crawler ever
came. Only of sites that a policy names: a host that only a visitor named is a visitor's word.
"""

from __future__ import annotations

from optout.adapters.documents import PublishedCache
from optout.evidence.recorder import Recorder
from optout.evidence.schema import Value
from optout.signals.declaration import Document, DocumentState

SEEN = "declaration.seen"
_DAY_US = 86_400_000_000
_MOST = 50_000


class Witness:
    """What was told last of each document of each site."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[Document, str, int]] = {}

    def saw(self, log: Recorder, authority: str, document: Document, tenant: str, time_us: int) -> None:
        """A document is there that was not there before, or is gone; unknown says nothing."""
        if document.state is DocumentState.UNKNOWN or len(self._told) >= _MOST:
            return
        self._tell(log, authority, document, tenant, time_us, again=False)

    def again(self, log: Recorder, published: PublishedCache, time_us: int) -> None:
        """Tell once more what was told a day ago and is still so; a site that nobody visited is asked first.

        Call it in the event loop, now and then; it waits for nobody.
        """
        due = [(key, told) for key, told in self._told.items() if time_us - told[2] >= _DAY_US]
        for (authority, _), (document, tenant, _) in due:
            known, is_stale = published.peek(authority)
            if is_stale:
                published.get(authority)  # begins to ask; the next call sees what came of it
            elif document in (known.robots_document, known.tdmrep_document, *(each for _, each in known.licenses)):
                self._tell(log, authority, document, tenant, time_us, again=True)

    def _tell(
        self, log: Recorder, authority: str, document: Document, tenant: str, time_us: int, *, again: bool
    ) -> None:
        self._told[authority, document.name] = document, tenant, time_us
        fields: dict[str, Value] = {
            "type": SEEN,
            "tenant": tenant,
            "server.address": authority,
            "declaration.name": document.name,
            "declaration.state": document.state.value,
            "declaration.again": again,
        }
        if document.sha256:
            fields["declaration.sha256"] = document.sha256
        log.append(fields)
