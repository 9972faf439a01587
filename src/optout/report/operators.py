"""One sheet per operator, from the bundles of many sites: what a group of creators lays on a licensing desk's table.

Rule: only what a bundle proves is counted. One that is not sound is named, and none of its records is in any figure; a
record that stands in two bundles of one log is counted once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from optout.report.figures import Row, Visit, count, moment
from optout.report.language import Say, english
from optout.report.sheet import Block, Facts, Grid, Heading, NewPage, Sheet, Text
from optout.report.visits import ALARMS

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One bundle as its verifier left it.

    `name` is its file's; `verdict` is `sound`, `could not tell` (nobody said which key its log has) or `not sound`, and
    `why` says more. `records` are pairs of place and fields, none where it is not sound.
    """

    name: str
    sha256: str
    verdict: str
    why: str
    vkey: str = ""
    checkpoint: str = ""
    records: tuple[tuple[int, Fields], ...] = ()

    @property
    def is_counted(self) -> bool:
        """Whether its records are in the figures."""
        return self.verdict != "not sound"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A row of an operator's sheet."""

    site: str
    row: Row


def sheet(
    bundles: tuple[Bundle, ...], *, made_us: int, made_by: str, software: str, say: Say = english, language: str = "en"
) -> Sheet:
    """The report."""
    made = say("{time} by {who}, with {software}").format(time=moment(made_us), who=made_by, software=software)
    blocks = (*_bundles(bundles, made, say), *_operators(bundles, say))
    return Sheet(title=say("AI crawlers on several sites, by operator"), blocks=blocks, language=language, foot=made)


def _bundles(bundles: tuple[Bundle, ...], made: str, say: Say) -> Iterator[Block]:
    yield Facts(((say("Made"), made), (say("Bundles"), str(len(bundles)))))
    yield Text(
        say(
            "Each bundle was checked: its files, its signature, and that its records lead to the signed root. sound:"
            " all of that, with the key that was given for it; could not tell: all of that, but the key was taken from"
            " the bundle itself, so whose log it is stands open; not sound: nothing of it is in the figures."
        )
    )
    yield Grid(
        heads=(say("Bundle"), "SHA-256", say("Verdict"), say("Why"), say("Log, size, root")),
        rows=tuple(
            (bundle.name, bundle.sha256, bundle.verdict, bundle.why, bundle.checkpoint or bundle.vkey)
            for bundle in bundles
        ),
        foreign=frozenset({0}),
        widths=(0.16, 0.24, 0.12, 0.22, 0.26),
        alarms=frozenset({"not sound"}),
    )


def _operators(bundles: tuple[Bundle, ...], say: Say) -> Iterator[Block]:
    by_operator: dict[str, list[_Seen]] = {}
    for site, visits in _by_site(bundles).items():
        for row in count(visits, keep=0).rows:
            by_operator.setdefault(row.operator, []).append(_Seen(site=site, row=row))
    for operator, seen in sorted(by_operator.items(), key=lambda pair: (-_attempts(pair[1]), pair[0])):
        yield NewPage()
        yield Heading(operator or say("No operator is known"))
        yield Text(
            say("{sites} sites. Rows of different standing are never added together.").format(
                sites=len({each.site for each in seen})
            )
        )
        yield _table(seen, say)
    if not by_operator:
        yield Text(say("No visit is in these bundles."))


def _by_site(bundles: tuple[Bundle, ...]) -> dict[str, list[Visit]]:
    """The visits of each site; figures are made of them and of their outcomes alone."""
    outcomes: dict[tuple[str, str], Fields] = {}
    retracted: set[tuple[str, str]] = set()
    requests: dict[tuple[str, str], tuple[int, Fields]] = {}
    for bundle in bundles:
        for index, fields in bundle.records if bundle.is_counted else ():
            kind, of = fields.get("type"), (bundle.vkey, str(fields.get("crawl.request.id", "")))
            if kind == "crawl.request":
                requests[bundle.vkey, str(fields.get("id"))] = (index, fields)
            elif kind == "crawl.outcome":
                outcomes[of] = fields
            elif kind == "crawl.retract":
                retracted.add(of)
    sites: dict[str, list[Visit]] = {}
    for key, (index, fields) in requests.items():
        if key not in retracted:
            visit = Visit(index=index, fields=fields, outcome=outcomes.get(key, {}))
            sites.setdefault(str(fields.get("server.address", "")), []).append(visit)
    return sites


def _attempts(seen: Iterable[_Seen]) -> int:
    return sum(each.row.attempts for each in seen)


def _table(seen: list[_Seen], say: Say) -> Grid:
    ordered = sorted(seen, key=lambda each: (each.site, -each.row.attempts))
    return Grid(
        heads=(
            say("Site"),
            say("Claimed to be"),
            say("Purpose"),
            say("Standing"),
            say("Attempts"),
            say("Answered"),
            say("Content bytes sent"),
            say("First and last"),
        ),
        rows=tuple((each.site, *_cells(each.row)) for each in ordered),
        numbers=frozenset({4, 6}),
        foreign=frozenset({1}),
        widths=(0.18, 0.14, 0.1, 0.12, 0.09, 0.13, 0.1, 0.14),
        alarms=ALARMS,
    )


def _cells(row: Row) -> tuple[str, ...]:
    answered = "\n".join(f"{count} {name}" for name, count in sorted(row.actions.items()))
    span = "\n".join(moment(visit.time_us) for visit in (row.first, row.last) if visit is not None)
    counts = (str(row.attempts), answered, str(row.content_bytes), span)
    return (row.name, row.purpose, row.standing, *counts)
