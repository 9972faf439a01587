"""Once a day: an end of private parts whose time is over, for the process that holds the log or writes beside it.

Whoever comes first does it, and `erase_months` lets nobody do it twice. It is never in anybody's way: it runs in a
thread of its own, and what fails is tried again the next day.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.erasure import Why, erase_months
from optout.evidence.holds import read_holds
from optout.evidence.keys import KeyStore
from optout.evidence.recorder import Recorder
from optout.evidence.retention import terms
from optout.policy.model import Policy

LOG = logging.getLogger("optout")
_DAY_US = 86_400_000_000
_FIRST_US = 60_000_000  # a minute after the start: not while a door is coming up


class RetentionJob:
    """Knows when it is due; `mono_us` is a steady clock in µs."""

    def __init__(self, directory: Path, mono_us: int) -> None:
        self._layout = Layout(directory)
        self._due_us = mono_us + _FIRST_US

    def is_due(self, mono_us: int) -> bool:
        """Whether a day has passed; from then on not again for a day."""
        if mono_us < self._due_us:
            return False
        self._due_us = mono_us + _DAY_US
        return True

    def run(self, log: Recorder, policies: Iterable[Policy], now_us: int) -> int:
        """Erase what is over, by the shortest term of each tenant's policies; how many months. Never raises."""
        days: dict[str, int] = {}
        for policy in policies:
            days[policy.tenant] = min(policy.retention_days, days.get(policy.tenant, policy.retention_days))
        try:
            keys = KeyStore(self._layout.keys)
            found = terms(keys, read_holds(self._layout.keys), now_us=now_us, by_tenant=days)
            over = [each.where for each in found if each.is_over]
            return (
                erase_months(log, self._layout, keys, over, Why(by="retention", reason="term is over")) if over else 0
            )
        except (OSError, EvidenceError, TimeoutError) as fault:
            LOG.error("private parts whose time is over could not be erased: %s; tried again tomorrow", fault)
            return 0
