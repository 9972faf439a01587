"""What may be asked of the records: words that must stand in their fields, a stretch of time, a path."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from optout.evidence.index.facts import Facts
from optout.evidence.index.tables import PLACES
from optout.evidence.probe import PROBE

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A beginning of paths, or, with `*`, `?` or `[` in it, a shell pattern for whole paths (`*` crosses slashes)."""

    text: str

    @property
    def is_wild(self) -> bool:
        """Whether it is a pattern for the whole path."""
        return _WILD.search(self.text) is not None

    @property
    def prefix(self) -> str:
        """How every path that it fits begins."""
        return _WILD.split(self.text, maxsplit=1)[0]

    def matcher(self) -> Callable[[str], bool]:
        """Whether it fits a path."""
        if not self.is_wild:
            return lambda path: path.startswith(self.text)
        fits = re.compile(fnmatch.translate(self.text)).match
        return lambda path: fits(path) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which records are wanted: those for which all that is said here is true.

    `since_us` is the first µs, `until_us` the first one no longer wanted (1970 UTC); `facets` maps names of
    `tables.FACETS` to texts, compared without regard to case. A probe of the owner's fits no facet and no path unless
    its type is asked for.
    """

    since_us: int | None = None
    until_us: int | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    path: PathPattern | None = None

    @property
    def is_choosy(self) -> bool:
        """Whether it asks for more than a stretch of time."""
        return bool(self.facets) or self.path is not None

    def fits_profile(self, profile: tuple[str, ...]) -> bool:
        """Whether the texts of `FACETS`, in that order, are those wanted."""
        if self.is_choosy and profile[0] == PROBE and "type" not in self.facets:
            return False
        for name, wanted in self.facets.items():
            place = PLACES.get(name)
            if place is not None and profile[place] != wanted and profile[place].casefold() != wanted.casefold():
                return False
        return True

    def fits(self, facts: Facts) -> bool:
        """Whether one record is wanted."""
        if self.since_us is not None and facts.time_us < self.since_us:
            return False
        if self.until_us is not None and facts.time_us >= self.until_us:
            return False
        if self.path is not None and (facts.path is None or not self.path.matcher()(facts.path)):
            return False
        return self.fits_profile(facts.profile)
