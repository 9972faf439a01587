"""`optout policy replay`: what another policy would have answered to the requests in the evidence log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optout.cli.evidence.choosing import catalog_of
from optout.cli.evidence.options import microseconds
from optout.cli.terminal import safe
from optout.cli.url_lists import listed

if TYPE_CHECKING:
    from optout.evidence.directory import Layout
    from optout.evidence.index.catalog import Catalog
    from optout.evidence.index.question import Question
    from optout.report.replay import Change, Recorded, Replayed
    from optout.signals.declaration import Document, Published

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MOST_SITES = 1_024  # whose documents are kept parsed


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--evidence", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The log with the requests."
)
@click.option("--since", default="", metavar="TIME", help="From this time on (ISO 8601; UTC unless it says).")
@click.option("--until", default="", metavar="TIME", help="Before this time.")
@click.option("--host", default="", metavar="NAME", help="Only requests to this host.")
@click.option("--urls", type=_FILE, metavar="FILE", help="Only requests for these URLs or paths, one a line.")
@click.option("--sitemap", type=_FILE, metavar="FILE", help="Only requests for the pages of this sitemap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(
    old: str,
    new: str,
    evidence: Path,
    since: str,
    until: str,
    host: str,
    urls: Path | None,
    sitemap: Path | None,
    as_json: bool,
) -> None:
    """Show which recorded requests NEW answers otherwise than OLD, each a policy's FILE, DIR or NAME.

    Each is judged with the robots.txt and tdmrep.json that were in force for it. Exit code: 0 nothing changes,
    1 something does, 2 fault.
    """
    from optout.adapters.crawler_files import registry_in_use
    from optout.adapters.policy_files import load_policy_set
    from optout.engine import Engine
    from optout.evidence.directory import Layout
    from optout.evidence.index.question import Question
    from optout.messages import parse_target
    from optout.report.replay import replay as judge_again

    registry = registry_in_use()
    before, after = (Engine(load_policy_set(path, registry, strict=True)[0], registry) for path in (old, new))
    facets = {"type": "crawl.request", **({"host": host} if host else {})}
    wanted = Question(since_us=microseconds(since, "--since"), until_us=microseconds(until, "--until"), facets=facets)
    pages = (
        frozenset(parse_target(url)[0].partition("?")[0] for url in listed(urls, sitemap)) if urls or sitemap else None
    )
    with catalog_of(evidence) as catalog:
        requests = _Requests(catalog, wanted, pages)
        found = judge_again(before, after, requests.read(), documents_in(Layout(evidence)))
    if as_json:
        click.echo(json.dumps(_told(found, requests.lost)))
    else:
        click.echo("\n".join(_lines(found, requests.lost)))
    click.get_current_context().exit(1 if found.changes else 0)


class _Requests:
    """The requests of a log as they are read; `lost` counts what is damaged."""

    def __init__(self, catalog: Catalog, wanted: Question, pages: frozenset[str] | None) -> None:
        self._catalog, self._wanted, self._pages = catalog, wanted, pages
        self.lost = 0

    def read(self) -> Iterator[tuple[Recorded, int | None]]:
        """Each with the bytes of content sent to it; what was retracted is left out."""
        from optout.evidence.segments import Break
        from optout.report.replay import parse_recorded

        for hit in self._catalog.records(self._wanted):
            if isinstance(hit, Break):
                self.lost += 1
                continue
            recorded = None if hit.found.row.retracted else parse_recorded(hit.found.entry.record)
            if recorded is None or (self._pages is not None and recorded.path not in self._pages):
                continue
            yield recorded, hit.found.row.size


def documents_in(layout: Layout) -> Callable[[Recorded], Published]:
    """What a site published when a request came, from the documents that the log keeps by content."""
    from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, known, parse_published, unknown

    kept: dict[tuple[str, str, str], Published] = {}

    def document(name: str, digest: str) -> Document:
        data = layout.document(digest)
        return known(name, data) if data is not None else unknown(name, "not in the log")

    def published(recorded: Recorded) -> Published:
        key = (recorded.authority, recorded.robots, recorded.tdmrep)
        found = kept.get(key)
        if found is None:
            if len(kept) >= _MOST_SITES:
                kept.clear()
            robots, tdmrep = document(ROBOTS_NAME, recorded.robots), document(TDMREP_NAME, recorded.tdmrep)
            found = kept[key] = parse_published(robots, tdmrep, authority=recorded.authority)
        return found

    return published


def _told(found: Replayed, lost: int) -> dict[str, Any]:
    return {
        "judged": found.judged,
        "changed": found.changed,
        "without_path": found.without_path,
        "unknown": found.unknown,
        "damaged": lost,
        "changes": [
            {
                "crawler": change.crawler,
                "operator": change.operator,
                "purpose": change.purpose,
                "standing": change.standing,
                "before": change.before._asdict(),
                "after": change.after._asdict(),
                "why": change.why,
                "count": change.count,
                "bytes": change.content_bytes,
                "examples": change.examples,
            }
            for change in found.changes
        ],
    }


def _lines(found: Replayed, lost: int) -> Iterator[str]:
    for change in found.changes:
        yield f"{_name(change)}: {change.before} -> {change.after}"
        sent = f", {change.content_bytes:,} bytes were sent" if change.content_bytes else ""
        examples = ", ".join(safe(example, 200) for example in change.examples)
        yield f"    {_requests(change.count)}{sent}, as {examples}"
        yield f"    {safe(change.why, 200)}"
    if found.changes:
        yield f"{found.changed:,} of {_requests(found.judged)} {'changes' if found.changed == 1 else 'change'}"
    else:
        yield f"nothing changes in {_requests(found.judged)}"
    if found.without_path:
        yield f"{found.without_path:,} could not be judged: their path is private, or not whole on record"
    if found.unknown:
        yield f"{found.unknown:,} could not be judged: they name no crawler that is known today"
    if lost:
        yield f"{lost:,} records are damaged"


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _name(change: Change) -> str:
    return safe(f"{change.crawler} ({change.operator}, {change.purpose}, {change.standing})", 200)
