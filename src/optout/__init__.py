"""Optout: enforces a site's published AI opt-out, offers a license, keeps evidence that a stranger can verify.

For an application that has a door inside: `optout.stats()` gives the numbers of each door of this process, and
`optout.on_decision(observer)` has a function called after each decision on a crawler. Importing this package loads
nothing else; what these two need comes with the first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optout.adapters.stats.observers import on_decision
    from optout.adapters.stats.reading import stats

__all__ = ["on_decision", "stats"]


def __getattr__(name: str) -> object:
    if name == "stats":
        from optout.adapters.stats.reading import stats  # noqa: PLC0415

        return stats
    if name == "on_decision":
        from optout.adapters.stats.observers import on_decision  # noqa: PLC0415

        return on_decision
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
