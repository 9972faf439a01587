"""A clause as its owner wrote it becomes the clause that is applied; equal sentences share what they are made of.

A host's files say the same few things over and over. What was read once is not validated again, and its sets and
patterns are held once, however many files say it. Memory is bounded: owners write the keys.
"""

from __future__ import annotations

from functools import lru_cache

from optout.crawlers.model import Purpose
from optout.identity import Standing
from optout.policy.model import Clause, Place
from optout.policy.rate import Rate
from optout.policy.schema import ClauseForm
from optout.policy.vocabulary import Vocabulary
from optout.robots.model import PathPattern

_MOST_KNOWN = 4096
_LONGEST = 1024  # characters; longer clauses are seldom written twice


class ClauseReader:
    """Reads clauses in one vocabulary."""

    __slots__ = ("_known", "_words")

    def __init__(self, words: Vocabulary) -> None:
        self._words = words
        self._known: dict[str, Clause] = {}

    def read(self, written: object, at: int, place: Place) -> Clause:
        """The clause at position `at` of the list, written as a mapping; `ValidationError` where it is not sound."""
        key = repr(written)  # dicts, lists, texts and None: what is written alike reads alike
        known = self._known.get(key)
        if known is None:
            known = _compile(ClauseForm.model_validate(written, context=self._words), place)
            if len(key) <= _LONGEST:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[key] = known
        return Clause(
            id=known.id or f"clause-{at + 1}",
            action=known.action,
            place=place,
            crawlers=known.crawlers,
            operators=known.operators,
            purposes=known.purposes,
            standings=known.standings,
            paths=known.paths,
            methods=known.methods,
            mode=known.mode,
            including_search=known.including_search,
            reason=known.reason,
            rate=known.rate,
        )


@lru_cache(maxsize=2)  # as many as there are vocabularies
def clause_reader(words: Vocabulary) -> ClauseReader:
    """The reader that remembers what was written in this vocabulary."""
    return ClauseReader(words)


def _compile(form: ClauseForm, place: Place) -> Clause:
    return Clause(
        id=form.id,
        action=form.action,
        place=place,
        crawlers=_names(form.crawler),
        operators=_names(form.operator),
        purposes=_purposes(form.purpose),
        standings=_standings(form.standing),
        paths=tuple(_pattern(path) for path in form.path),
        methods=_names(form.method),
        mode=form.mode,
        including_search=form.including_search,
        reason=form.reason,
        rate=Rate.parse(form.rate) if form.rate else None,
    )


# A set takes two hundred octets, and fleets mean the same few. Each kind has a memory of its own: a word of an enum
# equals the text that it is.
_pattern = lru_cache(maxsize=4096)(PathPattern.parse)


@lru_cache(maxsize=1024)
def _names(written: tuple[str, ...]) -> frozenset[str]:
    return frozenset(written)


@lru_cache(maxsize=1024)
def _purposes(written: tuple[Purpose, ...]) -> frozenset[Purpose]:
    return frozenset(written)


@lru_cache(maxsize=1024)
def _standings(written: tuple[Standing, ...]) -> frozenset[Standing]:
    return frozenset(written)
