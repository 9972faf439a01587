"""An edge with everything numbered and named, as the compilers for HAProxy, Caddy and Apache write it down.

Those three keep tables as text: a spelling leads to a crawler, a crawler to its class, class, method and target to an
outcome, and an outcome to an answer's own words. An outcome is one word:

    a7      answer 7
    pass    the request goes on to the site, and is logged
    left    the request goes on, and nothing is written: who is no AI crawler, and no clause says anything
    next    the next table decides
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from optout.compilers.edge import Answer, CrawlerClass, Edge, Loss, Onward, Outcome
from optout.compilers.recognition import Group, groups
from optout.compilers.templates import Telling, Template, tellings
from optout.crawlers.model import Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.crawlers.tokens import Token
from optout.robots.model import PathPattern

PASS: Final = "pass"  # noqa: S105  a word of tables, no password
LEFT: Final = "left"
NEXT: Final = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An edge as a front end reads it: files by name, and what they cannot do."""

    files: Mapping[str, str]
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One crawler of the edge, and the number of its class."""

    crawler: Crawler
    group: int

    @property
    def hides_path(self) -> bool:
        """Whether a person asked for what it fetches: its paths are in no log (evidence.md part 4)."""
        return Purpose.USER_FETCH in self.crawler.purposes


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a class's table: the first whose method and pattern fit says the outcome. None fits always."""

    outcome: str
    pattern: PathPattern | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An edge, numbered.

    `names` leads from the number of a group and a lower-cased spelling, or a signer's host, to a crawler's number.
    """

    edge: Edge
    groups: tuple[Group, ...]
    crawlers: tuple[Known, ...]
    names: Mapping[tuple[int, str], int]
    templates: tuple[Template, ...]
    answers: tuple[Telling, ...]
    numbers: Mapping[Answer, int]

    def outcome(self, outcome: Outcome) -> str:
        """The word for an outcome."""
        if isinstance(outcome, Answer):
            return f"a{self.numbers[outcome]}"
        return NEXT if outcome is Onward.NEXT else PASS

    def tables(self, group: CrawlerClass) -> tuple[tuple[Line, ...], ...]:
        """The tables of a class, each ended by a line that fits always unless the next table decides."""
        return tuple(tuple(self._lines(group, place)) for place in range(len(group.tables)))

    def _lines(self, group: CrawlerClass, place: int) -> Iterator[Line]:
        table = group.tables[place]
        for step in table.steps:
            outcome, methods = self.outcome(step.outcome), tuple(sorted(step.methods))
            for pattern in step.patterns or (None,):
                yield Line(outcome=outcome, pattern=pattern, methods=methods)
        if table.otherwise is not Onward.NEXT:
            left_alone = place == 0 and not is_ai(group)  # no clause said anything
            yield Line(outcome=LEFT if left_alone else self.outcome(table.otherwise))


def is_ai(group: CrawlerClass) -> bool:
    """Whether crawlers of a class are acted upon without a clause that names them: to these a target is malformed."""
    return isinstance(group.malformed, Answer)


def plan(edge: Edge, registry: Registry) -> Plan:
    """`edge`, made from `registry`, with everything numbered."""
    crawlers = tuple(Known(crawler=each, group=at) for at, group in enumerate(edge.classes) for each in group.crawlers)
    found = groups(registry, [known.crawler for known in crawlers])
    templates, told = tellings(_answers(edge))
    return Plan(
        edge=edge,
        groups=found,
        crawlers=crawlers,
        names=_names(found, crawlers),
        templates=templates,
        answers=tuple(told.values()),
        numbers={answer: number for number, answer in enumerate(told)},
    )


def _answers(edge: Edge) -> Iterator[Answer]:
    for group in edge.classes:
        tables = (step.outcome for table in group.tables for step in table.steps)
        others = (table.otherwise for table in group.tables)
        yield from (each for each in (*tables, *others, group.malformed, group.ambiguous) if isinstance(each, Answer))


def _names(found: tuple[Group, ...], crawlers: tuple[Known, ...]) -> dict[tuple[int, str], int]:
    numbers = {id(known.crawler): number for number, known in enumerate(crawlers)}
    names: dict[tuple[int, str], int] = {}
    for place, group in enumerate(found):
        for token, crawler in group.spellings:
            for name in _written(token):
                names.setdefault((place, name), numbers[id(crawler)])
        for host, crawler in group.signers:
            names.setdefault((place, host), numbers[id(crawler)])
    return names


_BLANKS = (" ", "+", "%20")
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"


def _written(token: Token) -> Iterator[str]:
    """The ways in which a token may be written (`crawlers.tokens`), in lower case; one that mixes them has no name."""
    for blank in _BLANKS if " " in token.text else _BLANKS[:1]:
        for hyphen in _HYPHENS if "-" in token.text else "-":
            yield token.text.lower().replace(" ", blank).replace("-", hyphen)
