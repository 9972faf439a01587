"""The account of visits that `optout report` writes: read from the index, so that its memory does not grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.evidence.index.catalog import Catalog, Hit
    from optout.evidence.index.question import Question
    from optout.report.account import Account
    from optout.report.figures import Fields, Figures, Visit
    from optout.report.language import Say
    from optout.report.sheet import Sheet


def visited(directory: Path, account: Account, crawler: str, work: str, authority: str, say: Say, lang: str) -> Sheet:
    """The account of all visits, of one crawler's, to one work, or of one crawler's to one work."""
    from optout.cli.evidence.choosing import catalog_of
    from optout.cli.report import documents_of
    from optout.evidence.directory import Layout
    from optout.evidence.succession import logs_of
    from optout.report.visits import Asked, sheet

    hashes: dict[int, str] = {}
    with catalog_of(directory) as catalog:
        counted = _count(catalog, account, crawler, work, authority, hashes)
        broken = catalog.lost
    wanted = {rule.sha256 for rule, _ in counted.rules}
    documents = {
        sha256: data for log in logs_of(directory) for sha256, data in documents_of(Layout(log), wanted).items()
    }
    asked = Asked(
        title=_title(crawler, work, authority, say),
        documents=documents,
        about=tuple(_about(crawler, say)) if crawler else (),
        leaf_hashes=hashes,
        rest=say("the log: `optout evidence list`"),
        broken=broken,
        language=lang,
    )
    return sheet(account, counted, asked, say)


def _title(crawler: str, work: str, authority: str, say: Say) -> str:
    if crawler and work:
        title = say("Visits of {crawler} to {work}")
    elif crawler:
        title = say("Visits of {crawler}")
    elif work:
        title = say("Visits of AI crawlers to {work}")
    else:
        title = say("Visits of AI crawlers")
    told = title.format(crawler=crawler, work=work)
    return f"{told}, {authority}" if authority else told


def _count(
    catalog: Catalog, account: Account, crawler: str, work: str, authority: str, hashes: dict[int, str]
) -> Figures:
    from optout.evidence.index.question import PathPattern, Question
    from optout.report.figures import count
    from optout.report.visits import MOST_VISITS

    since, until, host = account.since_us, account.until_us, {"host": authority} if authority else {}
    facets = {"type": "crawl.request", **host, **({"product": crawler} if crawler else {})}
    question = Question(since_us=since, until_us=until, facets=facets, path=PathPattern(work) if work else None)
    gaps = Question(since_us=since, until_us=until, facets={"type": "log.gap"})
    retracted = [0]
    visits = _visits(catalog, question, hashes, MOST_VISITS, retracted)
    counted = count(visits, gaps=tuple(_fields(hit) for hit in _whole(catalog, gaps)), keep=MOST_VISITS)
    return replace(counted, retracted=retracted[0])


def _visits(
    catalog: Catalog, question: Question, hashes: dict[int, str], most: int, retracted: list[int]
) -> Iterator[Visit]:
    """The visits in the order of the log; of the first `most` the leaf hashes go into `hashes`."""
    from optout.evidence.tree import leaf_hash
    from optout.report.figures import Visit

    for hit in _whole(catalog, question):
        entry, row = hit.found.entry, hit.found.row
        if row.retracted:
            retracted[0] += 1
            continue
        if len(hashes) < most:
            hashes[entry.leaf_index] = leaf_hash(entry.record).hex()
        yield Visit(index=entry.leaf_index, fields=_fields(hit), outcome={"http.response.body.size": row.size or 0})


def _whole(catalog: Catalog, question: Question) -> Iterator[Hit]:
    from optout.evidence.segments import Break

    return (hit for hit in catalog.records(question) if not isinstance(hit, Break))


def _fields(hit: Hit) -> Fields:
    from optout.evidence.schema import parse_record

    return parse_record(hit.found.entry.record) or {}


def _about(name: str, say: Say) -> Iterator[tuple[str, str]]:
    """What is published about a crawler, each fact with its source; raises UsageError for an unknown name."""
    from optout.adapters.crawler_files import registry_in_use

    crawler = registry_in_use().by_name(name)
    if crawler is None:
        raise UsageError(f"no crawler is called {name!r}", "see `optout crawlers list`")
    yield say("Operator"), crawler.operator
    yield say("Purpose"), ", ".join(crawler.purposes)
    yield say("Names in robots.txt"), ", ".join(crawler.robots_tokens) or "-"
    yield say("Says that it obeys robots.txt"), crawler.honors_robots.value
    if crawler.docs:
        yield say("Its operator's page"), crawler.docs
    for source in crawler.sources:
        yield say("Source"), say("{source}, read on {date}").format(source=source.text, date=source.date)
